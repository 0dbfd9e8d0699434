#include "sim/medium/fading.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {

double draw_gamma(Random& random, double shape) {
  TWINBED_CHECK(shape > 0 && shape < 1e9, "the shape of a gamma distribution must be positive");
  if (shape < 1) {
    // Gamma(shape) is Gamma(shape + 1) times a uniform number to the power of 1 / shape.
    const double power = portable_log(1.0 - random.uniform()) / shape;
    return draw_gamma(random, shape + 1) * portable_exp(power);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  for (;;) {
    const double x = random.normal();
    const double root = 1.0 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    const double u = 1.0 - random.uniform();
    if (u < 1.0 - 0.0331 * (x * x) * (x * x)) return d * v;
    if (portable_log(u) < 0.5 * x * x + d * (1.0 - v + portable_log(v))) return d * v;
  }
}

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
  const double k = ratio_from_mdb(mdb_from_db(options.rician_k_db));
  rician_mean_ = std::sqrt(k / (k + 1));
  rician_deviation_ = std::sqrt(0.5 / (k + 1));
}

double Fading::draw_power(double distance_m, Random& random) const {
  switch (options_.model) {
    case FadingModel::kNone: return 1;
    case FadingModel::kRayleigh: return random.exponential();
    case FadingModel::kRician: {
      const double in_phase = rician_mean_ + rician_deviation_ * random.normal();
      const double quadrature = rician_deviation_ * random.normal();
      return in_phase * in_phase + quadrature * quadrature;
    }
    case FadingModel::kNakagami: {
      const double m = distance_m < options_.distance1_m   ? options_.m0
                       : distance_m < options_.distance2_m ? options_.m1
                                                           : options_.m2;
      return draw_gamma(random, m) / m;
    }
  }
  TWINBED_CHECK(false, "a fading model that does not exist");
}

int Fading::draw_mdb(double distance_m, Random& random) const {
  if (options_.model == FadingModel::kNone) return 0;
  return mdb_from_ratio(draw_power(distance_m, random));
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
