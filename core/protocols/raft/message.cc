#include "core/protocols/raft/message.h"

#include "core/protocols/raft/entry_codec.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::raft {
namespace {

// Flags of votes and replies.
constexpr std::uint8_t kPreVote = 1;
constexpr std::uint8_t kTransfer = 2;
constexpr std::uint8_t kYes = 4;

std::uint8_t flag(bool value, std::uint8_t bit) { return value ? bit : std::uint8_t{0}; }

void write_block(Writer& out, Bytes bytes) {
  out.u32be(static_cast<std::uint32_t>(bytes.size()));
  out.bytes(bytes);
}

struct Encoder {
  Buffer& buffer;
  Writer out{buffer};

  void operator()(const VoteRequest& m) {
    out.u64be(m.last_index);
    out.u64be(m.last_term);
    out.u8(static_cast<std::uint8_t>(flag(m.is_pre_vote, kPreVote) |
                                     flag(m.is_transfer, kTransfer)));
  }
  void operator()(const VoteReply& m) {
    out.u8(static_cast<std::uint8_t>(flag(m.is_pre_vote, kPreVote) | flag(m.is_granted, kYes)));
  }
  void operator()(const AppendRequest& m) {
    out.u64be(m.previous_index);
    out.u64be(m.previous_term);
    out.u64be(m.commit);
    out.u64be(m.round);
    out.u32be(static_cast<std::uint32_t>(m.entries.size()));
    for (const Entry& entry : m.entries) write_entry(out, entry);
  }
  void operator()(const AppendReply& m) {
    out.u64be(m.round);
    out.u64be(m.match);
    out.u8(flag(m.is_accepted, kYes));
  }
  void operator()(const SnapshotRequest& m) {
    out.u64be(m.last.index);
    out.u64be(m.last.term);
    out.u64be(m.last.prefix_hash);
    write_block(out, encode(m.configuration));
    out.u64be(m.round);
    out.u64be(m.offset);
    out.u8(flag(m.is_last, kYes));
    write_block(out, m.data);
  }
  void operator()(const SnapshotReply& m) {
    out.u64be(m.round);
    out.u64be(m.last_index);
    out.u64be(m.next_offset);
    out.u8(flag(m.is_installed, kYes));
  }
  void operator()(const TimeoutNow&) {}
};

/// Flags within a mask; others make the message invalid.
std::uint8_t read_flags(Reader& in, std::uint8_t allowed, bool& is_sound) {
  const std::uint8_t flags = in.u8();
  is_sound = is_sound && (flags & ~allowed) == 0;
  return flags;
}

Bytes read_block(Reader& in) { return in.bytes(in.u32be()); }

bool read(Reader& in, VoteRequest& m) {
  bool is_sound = true;
  m.last_index = in.u64be();
  m.last_term = in.u64be();
  const std::uint8_t flags = read_flags(in, kPreVote | kTransfer, is_sound);
  m.is_pre_vote = (flags & kPreVote) != 0;
  m.is_transfer = (flags & kTransfer) != 0;
  return is_sound;
}

bool read(Reader& in, VoteReply& m) {
  bool is_sound = true;
  const std::uint8_t flags = read_flags(in, kPreVote | kYes, is_sound);
  m.is_pre_vote = (flags & kPreVote) != 0;
  m.is_granted = (flags & kYes) != 0;
  return is_sound;
}

bool read(Reader& in, AppendRequest& m) {
  m.previous_index = in.u64be();
  m.previous_term = in.u64be();
  m.commit = in.u64be();
  m.round = in.u64be();
  const std::uint32_t count = in.u32be();
  for (std::uint32_t i = 0; i < count; ++i) {
    Entry entry;
    // A count that promises more than there is ends at the first entry that is missing.
    if (!read_entry(in, entry)) return false;
    m.entries.push_back(std::move(entry));
  }
  return true;
}

bool read(Reader& in, AppendReply& m) {
  bool is_sound = true;
  m.round = in.u64be();
  m.match = in.u64be();
  m.is_accepted = read_flags(in, kYes, is_sound) != 0;
  return is_sound;
}

bool read(Reader& in, SnapshotRequest& m) {
  bool is_sound = true;
  m.last.index = in.u64be();
  m.last.term = in.u64be();
  m.last.prefix_hash = in.u64be();
  is_sound = decode(read_block(in), m.configuration);
  m.round = in.u64be();
  m.offset = in.u64be();
  m.is_last = read_flags(in, kYes, is_sound) != 0;
  m.data = to_buffer(read_block(in));
  return is_sound;
}

bool read(Reader& in, SnapshotReply& m) {
  bool is_sound = true;
  m.round = in.u64be();
  m.last_index = in.u64be();
  m.next_offset = in.u64be();
  m.is_installed = read_flags(in, kYes, is_sound) != 0;
  return is_sound;
}

bool read(Reader&, TimeoutNow&) { return true; }

/// The alternative number `kind` of Message, read from the rest of the bytes.
template <std::size_t kKind = 0>
std::optional<Message> decode_kind(std::size_t kind, Reader& in) {
  if constexpr (kKind == std::variant_size_v<Message>) {
    return std::nullopt;
  } else {
    if (kind != kKind) return decode_kind<kKind + 1>(kind, in);
    std::variant_alternative_t<kKind, Message> message;
    message.term = in.u64be();
    if (!read(in, message) || !in.done()) return std::nullopt;
    return Message(std::move(message));
  }
}

}  // namespace

Term term_of(const Message& message) {
  return std::visit([](const auto& m) { return m.term; }, message);
}

void encode(const Message& message, Buffer& out) {
  Writer writer(out);
  writer.u8(static_cast<std::uint8_t>(message.index()));
  writer.u64be(term_of(message));
  std::visit(Encoder{out}, message);
}

std::optional<Message> decode(Bytes bytes) {
  Reader in(bytes);
  const std::size_t kind = in.u8();
  return in.ok() ? decode_kind(kind, in) : std::nullopt;
}

}  // namespace twinbed::raft
