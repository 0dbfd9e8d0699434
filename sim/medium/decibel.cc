#include "sim/medium/decibel.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/portable_math.h"

namespace twinbed::sim {
namespace {

constexpr double kLn10 = 2.302585092994046;
constexpr int kDecadeMdb = 10'000;
constexpr int kMostDecades = 300;

template <std::size_t kSize>
std::array<double, kSize> powers_of_ten(double step, int first) {
  std::array<double, kSize> powers{};
  for (std::size_t i = 0; i < kSize; ++i) {
    powers[i] = portable_exp((first + static_cast<int>(i)) * step * kLn10);
  }
  return powers;
}
// A ratio is the product of its decade, its tenth of a decibel and its thousandth.
const auto kDecades = powers_of_ten<2 * kMostDecades + 1>(1.0, -kMostDecades);
const auto kCoarse = powers_of_ten<100>(0.01, 0);
const auto kFine = powers_of_ten<100>(0.0001, 0);

}  // namespace

double ratio_from_mdb(int mdb) {
  const int bounded = std::clamp(mdb, -kMostDecades * kDecadeMdb, kMostDecades * kDecadeMdb);
  const int shifted = bounded + kMostDecades * kDecadeMdb;
  const auto decade = static_cast<std::size_t>(shifted / kDecadeMdb);
  const auto rest = static_cast<std::size_t>(shifted % kDecadeMdb);
  return kDecades[decade] * kCoarse[rest / 100] * kFine[rest % 100];
}

int mdb_from_ratio(double ratio) {
  if (!(ratio > 1e-300)) return -kMostDecades * kDecadeMdb;
  if (ratio > 1e300) return kMostDecades * kDecadeMdb;
  return static_cast<int>(std::lround(portable_log(ratio) * (kDecadeMdb / kLn10)));
}

int mdb_from_db(double db) {
  constexpr double kMostDb = 1000;
  if (!(db == db)) return static_cast<int>(kMostDb * 1000);
  return static_cast<int>(std::lround(std::clamp(db, -kMostDb, kMostDb) * 1000));
}

}  // namespace twinbed::sim
