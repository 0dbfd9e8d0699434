// Random numbers: the source a protocol draws from, and the distributions over it.
//
// The distributions are our own, because the standard library's differ from one implementation to
// the next. A host supplies next(): the simulator a keyed deterministic stream (RandomStream), a
// live host the operating system's generator (backends/system_random.h).
#pragma once

#include <cstdint>
#include <span>

#include "core/base/bytes.h"
#include "core/base/time.h"

namespace twinbed {

class Random {
 public:
  virtual ~Random() = default;

  /// 64 uniformly distributed bits.
  virtual std::uint64_t next() = 0;

  /// Uniform over 0 .. bound - 1 without bias (Lemire, "Fast random integer generation in an
  /// interval", 2019); bound must be positive.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform over [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// True with this probability; 0 and less never draws, 1 and more neither.
  bool chance(double probability);
  /// Uniform over [low, high], to the nanosecond; low <= high.
  Duration between(Duration low, Duration high);
  /// Exponential with mean 1.
  double exponential();
  /// Normal with mean 0 and standard deviation 1 (Marsaglia's polar method).
  double normal();
  /// Pareto with minimum 1 and this shape; its mean is shape / (shape - 1) for shapes above 1.
  double pareto(double shape);
  /// Fills with random bytes.
  void fill(std::span<std::byte> bytes);
};

/// Draws without order: a permutation of the values, every order equally likely (Fisher-Yates).
template <class T>
void shuffle(std::span<T> values, Random& random) {
  for (std::size_t i = values.size(); i > 1; --i) {
    std::swap(values[i - 1], values[random.below(i)]);
  }
}

}  // namespace twinbed
