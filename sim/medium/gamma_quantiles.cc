#include "sim/medium/gamma_quantiles.h"

#include <cmath>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {
namespace {

/// ln of the gamma function for x > 0, by Stirling's series beyond 10 and the recurrence below.
double log_gamma(double x) {
  double product = 1;
  for (; x < 10; ++x) product *= x;
  constexpr double kHalfLogTwoPi = 0.9189385332046727;
  const double y = 1 / (x * x);
  const double series =
      (1.0 / 12 - y * (1.0 / 360 - y * (1.0 / 1260 - y * (1.0 / 1680 - y / 1188)))) / x;
  return (x - 0.5) * portable_log(x) - x + kHalfLogTwoPi + series - portable_log(product);
}

/// x^a e^-x / Gamma(a): the density of Gamma(a, 1) at x, times x.
double density_times_x(double a, double x) {
  return portable_exp(a * portable_log(x) - x - log_gamma(a));
}

/// The lower tail by its power series (Abramowitz and Stegun, 6.5.29), for x < a + 1.
double lower_series(double a, double x) {
  double term = 1 / a, sum = term;
  for (int n = 1; term > sum * 1e-17; ++n) {
    term *= x / (a + n);
    sum += term;
  }
  return sum * density_times_x(a, x);
}

/// The upper tail by its continued fraction (6.5.31), evaluated from the front by Lentz's method,
/// for x >= a + 1.
double upper_fraction(double a, double x) {
  double b = x + 1 - a;
  double c = 1e300;
  double d = 1 / b;
  double value = d;
  for (int n = 1; n < 10'000; ++n) {
    const double factor = n * (a - n);
    b += 2;
    d = 1 / (factor * d + b);
    c = b + factor / c;
    value *= d * c;
    if (std::abs(d * c - 1) < 1e-16) break;
  }
  return value * density_times_x(a, x);
}

double tail(double a, double x, bool is_upper) {
  const bool is_low = x < a + 1;
  const double near = is_low ? lower_series(a, x) : upper_fraction(a, x);
  return is_low == is_upper ? 1 - near : near;
}

/// Where the tail has this probability, by Newton's method on both logarithms from near there.
double quantile(double a, double probability, bool is_upper, double start) {
  double x = start;
  for (int i = 0; i < 100; ++i) {
    const double found = tail(a, x, is_upper);
    const double slope = density_times_x(a, x) / found;  // of ln tail by ln x, but for its sign
    const double step = (portable_log(probability) - portable_log(found)) / slope;
    // A step is kept below a factor of 2.7, as it may start far off.
    const double bounded = std::fmax(-1.0, std::fmin(1.0, is_upper ? -step : step));
    x *= portable_exp(bounded);
    if (std::abs(bounded) < 1e-10) break;
  }
  return x;
}

}  // namespace

GammaQuantiles::GammaQuantiles(double shape) {
  TWINBED_CHECK(shape >= 0.5 && shape <= 1000, "the shape of fading is 0.5 to 1000");
  fill(shape, false);
  fill(shape, true);
}

void GammaQuantiles::fill(double shape, bool is_upper) {
  auto& ends = ends_mdb_[is_upper ? 1 : 0];
  double x = shape;
  double largest = 0.5;  // of this octave's probabilities
  for (std::size_t octave = 0; octave < kOctaves; ++octave, largest /= 2) {
    for (std::size_t end = kEnds; end-- > 0;) {
      const double probability = largest / 2 * (1 + static_cast<double>(end) / kCells);
      x = quantile(shape, probability, is_upper, x);
      ends[octave * kEnds + end] = mdb_from_ratio(x / shape);
    }
  }
}

}  // namespace twinbed::sim
