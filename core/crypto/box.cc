#include "core/crypto/box.h"

#include <algorithm>

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

static_assert(kBoxNonceBytes == crypto_box_NONCEBYTES && kBoxTagBytes == crypto_box_MACBYTES);

bool seal_box(const SecretKey& mine, const PublicKey& theirs, const BoxNonce& nonce, Bytes plain,
              Buffer& sealed) {
  require_sodium();
  sealed.resize(plain.size() + kBoxTagBytes);
  return crypto_box_easy(raw_out(sealed), raw(plain), plain.size(), raw(nonce), raw(theirs),
                         raw(mine.bytes())) == 0;
}

bool open_box(const SecretKey& mine, const PublicKey& theirs, const BoxNonce& nonce, Bytes sealed,
              Buffer& plain) {
  require_sodium();
  plain.clear();
  if (sealed.size() < kBoxTagBytes) return false;
  plain.resize(sealed.size() - kBoxTagBytes);
  const bool is_authentic =
      crypto_box_open_easy(raw_out(plain), raw(sealed), sealed.size(), raw(nonce), raw(theirs),
                           raw(mine.bytes())) == 0;
  if (!is_authentic) plain.clear();
  return is_authentic;
}

KeyPair box_key_pair(std::span<const std::byte, 32> seed) {
  static_assert(crypto_box_SEEDBYTES == 32);
  require_sodium();
  KeyPair pair;
  crypto_box_seed_keypair(raw_out(pair.public_key), raw_out(pair.secret_key.writable()),
                          raw(seed));
  return pair;
}

Result<std::array<SecretKey, 2>> seeds_from_password(std::string_view password,
                                                     std::string_view salt, std::uint64_t passes,
                                                     std::size_t memory_bytes) {
  TWINBED_CHECK(salt.size() == crypto_pwhash_argon2i_SALTBYTES, "the salt has 16 bytes");
  require_sodium();
  std::array<std::byte, 64> both;
  if (crypto_pwhash_argon2i(raw_out(both), both.size(), password.data(), password.size(),
                            raw(as_bytes(salt)), passes, memory_bytes,
                            crypto_pwhash_argon2i_ALG_ARGON2I13) != 0) {
    return Error{"keys from a password take " + std::to_string(memory_bytes >> 20) +
                 " MiB of memory, which could not be had; free some, or make keys without one"};
  }
  const std::span<const std::byte, 64> seeds(both);
  std::array<SecretKey, 2> halves{SecretKey(seeds.first<32>()), SecretKey(seeds.last<32>())};
  sodium_memzero(both.data(), both.size());
  return halves;
}

}  // namespace twinbed
