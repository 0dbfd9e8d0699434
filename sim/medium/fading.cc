#include "sim/medium/fading.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {

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

int Fading::draw_rician_mdb(Random& random) const {
  const double in_phase = rician_mean_ + rician_deviation_ * random.normal();
  const double quadrature = rician_deviation_ * random.normal();
  return mdb_from_ratio(in_phase * in_phase + quadrature * quadrature);
}

int Fading::draw_mdb(double distance_m, Random& random) const {
  switch (options_.model) {
    case FadingModel::kNone: return 0;
    case FadingModel::kRayleigh: return quantiles_[0].draw_mdb(random);
    case FadingModel::kRician: return draw_rician_mdb(random);
    case FadingModel::kNakagami: {
      const std::size_t field = distance_m < options_.distance1_m   ? 0
                                : distance_m < options_.distance2_m ? 1
                                                                    : 2;
      return quantiles_[field].draw_mdb(random);
    }
  }
  TWINBED_CHECK(false, "a fading model that does not exist");
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
