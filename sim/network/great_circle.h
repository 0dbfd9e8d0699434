// Distance and propagation delay between places on the Earth.
//
// The C library's trigonometric functions differ in their last bits between machines, which would
// move packets by a nanosecond. Everything here is +, -, *, / and square roots, which IEEE 754
// fixes.
#pragma once

#include "core/base/time.h"

namespace twinbed::sim {

/// A place in degrees: latitude -90 to 90 (north is positive), longitude -360 to 360 (east is
/// positive).
struct GeoPoint {
  double latitude_deg = 0;
  double longitude_deg = 0;

  bool operator==(const GeoPoint&) const = default;
};

/// The great-circle distance on a sphere with the Earth's mean radius of 6,371,008.8 m (IUGG); the
/// error against the ellipsoid is below 0.6 %.
double great_circle_m(const GeoPoint& a, const GeoPoint& b);

/// The time that light takes over the great circle in optical fibre, at two thirds of its speed in
/// vacuum, rounded to the nanosecond. Real fibre is longer than the great circle.
Duration fibre_delay(const GeoPoint& a, const GeoPoint& b);

}  // namespace twinbed::sim
