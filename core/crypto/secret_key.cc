#include "core/crypto/secret_key.h"

#include <algorithm>

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

SecretKey::SecretKey(std::span<const std::byte, kBytes> bytes) {
  std::copy(bytes.begin(), bytes.end(), bytes_.begin());
}

SecretKey::~SecretKey() { sodium_memzero(bytes_.data(), bytes_.size()); }

Result<SecretKey> key_from_hex(std::string_view hex, std::string_view what,
                               std::string_view remedy) {
  // The key itself is never repeated: sentences end up in logs.
  const auto refused = [&](const std::string& fault) {
    return Error{std::string(what) + " " + fault + "; " + std::string(remedy)};
  };
  if (hex.size() != 2 * SecretKey::kBytes) {
    return refused("must have 64 hexadecimal digits, not " + std::to_string(hex.size()) +
                   " characters");
  }
  const std::size_t wrong = hex.find_first_not_of("0123456789abcdefABCDEF");
  if (wrong != std::string_view::npos) {
    return refused("must have hexadecimal digits alone, but character " +
                   std::to_string(wrong + 1) + " is none");
  }
  SecretKey key;
  require_sodium();
  sodium_hex2bin(raw_out(key.writable()), SecretKey::kBytes, hex.data(), hex.size(), nullptr,
                 nullptr, nullptr);
  if (sodium_is_zero(raw(key.bytes()), SecretKey::kBytes) != 0) {
    return refused("is all zeros, which is no key");
  }
  return key;
}

bool equal_in_constant_time(Bytes a, Bytes b) {
  return a.size() == b.size() && sodium_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace twinbed
