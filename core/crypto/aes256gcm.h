// AES-256-GCM (NIST SP 800-38D) over libsodium, with a 12-byte nonce and a 16-byte tag.
//
// libsodium offers this cipher only where the processor has AES instructions (AES-NI and PCLMUL, or
// ARM's crypto extension); available() says so, and the factory refuses with a sentence elsewhere.
// A nonce must never be used twice under one key: the caller draws it at random for each message.
#pragma once

#include <array>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace twinbed {

class Aes256Gcm {
 public:
  static constexpr std::size_t kKeyBytes = 32;
  static constexpr std::size_t kNonceBytes = 12;
  static constexpr std::size_t kTagBytes = 16;
  using Nonce = std::array<std::byte, kNonceBytes>;

  /// Whether this processor can do it.
  static bool available();

  /// A key from 64 hexadecimal digits. The all-zero key is refused unless asked for by name: it is
  /// public, and only there to talk to programs that have it compiled in.
  static Result<Aes256Gcm> from_hex_key(std::string_view hex, bool allow_zero_key = false);

  /// Encrypts and appends the tag: as long as `plain` plus kTagBytes.
  Buffer seal(const Nonce& nonce, Bytes plain) const;

  /// Checks the tag and decrypts; an error where a bit was changed or the key is another.
  Result<Buffer> open(const Nonce& nonce, Bytes sealed) const;

 private:
  Aes256Gcm() = default;
  std::array<unsigned char, kKeyBytes> key_{};
};

}  // namespace twinbed
