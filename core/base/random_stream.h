// Deterministic random streams, keyed by (seed, purpose, number).
//
// Each purpose and each node has a stream of its own, so that adding a node, a link or a metric
// moves no other stream. Never for anything secret.
#pragma once

#include <array>
#include <string_view>

#include "core/base/random.h"

namespace twinbed {

/// xoshiro256++ (Blackman and Vigna, 2019), its state filled by splitmix64 from a hash of the key.
class RandomStream final : public Random {
 public:
  RandomStream(std::uint64_t seed, std::string_view purpose, std::uint64_t number = 0);

  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 4> state_{};
};

}  // namespace twinbed
