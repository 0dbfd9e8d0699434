#include "core/base/portable_math.h"

#include <algorithm>
#include <bit>
#include <cstdint>

#include "core/base/check.h"

namespace twinbed {
namespace {

// ln 2 in two parts: the product of the high part with an exponent is exact.
constexpr double kLn2High = 0x1.62e42fee00000p-1;
constexpr double kLn2Low = 0x1.a39ef35793c76p-33;

// Half a turn, in two parts likewise.
constexpr double kPiHigh = 0x1.921fb54400000p+1;
constexpr double kPiLow = 0x1.0b4611a626331p-33;
constexpr double kHalfPi = 1.5707963267948966;

/// For |x| <= pi/2 by its Taylor series, error below 1e-15.
double sine_of_quarter(double x) {
  const double square = x * x;
  double sum = 1.0;
  for (int k = 22; k >= 2; k -= 2) sum = 1.0 - square / (k * (k + 1)) * sum;
  return x * sum;
}

}  // namespace

double portable_log(double x) {
  TWINBED_CHECK(x > 0.0 && x < 1e308, "portable_log takes positive finite numbers");
  const std::uint64_t bits = std::bit_cast<std::uint64_t>(x);
  int exponent = static_cast<int>(bits >> 52) - 1023;
  double mantissa = std::bit_cast<double>((bits & 0x000f'ffff'ffff'ffffULL) |
                                          0x3ff0'0000'0000'0000ULL);
  if (mantissa > 1.4142135623730951) {
    mantissa *= 0.5;
    ++exponent;
  }
  // log m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.1716: the series gains 1.5 digits a term.
  const double s = (mantissa - 1.0) / (mantissa + 1.0);
  const double s2 = s * s;
  double sum = 0.0;
  for (int k = 23; k >= 1; k -= 2) sum = sum * s2 + 1.0 / k;
  return exponent * kLn2High + (2.0 * s * sum + exponent * kLn2Low);
}

double portable_exp(double x) {
  x = std::clamp(x, -700.0, 700.0);
  const double scaled = x * 1.4426950408889634;
  const int exponent = static_cast<int>(scaled + (scaled < 0 ? -0.5 : 0.5));
  const double rest = (x - exponent * kLn2High) - exponent * kLn2Low;
  double sum = 1.0;
  for (int k = 17; k >= 1; --k) sum = 1.0 + sum * rest / k;
  const std::uint64_t bits = static_cast<std::uint64_t>(exponent + 1023) << 52;
  return sum * std::bit_cast<double>(bits);
}

double portable_sin(double x) {
  TWINBED_CHECK(x >= -1e6 && x <= 1e6, "portable_sin takes angles of up to a million radians");
  if (x >= -kHalfPi && x <= kHalfPi) return sine_of_quarter(x);
  const double half_turns = x / (2.0 * kHalfPi);
  const int nearest = static_cast<int>(half_turns + (half_turns < 0 ? -0.5 : 0.5));
  const double sine = sine_of_quarter((x - nearest * kPiHigh) - nearest * kPiLow);
  return nearest % 2 == 0 ? sine : -sine;
}

double portable_cos(double x) { return portable_sin(x + kHalfPi); }

}  // namespace twinbed
