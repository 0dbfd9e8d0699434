#include "core/protocols/secure/handshake.h"

#include <algorithm>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::secure {
namespace {

constexpr std::string_view kMagic = "twinbed";
constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kMacBytes = sizeof(Digest);

template <std::size_t kSize>
void read_into(std::array<std::byte, kSize>& field, Reader& reader) {
  std::ranges::copy(reader.bytes(kSize), field.begin());
}

/// What every message of one side begins with: the initiator's hello, the responder's answer.
Buffer prefix_of(Handshake::Side side) {
  Buffer prefix;
  Writer writer(prefix);
  writer.text(kMagic);
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(side));
  return prefix;
}

Handshake::Side other(Handshake::Side side) {
  return side == Handshake::Side::kInitiator ? Handshake::Side::kResponder
                                             : Handshake::Side::kInitiator;
}

}  // namespace

void Handshake::write(Random& random, Buffer& out) {
  ephemeral_ = KeyPair::generate(random);
  const bool is_hello = side_ == Side::kInitiator;
  write_message(is_hello ? static_cast<std::uint8_t>(frames_) : 0, out);
}

void Handshake::write_refusal(Refusal why, Buffer& out) {
  TWINBED_CHECK(is_verdict(why), "a peer was refused for what is no verdict");
  write_message(static_cast<std::uint8_t>(why), out);
}

void Handshake::write_message(std::uint8_t word, Buffer& out) {
  Buffer message = prefix_of(side_);
  message.reserve(kMessageBytes);
  Writer writer(message);
  writer.u8(word);
  writer.u8(static_cast<std::uint8_t>(mine_.self.role));
  writer.u32be(mine_.self.id);
  writer.u64be(mine_.self.instance);
  writer.bytes(mine_.self.config_hash);
  writer.bytes(mine_.keys.public_key);
  writer.bytes(ephemeral_.public_key);
  writer.bytes(mac_of(message));
  transcript_.insert(transcript_.end(), message.begin(), message.end());
  out.insert(out.end(), message.begin(), message.end());
}

bool Handshake::can_begin_with(Bytes bytes) const {
  const Buffer prefix = prefix_of(other(side_));
  const std::size_t count = std::min(prefix.size(), bytes.size());
  return std::equal(prefix.begin(), prefix.begin() + count, bytes.begin());
}

Refusal Handshake::read(Bytes message) {
  TWINBED_CHECK(message.size() == kMessageBytes, "a handshake message was read in part");
  if (!can_begin_with(message)) return Refusal::kProtocol;
  const Bytes body = message.first(kMessageBytes - kMacBytes);
  if (!equal_in_constant_time(mac_of(body), message.last(kMacBytes))) {
    return Refusal::kNotAuthentic;
  }
  Reader reader(body);
  reader.skip(prefix_of(side_).size());
  const std::uint8_t word = reader.u8();
  peer_.role = static_cast<PeerRole>(reader.u8());
  peer_.id = reader.u32be();
  peer_.instance = reader.u64be();
  read_into(peer_.config_hash, reader);
  read_into(peer_.public_key, reader);
  read_into(peer_ephemeral_, reader);
  TWINBED_CHECK(reader.done(), "the layout of a handshake message has another length");
  transcript_.insert(transcript_.end(), message.begin(), message.end());

  if (peer_.role != PeerRole::kServer && peer_.role != PeerRole::kClient) {
    return Refusal::kProtocol;
  }
  if (const Refusal why = read_word(word); why != Refusal::kNone) return why;
  // A peer with our own key is ourselves, by a wrong address or an attacker who relays, or a second
  // node with a copy of our secret.
  return peer_.public_key == mine_.keys.public_key ? Refusal::kDuplicateId : Refusal::kNone;
}

/// What the byte at offset 9 of the peer's message comes to.
Refusal Handshake::read_word(std::uint8_t word) {
  if (side_ == Side::kInitiator) {
    const auto verdict = static_cast<Refusal>(word);
    is_refused_by_peer_ = is_verdict(verdict);
    return is_refused_by_peer_ || verdict == Refusal::kNone ? verdict : Refusal::kProtocol;
  }
  if (word > static_cast<std::uint8_t>(Frames::kClear)) return Refusal::kProtocol;
  return static_cast<Frames>(word) == frames_ ? Refusal::kNone : Refusal::kEncryptionDiffers;
}

std::optional<SessionKeys> Handshake::derive() const {
  const bool is_initiator = side_ == Side::kInitiator;
  const std::optional<SessionKeys> kx =
      is_initiator ? session_keys_of_initiator(ephemeral_, peer_ephemeral_)
                   : session_keys_of_responder(ephemeral_, peer_ephemeral_);
  const std::optional<SecretKey> static_ephemeral = shared_product(mine_.keys, peer_ephemeral_);
  const std::optional<SecretKey> ephemeral_static = shared_product(ephemeral_, peer_.public_key);
  if (!kx || !static_ephemeral || !ephemeral_static) return std::nullopt;
  const SecretKey& se = is_initiator ? *static_ephemeral : *ephemeral_static;
  const SecretKey& es = is_initiator ? *ephemeral_static : *static_ephemeral;

  const Digest transcript = blake2b(transcript_);
  const auto key_of = [&](Side direction) {
    Blake2b256 hash = Blake2b256::keyed(mine_.cluster_key.bytes());
    hash.update(as_bytes("twinbed/key"));
    hash.update(std::array{static_cast<std::byte>(direction)});
    hash.update(transcript);
    hash.update(kx->from_initiator.bytes());
    hash.update(kx->from_responder.bytes());
    hash.update(se.bytes());
    hash.update(es.bytes());
    SecretKey key;
    hash.finish(key.writable());
    return key;
  };
  return SessionKeys{key_of(Side::kInitiator), key_of(Side::kResponder)};
}

Digest Handshake::mac_of(Bytes message) const {
  Blake2b256 hash = Blake2b256::keyed(mine_.cluster_key.bytes());
  hash.update(as_bytes("twinbed/mac"));
  hash.update(transcript_);
  hash.update(message);
  return hash.finish();
}

}  // namespace twinbed::secure
