// Where a radio is at a time. Models are asked at times that never decrease and keep no events:
// a position is computed when it is wanted.
//
// ns-3's mobility models need its simulator and its random numbers, so that these are our own; what
// they do and what their parameters mean is as ns-3 documents it under the same names. The bits of
// a position are the same on every machine.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "core/base/random_stream.h"
#include "core/base/time.h"
#include "sim/medium/position.h"

namespace twinbed::sim {

class Mobility {
 public:
  virtual ~Mobility() = default;

  /// The position at a time of the run that is not before that of the last call.
  virtual Position at(Time now) = 0;
};

/// Takes the positions of a mobility at multiples of a step, so that one that does not move, or has
/// not yet, costs nothing.
class SteppedMobility {
 public:
  /// What does not move stays where it is at the start of the run.
  SteppedMobility(std::unique_ptr<Mobility> mobility, bool is_moving, Duration step);

  /// As of the last multiple of the step; times never decrease.
  const Position& at(Time now);
  /// That of the last call.
  const Position& last() const { return position_; }
  bool is_moving() const { return is_moving_; }

 private:
  std::unique_ptr<Mobility> mobility_;
  bool is_moving_;
  Duration step_;
  Position position_;
  std::int64_t taken_at_ = -1;  ///< in steps
};

/// Stays where it is (ns3::ConstantPositionMobilityModel).
class FixedPosition final : public Mobility {
 public:
  explicit FixedPosition(const Position& position) : position_(position) {}
  Position at(Time) override { return position_; }

 private:
  Position position_;
};

/// Metres per second along each axis.
struct Velocity {
  double x = 0;
  double y = 0;
  double z = 0;

  bool operator==(const Velocity&) const = default;
};

/// Straight on for ever from where it is at the start of the run
/// (ns3::ConstantVelocityMobilityModel).
class ConstantVelocity final : public Mobility {
 public:
  ConstantVelocity(const Position& start, const Velocity& velocity)
      : start_(start), velocity_(velocity) {}
  Position at(Time now) override;

 private:
  Position start_;
  Velocity velocity_;
};

struct Waypoint {
  Time at{};
  Position position;

  bool operator==(const Waypoint&) const = default;
};

/// On the straight line from one point to another one, which is later.
Position position_between(const Waypoint& from, const Waypoint& to, Time now);

/// Straight lines from one point to the next, each at its time (ns3::WaypointMobilityModel). Before
/// the first point it waits there, and after the last one, too. Of points at one time the last
/// counts from then on: a jump.
class Waypoints final : public Mobility {
 public:
  /// At least one point, in the order of their times.
  explicit Waypoints(std::vector<Waypoint> points);
  Position at(Time now) override;

 private:
  std::vector<Waypoint> points_;
  std::size_t next_ = 0;  // the first point that is still to come
  Time last_asked_ = Time::min();
};

/// A box of which all six sides belong to it, within 10,000 km of the origin.
struct Box {
  Position low;
  Position high;

  bool operator==(const Box&) const = default;
};

/// Uniform between two bounds, which may be equal.
struct Range {
  double low = 0;
  double high = 0;

  bool operator==(const Range&) const = default;
};

struct RandomWaypointOptions {
  Position start;
  Box area;                      ///< where destinations are drawn from, uniformly
  Range speed_mps = {0.3, 0.7};  ///< drawn for each way; at least 0.01
  Range pause_s = {2, 2};        ///< drawn at the start and at each destination
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_random_waypoint(const RandomWaypointOptions& options);

/// Pauses, goes straight to a random point, pauses... (ns3::RandomWaypointMobilityModel with
/// ns3::RandomBoxPositionAllocator).
class RandomWaypoint final : public Mobility {
 public:
  /// The options must be without mistake; the stream belongs to this radio alone.
  RandomWaypoint(const RandomWaypointOptions& options, const RandomStream& random);
  Position at(Time now) override;

 private:
  void pause();
  void walk();

  RandomWaypointOptions options_;
  RandomStream random_;
  Waypoint from_, to_;  // of the way or pause that it is on
  bool is_pausing_ = true;
};

/// A normal number, drawn again while it is further than `bound` from zero.
struct BoundedNormal {
  double variance = 1;
  double bound = 10;

  bool operator==(const BoundedNormal&) const = default;
};

struct GaussMarkovOptions {
  Position start;
  Box area = {{-100, -100, 0}, {100, 100, 100}};
  Duration time_step = std::chrono::seconds(1);
  double alpha = 1;                  ///< memory: 0 is none, 1 is a straight line
  Range mean_velocity_mps = {0, 1};  ///< each mean is drawn once, at the start
  Range mean_direction_rad = {0, 6.283185307};
  Range mean_pitch_rad = {0, 0};
  BoundedNormal normal_velocity = {};   ///< m/s
  BoundedNormal normal_direction = {};  ///< radians
  BoundedNormal normal_pitch = {};      ///< radians

  bool operator==(const GaussMarkovOptions&) const = default;
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_gauss_markov(const GaussMarkovOptions& options);

/// Every time step, velocity, direction and pitch become
///     alpha * old + (1 - alpha) * mean + sqrt(1 - alpha^2) * normal
/// and a step that would leave the area is reflected, with its mean direction
/// (ns3::GaussMarkovMobilityModel).
class GaussMarkov final : public Mobility {
 public:
  /// The options must be without mistake; the stream belongs to this radio alone.
  GaussMarkov(const GaussMarkovOptions& options, const RandomStream& random);
  Position at(Time now) override;

 private:
  void step();
  void reflect(const Position& next);

  GaussMarkovOptions options_;
  RandomStream random_;
  double mean_velocity_ = 0, mean_direction_ = 0, mean_pitch_ = 0;
  double velocity_ = 0, direction_ = 0, pitch_ = 0;
  Velocity now_velocity_;  // in this step
  Position position_;      // at its begin
  Time begin_{};
};

}  // namespace twinbed::sim
