#include "sim/network/great_circle.h"

#include <cmath>

#include "core/base/portable_math.h"

namespace twinbed::sim {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kEarthRadiusM = 6'371'008.8;
constexpr double kFibreSpeedMps = 299'792'458.0 * 2.0 / 3.0;

/// Sine of an angle in degrees, reduced to the first quarter by symmetry.
double sine_deg(double degrees) {
  while (degrees > 180.0) degrees -= 360.0;
  while (degrees < -180.0) degrees += 360.0;
  if (degrees > 90.0) degrees = 180.0 - degrees;
  if (degrees < -90.0) degrees = -180.0 - degrees;
  return portable_sin(degrees * (kPi / 180.0));
}

double cosine_deg(double degrees) { return sine_deg(90.0 - degrees); }

/// Arc tangent of a quotient of two numbers of which none is negative and not both are zero.
double arc_tangent(double y, double x) {
  if (y > x) return kPi / 2.0 - arc_tangent(x, y);
  // Halving the angle three times leaves a tangent below 0.1, where the series is short.
  double t = y / x;
  for (int i = 0; i < 3; ++i) t = t / (1.0 + std::sqrt(1.0 + t * t));
  const double square = t * t;
  double sum = 0.0;
  for (int k = 17; k >= 1; k -= 2) sum = 1.0 / k - square * sum;
  return 8.0 * t * sum;
}

struct Vector {
  double x = 0;
  double y = 0;
  double z = 0;
};

Vector unit_vector(const GeoPoint& point) {
  const double across = cosine_deg(point.latitude_deg);
  return {across * cosine_deg(point.longitude_deg), across * sine_deg(point.longitude_deg),
          sine_deg(point.latitude_deg)};
}

double length(double x, double y, double z) { return std::sqrt(x * x + y * y + z * z); }

}  // namespace

double great_circle_m(const GeoPoint& a, const GeoPoint& b) {
  // The angle as 2 atan(|u - v| / |u + v|), which is exact for near and for opposite points alike.
  const Vector u = unit_vector(a);
  const Vector v = unit_vector(b);
  const double apart = length(u.x - v.x, u.y - v.y, u.z - v.z);
  const double together = length(u.x + v.x, u.y + v.y, u.z + v.z);
  return 2.0 * arc_tangent(apart, together) * kEarthRadiusM;
}

Duration fibre_delay(const GeoPoint& a, const GeoPoint& b) {
  const double delay_ns = great_circle_m(a, b) / kFibreSpeedMps * 1e9;
  return Duration{static_cast<std::int64_t>(delay_ns + 0.5)};
}

}  // namespace twinbed::sim
