// ChaCha20-Poly1305 with a nonce of 8 bytes: the construction before RFC 8439 that libsodium keeps
// as crypto_aead_chacha20poly1305, and that WFB-NG's data packets use.
//
// A nonce must never be used twice under one key; a counter is enough.
#pragma once

#include <array>
#include <span>

#include "core/crypto/secret_key.h"

namespace twinbed {

class ChaCha20Poly1305 {
 public:
  static constexpr std::size_t kNonceBytes = 8;
  static constexpr std::size_t kTagBytes = 16;

  explicit ChaCha20Poly1305(const SecretKey& key);

  /// Encrypts `plain` to `sealed`, which has room for it and for the tag; `header` is authenticated
  /// with it. `plain` may begin where `sealed` does.
  void seal(std::span<const std::byte, kNonceBytes> nonce, Bytes header, Bytes plain,
            std::byte* sealed) const;

  /// Checks and decrypts to `plain`, which has room for all but the tag. False where the bytes are
  /// not authentic, or shorter than a tag; `plain` is then undefined.
  bool open(std::span<const std::byte, kNonceBytes> nonce, Bytes header, Bytes sealed,
            std::byte* plain) const;

 private:
  SecretKey key_;
};

}  // namespace twinbed
