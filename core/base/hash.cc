#include "core/base/hash.h"

#include <array>
#include <bit>
#include <cstring>

namespace twinbed {
namespace {

constexpr std::array<std::uint64_t, 4> kSecret{0xa076'1d64'78bd'642fULL, 0xe703'7ed1'a0b4'28dbULL,
                                               0x8ebc'6af0'9c88'c6e3ULL, 0x5899'65cc'7537'4cc3ULL};

std::uint64_t load_word(const std::byte* bytes) {
  std::uint64_t word;
  std::memcpy(&word, bytes, sizeof word);
  if constexpr (std::endian::native == std::endian::big) word = __builtin_bswap64(word);
  return word;
}

/// Up to 16 bytes, the missing ones zero.
void load_tail(Bytes bytes, std::uint64_t& low, std::uint64_t& high) {
  std::array<std::byte, 16> block{};
  if (!bytes.empty()) std::memcpy(block.data(), bytes.data(), bytes.size());
  low = load_word(block.data());
  high = load_word(block.data() + 8);
}

/// The hash; with kCopy it also copies the bytes, in the time that the multiplications take anyway.
template <bool kCopy>
std::uint64_t hash_and_copy(Bytes bytes, std::uint64_t seed, std::byte* to) {
  std::array<std::uint64_t, 3> lane{seed ^ kSecret[0], seed ^ kSecret[1], seed ^ kSecret[2]};
  const std::byte* at = bytes.data();
  std::size_t left = bytes.size();
  for (; left > 48; left -= 48, at += 48) {
    if constexpr (kCopy) {
      std::memcpy(to, at, 48);
      to += 48;
    }
    lane[0] = hash_fold(load_word(at) ^ kSecret[1], load_word(at + 8) ^ lane[0]);
    lane[1] = hash_fold(load_word(at + 16) ^ kSecret[2], load_word(at + 24) ^ lane[1]);
    lane[2] = hash_fold(load_word(at + 32) ^ kSecret[3], load_word(at + 40) ^ lane[2]);
  }
  if constexpr (kCopy) {
    if (left > 0) std::memcpy(to, at, left);
  }
  std::uint64_t hash = lane[0] ^ lane[1] ^ lane[2];
  for (; left > 16; left -= 16, at += 16) {
    hash = hash_fold(load_word(at) ^ kSecret[1], load_word(at + 8) ^ hash);
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  load_tail({at, left}, low, high);
  return hash_fold(hash_fold(low ^ kSecret[1], high ^ hash) ^ kSecret[0],
                   static_cast<std::uint64_t>(bytes.size()) ^ kSecret[1]);
}

}  // namespace

std::uint64_t hash_bytes(Bytes bytes, std::uint64_t seed) {
  return hash_and_copy<false>(bytes, seed, nullptr);
}

std::uint64_t copy_and_hash(Bytes from, std::byte* to) {
  return hash_and_copy<true>(from, 0, to);
}

}  // namespace twinbed
