// X25519 (RFC 7748) over libsodium: key pairs, the shared product of two of them, and the session
// keys that libsodium's crypto_kx derives from an ephemeral pair on each side.
//
// Key pairs come from the project's Random, so that a simulated run repeats; on a live host that is
// the system's generator. A public key of low order, which makes every product zero and so proves
// nothing, is refused wherever a product is taken.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/base/random.h"
#include "core/crypto/secret_key.h"

namespace twinbed {

using PublicKey = std::array<std::byte, 32>;

/// A public key from 64 hexadecimal digits; the error is one sentence.
Result<PublicKey> public_key_from_hex(std::string_view hex);

/// The public key that goes with a secret one.
PublicKey public_key_of(const SecretKey& secret);

struct KeyPair {
  PublicKey public_key{};
  SecretKey secret_key;

  static KeyPair generate(Random& random);
  /// The pair of a secret key of 64 hexadecimal digits; the error is one sentence.
  static Result<KeyPair> from_hex_secret(std::string_view hex);
};

/// What X25519 makes of my secret and their public key; both sides come to the same. Nothing where
/// their key is of low order (RFC 7748, section 6.1).
std::optional<SecretKey> shared_product(const KeyPair& mine, const PublicKey& theirs);

/// A key for each direction.
struct SessionKeys {
  SecretKey from_initiator;
  SecretKey from_responder;
};

/// crypto_kx: BLAKE2b-512 over the product and both public keys, cut in two. The initiator is
/// libsodium's client. Nothing where their key is of low order.
std::optional<SessionKeys> session_keys_of_initiator(const KeyPair& mine, const PublicKey& theirs);
std::optional<SessionKeys> session_keys_of_responder(const KeyPair& mine, const PublicKey& theirs);

}  // namespace twinbed
