#include "sim/medium/fading.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {
namespace {

/// Where a power with an exponential distribution of mean 1 lies in it, as GammaQuantiles counts.
std::uint64_t bits_of_exponential(double power) {
  constexpr double kHalf = 0.6931471805599453;  // ln 2, the median
  constexpr double kBits = 0x1p64;
  const bool is_upper = power >= kHalf;
  double tail = is_upper ? portable_exp(-power) : 1 - portable_exp(-power);
  if (power < 1e-4) tail = power - power * power / 2;  // where the difference would lose its digits
  const double scaled = std::clamp(tail * kBits, 0.0, 0x1.fffffffffffffp62);
  return std::uint64_t{is_upper} << 63 | static_cast<std::uint64_t>(scaled);
}

}  // namespace

std::string_view mistake_in_fading(const FadingOptions& options) {
  const auto is_shape = [](double m) { return m >= 0.5 && m <= 1000; };
  if (!is_shape(options.m0) || !is_shape(options.m1) || !is_shape(options.m2)) {
    return "a Nakagami m is 0.5 to 1000";
  }
  if (!(options.distance1_m >= 0 && options.distance1_m <= options.distance2_m)) {
    return "the distances at which m changes must be 0 m or more and in rising order";
  }
  const bool is_k = options.rician_k_db >= -100 && options.rician_k_db <= 100;
  return is_k ? "" : "a Rician K is -100 to 100 dB";
}

Fading::Fading(const FadingOptions& options) : options_(options) {
  TWINBED_CHECK(mistake_in_fading(options).empty(), mistake_in_fading(options));
  if (options.model == FadingModel::kRayleigh) quantiles_.emplace_back(1.0);
  if (options.model == FadingModel::kNakagami) {
    for (const double m : {options.m0, options.m1, options.m2}) quantiles_.emplace_back(m);
  }
  const double k = ratio_from_mdb(mdb_from_db(options.rician_k_db));
  rician_mean_ = std::sqrt(k / (k + 1));
  rician_deviation_ = std::sqrt(0.5 / (k + 1));
}

/// Of two normal numbers.
int Fading::rician_mdb(double in_phase, double quadrature) const {
  const double real = rician_mean_ + rician_deviation_ * in_phase;
  const double imaginary = rician_deviation_ * quadrature;
  return mdb_from_ratio(real * real + imaginary * imaginary);
}

int Fading::draw_rician_mdb(Random& random) const {
  const double in_phase = random.normal();
  return rician_mdb(in_phase, random.normal());
}

void Fading::draw_antennas_mdb(double distance_m, double correlation, Random& random,
                               std::span<int> powers_mdb) const {
  if (correlation <= 0 || options_.model == FadingModel::kNone || powers_mdb.size() == 1) {
    for (int& power : powers_mdb) power = draw_mdb(distance_m, random);
    return;
  }
  // Each antenna's complex amplitude is a part that all share and one of its own. The correlation
  // of powers is the square of that of amplitudes, which is the square of the shared part's weight.
  const double amplitudes = std::sqrt(std::min(correlation, 1.0));
  const double shared = std::sqrt(amplitudes), own = std::sqrt(1 - amplitudes);
  const double shared_real = shared * random.normal();
  const double shared_imaginary = shared * random.normal();
  for (int& power : powers_mdb) {
    const double real = shared_real + own * random.normal();
    const double imaginary = shared_imaginary + own * random.normal();
    if (options_.model == FadingModel::kRician) {
      power = rician_mdb(real, imaginary);
    } else {
      const double rayleigh = (real * real + imaginary * imaginary) / 2;
      power = quantiles_at(distance_m).at_mdb(bits_of_exponential(rayleigh));
    }
  }
}

std::string_view mistake_in_shadowing(const ShadowingOptions& options) {
  if (!(options.deviation_db >= 0 && options.deviation_db <= 100)) {
    return "the deviation of shadowing is 0 to 100 dB";
  }
  const bool is_distance = options.decorrelation_m >= 0 && options.decorrelation_m <= 1e9;
  return is_distance ? "" : "the decorrelation distance of shadowing must be 0 m or more";
}

Shadowing::Shadowing(const ShadowingOptions& options) : options_(options) {
  TWINBED_CHECK(mistake_in_shadowing(options).empty(), mistake_in_shadowing(options));
}

int Shadowing::loss_mdb(const Position& a, const Position& b, Random& random) {
  if (options_.deviation_db <= 0) return 0;
  if (!is_drawn_) {
    value_db_ = options_.deviation_db * random.normal();
  } else if (options_.decorrelation_m > 0) {
    const double moved_m = distance_m(a, a_) + distance_m(b, b_);
    if (moved_m > 0) {
      const double kept = portable_exp(-moved_m / options_.decorrelation_m);
      value_db_ = kept * value_db_ +
                  std::sqrt(1 - kept * kept) * options_.deviation_db * random.normal();
    }
  }
  is_drawn_ = true;
  a_ = a;
  b_ = b;
  return mdb_from_db(value_db_);
}

}  // namespace twinbed::sim
