// 32 secret bytes, keys read from hexadecimal, and comparison in constant time.
#pragma once

#include <array>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/result.h"

namespace twinbed {

/// 32 bytes that are wiped from memory when they go; every copy wipes itself.
class SecretKey {
 public:
  static constexpr std::size_t kBytes = 32;

  SecretKey() = default;  ///< all zeros, to be written
  explicit SecretKey(std::span<const std::byte, kBytes> bytes);
  SecretKey(const SecretKey&) = default;
  SecretKey& operator=(const SecretKey&) = default;
  ~SecretKey();

  Bytes bytes() const { return bytes_; }
  std::span<std::byte, kBytes> writable() { return bytes_; }

 private:
  std::array<std::byte, kBytes> bytes_{};
};

/// A key, secret or public, from 64 hexadecimal digits. Another length, another character and all
/// zeros are refused in one sentence: `what` begins it, `remedy` ends it.
Result<SecretKey> key_from_hex(std::string_view hex, std::string_view what,
                               std::string_view remedy);

/// Whether two byte strings are equal; the time it takes tells only their lengths.
bool equal_in_constant_time(Bytes a, Bytes b);

}  // namespace twinbed
