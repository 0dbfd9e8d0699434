// A fast 64-bit hash for fingerprints and keys. Not cryptographic; the same on every machine.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed {

/// The hash of some bytes under a seed: multiply-and-fold over 16-byte steps in three lanes.
std::uint64_t hash_bytes(Bytes bytes, std::uint64_t seed = 0);
/// The hash of some bytes, which are copied on the way; the copy costs next to nothing.
std::uint64_t copy_and_hash(Bytes from, std::byte* to);

/// Folds the full product of two words; the mixing step of both functions here.
inline std::uint64_t hash_fold(std::uint64_t a, std::uint64_t b) {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

/// Mixes a word into a running hash; the order of the words matters.
inline std::uint64_t hash_combine(std::uint64_t hash, std::uint64_t word) {
  return hash_fold(hash ^ 0x9e37'79b9'7f4a'7c15ULL, word ^ 0xd1b5'4a32'd192'ed03ULL) + word;
}

}  // namespace twinbed
