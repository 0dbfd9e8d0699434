// Where a radio is: Cartesian coordinates in metres, z upwards from the ground.
#pragma once

namespace twinbed::sim {

struct Position {
  double x = 0;
  double y = 0;
  double z = 0;

  bool operator==(const Position&) const = default;
};

/// The length of the straight line between two positions, in metres.
double distance_m(const Position& a, const Position& b);

}  // namespace twinbed::sim
