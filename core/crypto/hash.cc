#include "core/crypto/hash.h"

#include <sodium.h>

#include <array>

#include "core/base/check.h"

namespace twinbed {

std::string blake2b_hex(Bytes bytes) {
  TWINBED_CHECK(sodium_init() >= 0, "libsodium could not be initialised");
  std::array<unsigned char, 32> digest{};
  crypto_generichash(digest.data(), digest.size(),
                     reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), nullptr,
                     0);
  return to_hex(std::as_bytes(std::span(digest)));
}

}  // namespace twinbed
