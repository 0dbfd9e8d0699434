// Public-key authenticated encryption (X25519, XSalsa20, Poly1305) as libsodium's crypto_box; and
// the key pairs that seeds and passwords give.
//
// The shared secret is the same for both directions: who can open a box of the peer's can open one
// of his own, too.
#pragma once

#include <array>
#include <string_view>

#include "core/crypto/key_exchange.h"

namespace twinbed {

inline constexpr std::size_t kBoxNonceBytes = 24;
inline constexpr std::size_t kBoxTagBytes = 16;
using BoxNonce = std::array<std::byte, kBoxNonceBytes>;

/// The tag and the ciphertext: kBoxTagBytes longer than `plain`. False where the key is of low
/// order.
bool seal_box(const SecretKey& mine, const PublicKey& theirs, const BoxNonce& nonce, Bytes plain,
              Buffer& sealed);

/// False where the bytes are not authentic; `plain` is then empty.
bool open_box(const SecretKey& mine, const PublicKey& theirs, const BoxNonce& nonce, Bytes sealed,
              Buffer& plain);

/// The pair of a seed, as crypto_box_seed_keypair makes it (the secret key is half of the seed's
/// SHA-512).
KeyPair box_key_pair(std::span<const std::byte, 32> seed);

/// 64 bytes of a password by Argon2i 1.3 (RFC 9106) with one lane: the error is one sentence, for
/// lack of memory.
Result<std::array<SecretKey, 2>> seeds_from_password(std::string_view password,
                                                     std::string_view salt, std::uint64_t passes,
                                                     std::size_t memory_bytes);

}  // namespace twinbed
