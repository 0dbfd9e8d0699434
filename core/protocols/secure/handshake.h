// The two messages by which both sides of a secure channel prove the cluster's key and agree on
// session keys. After Noise (Perrin, Noise Protocol Framework, revision 34): the pre-shared key
// comes first, as in NNpsk0 and KKpsk0, and the products are ee, es and se. Unlike there, what a
// side says of itself travels in the clear, as nothing of it is secret.
//
// Hello and answer are laid out alike, big-endian, 151 bytes:
//
//   offset  bytes
//        0      7  "twinbed"
//        7      1  version, 1
//        8      1  kind: 1 hello, 2 answer
//        9      1  hello: the frames that follow (Frames); answer: the verdict, 0 or why the
//                  initiator is refused (Refusal)
//       10      1  role (PeerRole)
//       11      4  id
//       15      8  instance
//       23     32  hash of the configuration
//       55     32  static public key
//       87     32  ephemeral public key; zeros in a refusal
//      119     32  MAC = H("twinbed/mac" | hello, if this is the answer | bytes 0 to 118)
//
// H is BLAKE2b-256 keyed by the cluster key. A stranger without the key costs one hash and gets no
// byte back. The answer's MAC covers the hello with its fresh ephemeral key, so that an answer, a
// refusal included, fits no other hello. Both sides must want the same frames: the responder sees
// in the hello what its peer wants, and refuses what it does not want itself. As the MACs cover
// that byte, nobody on the way can make two sides that seal speak in clear.
//
//   key of direction d = H("twinbed/key" | d | BLAKE2b-256(hello | answer) | kx1 | kx2 | se | es)
//
// d is one byte, 1 from the initiator and 2 from the responder; kx1 and kx2 are crypto_kx's session
// keys of the two ephemeral pairs in the same order; se is the product of the initiator's static
// and the responder's ephemeral key, es that of the initiator's ephemeral and the responder's
// static one. Only the holder of a static secret key can therefore know the session keys, and once
// both ephemeral secrets are wiped nobody can compute them again.
#pragma once

#include <optional>

#include "core/base/random.h"
#include "core/crypto/hash.h"
#include "core/protocols/secure/credentials.h"
#include "core/protocols/secure/refusal.h"

namespace twinbed::secure {

/// Whether the messages are sealed. The numbers are part of the wire format.
enum class Frames : std::uint8_t {
  kSealed = 0,
  kClear = 1,  ///< for measurements and studies alone: anybody on the way can read and change them
};

/// One side of the handshake. An initiator writes its hello and reads the answer; a responder reads
/// the hello and writes an answer or a refusal; then both derive the keys.
class Handshake {
 public:
  static constexpr std::size_t kMessageBytes = 151;

  enum class Side : std::uint8_t { kInitiator = 1, kResponder = 2 };

  Handshake(Side side, const Credentials& credentials, Frames frames = Frames::kSealed)
      : side_(side), mine_(credentials), frames_(frames) {}

  /// The hello of an initiator, or the answer of a responder that lets its peer in.
  void write(Random& random, Buffer& out);
  /// The answer of a responder that refuses its peer.
  void write_refusal(Refusal why, Buffer& out);

  /// Whether the peer's message can begin so: another protocol is known by its first bytes.
  bool can_begin_with(Bytes bytes) const;
  /// Takes the peer's message of kMessageBytes. kNone: it is authentic, and peer() is what the peer
  /// says of itself. A verdict: so is it, and the peer refuses us; or it bears our own key
  /// (kDuplicateId), or wants other frames (kEncryptionDiffers).
  Refusal read(Bytes message);
  const Identity& peer() const { return peer_; }
  /// True where the verdict that read() returned is the peer's.
  bool is_refused_by_peer() const { return is_refused_by_peer_; }

  /// After both messages; nothing where a key of the peer's is of low order.
  std::optional<SessionKeys> derive() const;

 private:
  /// `word` is the byte at offset 9.
  void write_message(std::uint8_t word, Buffer& out);
  Refusal read_word(std::uint8_t word);
  Digest mac_of(Bytes message) const;

  Side side_;
  Credentials mine_;
  Frames frames_;
  KeyPair ephemeral_;
  Identity peer_;
  PublicKey peer_ephemeral_{};
  bool is_refused_by_peer_ = false;
  Buffer transcript_;  ///< the messages so far, at most two
};

}  // namespace twinbed::secure
