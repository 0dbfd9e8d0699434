// libsodium's crypto_secretstream_xchacha20poly1305: messages of one direction, sealed one after
// the other, so that none can be read, changed, dropped, repeated or moved without notice.
//
// A stream begins with a header of 24 bytes, which is no secret. Each sealed message is 17 bytes
// longer than the plain one: an encrypted tag and an authenticator. Each end holds a state that
// moves on with every message; it is wiped when it goes and cannot be copied, since two sealers of
// one state would use a nonce twice.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

#include "core/base/random.h"
#include "core/crypto/secret_key.h"

namespace twinbed {

/// What a sealed message does beside its content; the values are libsodium's.
enum class StreamTag : std::uint8_t {
  kMessage = 0,
  kRekey = 2,  ///< both ends take a new key after it, and forget the old one
  kFinal = 3,  ///< the last message: a stream that ends without it was cut
};

struct StreamState;  ///< libsodium's
struct StreamStateDeleter {
  void operator()(StreamState* state) const;
};
using StreamStateOwner = std::unique_ptr<StreamState, StreamStateDeleter>;

using StreamHeader = std::array<std::byte, 24>;
inline constexpr std::size_t kSealOverheadBytes = 17;

class StreamSealer {
 public:
  /// Draws the header.
  StreamSealer(const SecretKey& key, Random& random);

  const StreamHeader& header() const { return header_; }
  /// Appends the sealed message, kSealOverheadBytes longer than `plain`.
  void seal(Bytes plain, StreamTag tag, Buffer& out);

 private:
  StreamHeader header_{};
  StreamStateOwner state_;
};

class StreamOpener {
 public:
  StreamOpener(const SecretKey& key, const StreamHeader& header);

  struct Opened {
    StreamTag tag = StreamTag::kMessage;
    Buffer plain;
  };
  /// The message, or nothing where it is not the next one of this stream, unchanged, or bears a tag
  /// that StreamTag does not name; the stream is of no use then.
  std::optional<Opened> open(Bytes sealed);

 private:
  StreamStateOwner state_;
};

}  // namespace twinbed
