// BLAKE2b-256 (RFC 7693): the content hash by which stored items are compared across nodes and
// runs, and, with a key, the authenticator and key derivation of the secure channel.
#pragma once

#include <array>
#include <string>

#include "core/base/bytes.h"

namespace twinbed {

using Digest = std::array<std::byte, 32>;

/// Hashes bytes as they come; the pieces make no difference.
class Blake2b256 {
 public:
  Blake2b256();
  /// With a key of 16 to 64 bytes: nobody without the key can compute or check the digest.
  static Blake2b256 keyed(Bytes key);

  void update(Bytes bytes);

  /// The digest of all bytes so far. Nothing may be asked of the object afterwards.
  Digest finish();
  /// The same, written where the caller wants it: a derived key goes where it will be wiped.
  void finish(std::span<std::byte, 32> digest);

 private:
  explicit Blake2b256(Bytes key);

  alignas(64) std::array<std::byte, 384> state_;  ///< crypto_generichash_state
  bool is_finished_ = false;
};

/// The digest of one piece.
Digest blake2b(Bytes bytes);

/// BLAKE2b-256 without a key, as 64 lower-case hexadecimal digits.
std::string blake2b_hex(Bytes bytes);

}  // namespace twinbed
