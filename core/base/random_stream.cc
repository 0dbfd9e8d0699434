#include "core/base/random_stream.h"

#include <bit>

#include "core/base/hash.h"

namespace twinbed {

RandomStream::RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t number) {
  std::uint64_t key = hash_combine(hash_bytes(as_bytes(purpose), seed), number);
  for (std::uint64_t& word : state_) {
    key += 0x9e37'79b9'7f4a'7c15ULL;
    std::uint64_t z = key;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebULL;
    word = z ^ (z >> 31);
  }
}

std::uint64_t RandomStream::next() {
  const std::uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
  const std::uint64_t shifted = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= shifted;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

}  // namespace twinbed
