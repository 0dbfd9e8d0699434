#include "core/crypto/key_exchange.h"

#include <algorithm>

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

static_assert(crypto_kx_SEEDBYTES == SecretKey::kBytes);
static_assert(crypto_kx_SECRETKEYBYTES == SecretKey::kBytes);
static_assert(crypto_kx_SESSIONKEYBYTES == SecretKey::kBytes);
static_assert(crypto_kx_PUBLICKEYBYTES == sizeof(PublicKey));
static_assert(crypto_scalarmult_BYTES == SecretKey::kBytes);

Result<PublicKey> public_key_from_hex(std::string_view hex) {
  const Result<SecretKey> key =
      key_from_hex(hex, "the public key", "ask the owner of the key for it");
  if (!key) return Error{key.error()};
  PublicKey public_key{};
  std::ranges::copy(key->bytes(), public_key.begin());
  return public_key;
}

PublicKey public_key_of(const SecretKey& secret) {
  require_sodium();
  PublicKey public_key{};
  crypto_scalarmult_base(raw_out(public_key), raw(secret.bytes()));
  return public_key;
}

KeyPair KeyPair::generate(Random& random) {
  require_sodium();
  SecretKey seed;
  random.fill(seed.writable());
  KeyPair pair;
  crypto_kx_seed_keypair(raw_out(pair.public_key), raw_out(pair.secret_key.writable()),
                         raw(seed.bytes()));
  return pair;
}

Result<KeyPair> KeyPair::from_hex_secret(std::string_view hex) {
  const Result<SecretKey> secret =
      key_from_hex(hex, "the secret key of this node", "make one with `openssl rand -hex 32`");
  if (!secret) return Error{secret.error()};
  return KeyPair{public_key_of(*secret), *secret};
}

std::optional<SecretKey> shared_product(const KeyPair& mine, const PublicKey& theirs) {
  require_sodium();
  SecretKey product;
  if (crypto_scalarmult(raw_out(product.writable()), raw(mine.secret_key.bytes()), raw(theirs)) !=
      0) {
    return std::nullopt;
  }
  return product;
}

std::optional<SessionKeys> session_keys_of_initiator(const KeyPair& mine,
                                                     const PublicKey& theirs) {
  require_sodium();
  SessionKeys keys;
  if (crypto_kx_client_session_keys(raw_out(keys.from_responder.writable()),
                                    raw_out(keys.from_initiator.writable()), raw(mine.public_key),
                                    raw(mine.secret_key.bytes()), raw(theirs)) != 0) {
    return std::nullopt;
  }
  return keys;
}

std::optional<SessionKeys> session_keys_of_responder(const KeyPair& mine,
                                                     const PublicKey& theirs) {
  require_sodium();
  SessionKeys keys;
  if (crypto_kx_server_session_keys(raw_out(keys.from_initiator.writable()),
                                    raw_out(keys.from_responder.writable()), raw(mine.public_key),
                                    raw(mine.secret_key.bytes()), raw(theirs)) != 0) {
    return std::nullopt;
  }
  return keys;
}

}  // namespace twinbed
