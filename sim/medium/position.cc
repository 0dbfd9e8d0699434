#include "sim/medium/position.h"

#include <cmath>

namespace twinbed::sim {

double distance_m(const Position& a, const Position& b) {
  const double x = a.x - b.x, y = a.y - b.y, z = a.z - b.z;
  return std::sqrt(x * x + y * y + z * z);
}

}  // namespace twinbed::sim
