// Random numbers of one frame at one receiver, a function of who and which alone.
//
// What one receiver draws moves nobody else's numbers, so that a radio can be added to a scenario
// and all others hear what they heard before; and no state is kept for any pair of radios.
#pragma once

#include <cstdint>

#include "core/base/hash.h"
#include "core/base/random.h"

namespace twinbed::sim {

/// splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014) from a
/// hashed key.
class FrameRandom final : public Random {
 public:
  FrameRandom(std::uint64_t key, std::uint64_t number) : state_(hash_combine(key, number)) {}

  std::uint64_t next() override {
    state_ += 0x9e37'79b9'7f4a'7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebULL;
    return z ^ (z >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace twinbed::sim
