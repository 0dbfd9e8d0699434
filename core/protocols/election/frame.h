// The frame of cloud-p2p on a stream, and its secrecy:
//
//   u32 big-endian length | 12-byte nonce | AES-256-GCM ciphertext of the JSON | 16-byte tag
//
// The length counts everything after itself and may be 100 MiB at most. The nonce is drawn from the
// node's random numbers, which on a live host are the operating system's. There is no associated
// data, no sequence number and no direction in it: a recorded frame can be played back (a defect of
// the original, kept here).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/crypto/aes256gcm.h"
#include "core/protocols/election/json_codec.h"

namespace twinbed::election {

inline constexpr std::size_t kMaxFrameBytes = std::size_t{100} << 20;

/// Why a frame was refused.
enum class Refusal : std::uint8_t {
  kTooLong,         ///< announces more than kMaxFrameBytes
  kTooShort,        ///< has no room for nonce and tag
  kNotAuthentic,    ///< another key, or a changed bit
  kNotJson,         ///< authentic, and not a message
  kUnknownVariant,  ///< authentic, and of an unknown kind
};
inline constexpr std::size_t kRefusals = 5;

/// "too_long", "too_short", "not_authentic", "not_json", "unknown_variant".
std::string_view to_string(Refusal refusal);

/// After this refusal nothing on the stream can be trusted any more, so that it is to be closed.
inline bool ends_stream(Refusal refusal) { return refusal <= Refusal::kNotAuthentic; }

/// How many frames were refused, by reason.
using RefusalCounts = std::array<std::uint64_t, kRefusals>;

/// A message as one frame's body: nonce, ciphertext and tag.
Buffer seal_body(const Message& message, const Aes256Gcm& cipher, Random& random,
                 Dialect dialect = Dialect::kSeed);
/// The body with its length before it, ready for a stream.
Buffer seal_frame(const Message& message, const Aes256Gcm& cipher, Random& random,
                  Dialect dialect = Dialect::kSeed);
/// The message of one body.
std::variant<Message, Refusal> open_body(Bytes body, const Aes256Gcm& cipher);

/// Cuts one stream into frames. Memory grows with what has arrived, never with what is announced.
class FrameParser {
 public:
  using Outcome = std::variant<Message, Refusal>;

  explicit FrameParser(const Aes256Gcm& cipher) : cipher_(cipher) {}

  /// Takes the next bytes of the stream, in chunks of any size, and appends to `out` what they
  /// complete. After a refusal that ends the stream everything else is ignored.
  void feed(Bytes chunk, std::vector<Outcome>& out);

  /// Whether such a refusal has happened.
  bool ended() const { return ended_; }
  /// Bytes of an unfinished frame that are kept.
  std::size_t pending() const { return pending_.size(); }

 private:
  std::size_t take_frames(Bytes bytes, std::vector<Outcome>& out);

  Aes256Gcm cipher_;
  Buffer pending_;
  bool ended_ = false;
};

}  // namespace twinbed::election
