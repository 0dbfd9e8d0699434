#include "core/base/random.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/base/check.h"
#include "core/base/portable_math.h"

namespace twinbed {

__extension__ typedef unsigned __int128 Uint128;

std::uint64_t Random::below(std::uint64_t bound) {
  TWINBED_CHECK(bound > 0, "a random number below zero was asked for");
  Uint128 product = static_cast<Uint128>(next()) * bound;
  if (static_cast<std::uint64_t>(product) < bound) {
    const std::uint64_t threshold = (0 - bound) % bound;
    while (static_cast<std::uint64_t>(product) < threshold) {
      product = static_cast<Uint128>(next()) * bound;
    }
  }
  return static_cast<std::uint64_t>(product >> 64);
}

bool Random::chance(double probability) {
  if (probability <= 0.0) return false;
  if (probability >= 1.0) return true;
  return uniform() < probability;
}

Duration Random::between(Duration low, Duration high) {
  TWINBED_CHECK(low <= high, "the bounds of a random duration are the wrong way round");
  const auto span = static_cast<std::uint64_t>((high - low).count());
  if (span == 0) return low;
  return low + Duration{static_cast<std::int64_t>(below(span + 1))};
}

double Random::exponential() { return -portable_log(1.0 - uniform()); }

double Random::normal() {
  // The second value of each pair is thrown away, so that the source has no hidden state.
  for (;;) {
    const double u = 2.0 * uniform() - 1.0;
    const double v = 2.0 * uniform() - 1.0;
    const double square = u * u + v * v;
    if (square > 0.0 && square < 1.0) {
      return u * std::sqrt(-2.0 * portable_log(square) / square);
    }
  }
}

double Random::pareto(double shape) {
  TWINBED_CHECK(shape > 0.0, "the shape of a Pareto distribution must be positive");
  return portable_exp(exponential() / shape);
}

void Random::fill(std::span<std::byte> bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += sizeof(std::uint64_t)) {
    std::uint64_t bits = next();
    const std::size_t count = std::min(sizeof bits, bytes.size() - i);
    for (std::size_t j = 0; j < count; ++j, bits >>= 8) {
      bytes[i + j] = static_cast<std::byte>(bits & 255);
    }
  }
}

}  // namespace twinbed
