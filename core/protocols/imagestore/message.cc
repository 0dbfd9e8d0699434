#include "core/protocols/imagestore/message.h"

#include <algorithm>
#include <utility>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::imagestore {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMaxText = 1024;

void write_text(Writer& out, std::string_view text) {
  const std::string_view taken = text.substr(0, kMaxText);
  out.u16be(static_cast<std::uint16_t>(taken.size()));
  out.text(taken);
}

/// A longer text than any that is written fails, as if the bytes had ended.
std::string read_text(Reader& in) {
  const std::size_t size = in.u16be();
  return std::string(as_text(in.bytes(size <= kMaxText ? size : SIZE_MAX)));
}

Digest read_digest(Reader& in) {
  Digest digest{};
  const Bytes bytes = in.bytes(digest.size());
  std::copy(bytes.begin(), bytes.end(), digest.begin());
  return digest;
}

/// False for a number that names no outcome.
bool read_outcome(Reader& in, Outcome& out) {
  const std::uint8_t value = in.u8();
  out = static_cast<Outcome>(value);
  return value <= static_cast<std::uint8_t>(Outcome::kNotFound);
}

struct Encoder {
  Buffer& buffer;
  Writer out{buffer};

  void operator()(const RaftPart& m) { raft::encode(m.message, buffer); }
  void operator()(const Alive&) {}
  void operator()(const QueryLeader& m) { out.u64be(m.number); }
  void operator()(const LeaderInfo& m) {
    out.u64be(m.number);
    out.u32be(m.leader);
    out.u64be(m.term);
    out.u64be(m.commit);
  }
  void operator()(const PutBegin& m) {
    out.u64be(m.transfer);
    out.u64be(m.size);
    out.bytes(m.hash);
    write_text(out, m.id);
    write_text(out, m.user);
  }
  void operator()(const PutResult& m) {
    out.u64be(m.transfer);
    out.u8(static_cast<std::uint8_t>(m.outcome));
    out.u32be(m.leader);
    write_text(out, m.text);
  }
  void operator()(const CopyBegin& m) {
    out.u64be(m.transfer);
    out.u64be(m.size);
    out.bytes(m.hash);
  }
  void operator()(const CopyResult& m) {
    out.u64be(m.transfer);
    out.u8(static_cast<std::uint8_t>(m.outcome));
    write_text(out, m.text);
  }
  void operator()(const Pending& m) {
    out.u64be(m.commit);
    for (const Digest& hash : m.hashes) out.bytes(hash);
  }
  void operator()(const Chunk& m) {
    out.u64be(m.transfer);
    out.u64be(m.offset);
    out.bytes(m.data);
  }
  void operator()(const End& m) {
    out.u64be(m.transfer);
    out.bytes(m.hash);
  }
  void operator()(const Abort& m) { out.u64be(m.transfer); }
  void operator()(const Get& m) {
    out.u64be(m.transfer);
    out.u8(m.is_current ? 1 : 0);
    out.bytes(m.hash);
    write_text(out, m.id);
  }
  void operator()(const GetResult& m) {
    out.u64be(m.transfer);
    out.u8(static_cast<std::uint8_t>(m.outcome));
    out.u32be(m.leader);
    out.u64be(m.size);
    out.bytes(m.hash);
    write_text(out, m.text);
  }
};

bool read(Reader& in, RaftPart& m) {
  std::optional<raft::Message> message = raft::decode(in.rest());
  if (message) m.message = std::move(*message);
  return message.has_value();
}
bool read(Reader&, Alive&) { return true; }
bool read(Reader& in, QueryLeader& m) {
  m.number = in.u64be();
  return true;
}
bool read(Reader& in, LeaderInfo& m) {
  m.number = in.u64be();
  m.leader = in.u32be();
  m.term = in.u64be();
  m.commit = in.u64be();
  return true;
}
bool read(Reader& in, PutBegin& m) {
  m.transfer = in.u64be();
  m.size = in.u64be();
  m.hash = read_digest(in);
  m.id = read_text(in);
  m.user = read_text(in);
  return true;
}
bool read(Reader& in, PutResult& m) {
  m.transfer = in.u64be();
  const bool is_sound = read_outcome(in, m.outcome);
  m.leader = in.u32be();
  m.text = read_text(in);
  return is_sound;
}
bool read(Reader& in, CopyBegin& m) {
  m.transfer = in.u64be();
  m.size = in.u64be();
  m.hash = read_digest(in);
  return true;
}
bool read(Reader& in, CopyResult& m) {
  m.transfer = in.u64be();
  const bool is_sound = read_outcome(in, m.outcome);
  m.text = read_text(in);
  return is_sound;
}
bool read(Reader& in, Pending& m) {
  m.commit = in.u64be();
  while (in.remaining() > 0) m.hashes.push_back(read_digest(in));
  return true;
}
bool read(Reader& in, Chunk& m) {
  m.transfer = in.u64be();
  m.offset = in.u64be();
  m.data = to_buffer(in.rest());
  return !m.data.empty() && m.data.size() <= kChunkBytes;
}
bool read(Reader& in, End& m) {
  m.transfer = in.u64be();
  m.hash = read_digest(in);
  return true;
}
bool read(Reader& in, Abort& m) {
  m.transfer = in.u64be();
  return true;
}
bool read(Reader& in, Get& m) {
  m.transfer = in.u64be();
  const std::uint8_t flag = in.u8();
  m.is_current = flag == 1;
  m.hash = read_digest(in);
  m.id = read_text(in);
  return flag <= 1;
}
bool read(Reader& in, GetResult& m) {
  m.transfer = in.u64be();
  const bool is_sound = read_outcome(in, m.outcome);
  m.leader = in.u32be();
  m.size = in.u64be();
  m.hash = read_digest(in);
  m.text = read_text(in);
  return is_sound;
}

/// Reads the alternative whose place in the variant the type is.
template <std::size_t kPlace = 0>
bool read_type(std::uint8_t type, Reader& in, Message& out) {
  if constexpr (kPlace < std::variant_size_v<Message>) {
    if (type == kPlace) return read(in, out.emplace<kPlace>());
    return read_type<kPlace + 1>(type, in, out);
  } else {
    return false;
  }
}

}  // namespace

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kOk: return "ok";
    case Outcome::kNotLeader: return "not leader";
    case Outcome::kNoMajority: return "no majority";
    case Outcome::kBusy: return "busy";
    case Outcome::kUnconfirmed: return "unconfirmed";
    case Outcome::kRefused: return "refused";
    case Outcome::kStorage: return "storage";
    case Outcome::kStaleTerm: return "stale term";
    case Outcome::kNotFound: break;
  }
  return "not found";
}

Buffer encode(raft::ServerId from, raft::Term term, const Message& message) {
  Buffer buffer;
  Encoder encoder{buffer};
  encoder.out.u8(kVersion);
  encoder.out.u8(static_cast<std::uint8_t>(message.index()));
  encoder.out.u16be(0);
  encoder.out.u32be(from);
  encoder.out.u64be(term);
  std::visit(encoder, message);
  return buffer;
}

std::optional<Frame> decode(Bytes bytes) {
  Reader in(bytes);
  Frame frame;
  const std::uint8_t version = in.u8();
  const std::uint8_t type = in.u8();
  const std::uint16_t flags = in.u16be();
  frame.from = in.u32be();
  frame.term = in.u64be();
  if (version != kVersion || flags != 0) return std::nullopt;
  if (!read_type(type, in, frame.message) || !in.done()) return std::nullopt;
  return frame;
}

}  // namespace twinbed::imagestore
