#include "core/crypto/short_hash.h"

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

static_assert(std::tuple_size_v<ShortHash> == crypto_shorthash_BYTES);
static_assert(std::tuple_size_v<ShortHashKey> == crypto_shorthash_KEYBYTES);

ShortHash short_hash(const ShortHashKey& key, Bytes bytes) {
  require_sodium();
  ShortHash hash;
  crypto_shorthash(raw_out(hash), raw(bytes), bytes.size(), raw(key));
  return hash;
}

}  // namespace twinbed
