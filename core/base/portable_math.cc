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

}  // namespace twinbed
