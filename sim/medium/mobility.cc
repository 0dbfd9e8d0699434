#include "sim/medium/mobility.h"

#include <algorithm>
#include <cmath>

#include "core/base/check.h"
#include "core/base/portable_math.h"

namespace twinbed::sim {
namespace {

constexpr double kFarthestM = 1e7;
constexpr double kSlowestMps = 0.01;  // nobody is longer under way than integer nanoseconds reach
constexpr double kFastestMps = 1e6;
constexpr double kLongestPauseS = 1e9;

Duration from_seconds(double seconds) { return Duration{std::llround(seconds * 1e9)}; }

Position moved(const Position& from, const Velocity& velocity, Duration time) {
  const double seconds = to_seconds(time);
  return {from.x + velocity.x * seconds, from.y + velocity.y * seconds,
          from.z + velocity.z * seconds};
}

double draw(const Range& range, Random& random) {
  return range.low + (range.high - range.low) * random.uniform();
}

double draw(const BoundedNormal& normal, Random& random) {
  const double deviation = std::sqrt(normal.variance);
  for (;;) {
    const double value = deviation * random.normal();
    if (value >= -normal.bound && value <= normal.bound) return value;
  }
}

bool is_range(const Range& range, double lowest, double highest) {
  return range.low >= lowest && range.low <= range.high && range.high <= highest;
}

bool is_box(const Box& box) {
  return is_range({box.low.x, box.high.x}, -kFarthestM, kFarthestM) &&
         is_range({box.low.y, box.high.y}, -kFarthestM, kFarthestM) &&
         is_range({box.low.z, box.high.z}, -kFarthestM, kFarthestM);
}

bool is_inside(const Position& position, const Box& box) {
  return position.x >= box.low.x && position.x <= box.high.x && position.y >= box.low.y &&
         position.y <= box.high.y && position.z >= box.low.z && position.z <= box.high.z;
}

bool is_outside(double value, double low, double high) { return value < low || value > high; }

constexpr std::string_view kBoxMistake =
    "an area needs bounds in rising order, within 10,000 km of the origin";

}  // namespace

SteppedMobility::SteppedMobility(std::unique_ptr<Mobility> mobility, bool is_moving, Duration step)
    : mobility_(std::move(mobility)),
      is_moving_(is_moving),
      step_(step),
      position_(mobility_->at(Time{})) {}

const Position& SteppedMobility::at(Time now) {
  if (!is_moving_) return position_;
  const std::int64_t step = to_ns(now) / to_ns(step_);
  if (step > taken_at_) {
    taken_at_ = step;
    position_ = mobility_->at(Time{step_ * step});
  }
  return position_;
}

Position ConstantVelocity::at(Time now) {
  return moved(start_, velocity_, now.time_since_epoch());
}

Position position_between(const Waypoint& from, const Waypoint& to, Time now) {
  const double part = static_cast<double>((now - from.at).count()) /
                      static_cast<double>((to.at - from.at).count());
  const Position &a = from.position, &b = to.position;
  return {a.x + (b.x - a.x) * part, a.y + (b.y - a.y) * part, a.z + (b.z - a.z) * part};
}

Waypoints::Waypoints(std::vector<Waypoint> points) : points_(std::move(points)) {
  TWINBED_CHECK(!points_.empty(), "a way without a point");
  TWINBED_CHECK(std::ranges::is_sorted(points_, {}, &Waypoint::at),
                "the points of a way are not in the order of their times");
}

Position Waypoints::at(Time now) {
  TWINBED_CHECK(now >= last_asked_, "a position was asked for at a time before the last one");
  last_asked_ = now;
  while (next_ < points_.size() && points_[next_].at <= now) ++next_;
  if (next_ == 0) return points_.front().position;
  if (next_ == points_.size()) return points_.back().position;
  return position_between(points_[next_ - 1], points_[next_], now);
}

std::string_view mistake_in_random_waypoint(const RandomWaypointOptions& options) {
  if (!is_box(options.area)) return kBoxMistake;
  if (!is_inside(options.start, options.area)) return "the start must lie in the area";
  if (!is_range(options.speed_mps, kSlowestMps, kFastestMps)) {
    return "speeds are 0.01 to 1,000,000 m/s, in rising order";
  }
  const bool is_pause = is_range(options.pause_s, 0, kLongestPauseS);
  return is_pause ? "" : "pauses are 0 to 1,000,000,000 s, in rising order";
}

RandomWaypoint::RandomWaypoint(const RandomWaypointOptions& options, const RandomStream& random)
    : options_(options), random_(random) {
  TWINBED_CHECK(mistake_in_random_waypoint(options).empty(), mistake_in_random_waypoint(options));
  to_ = {Time{}, options.start};
  pause();
}

void RandomWaypoint::pause() {
  is_pausing_ = true;
  from_ = to_;
  to_.at = from_.at + from_seconds(draw(options_.pause_s, random_));
}

void RandomWaypoint::walk() {
  is_pausing_ = false;
  from_ = to_;
  const Box& area = options_.area;
  to_.position.x = draw(Range{area.low.x, area.high.x}, random_);
  to_.position.y = draw(Range{area.low.y, area.high.y}, random_);
  to_.position.z = draw(Range{area.low.z, area.high.z}, random_);
  const double speed = draw(options_.speed_mps, random_);
  // A way takes a nanosecond at least, so that time goes on in an area of one point as well.
  const Duration way = from_seconds(distance_m(from_.position, to_.position) / speed);
  to_.at = from_.at + std::max(way, Duration{1});
}

Position RandomWaypoint::at(Time now) {
  TWINBED_CHECK(now >= from_.at, "a position was asked for at a time before the last one");
  while (now >= to_.at) {
    if (is_pausing_) {
      walk();
    } else {
      pause();
    }
  }
  return position_between(from_, to_, now);
}

std::string_view mistake_in_gauss_markov(const GaussMarkovOptions& options) {
  if (!is_box(options.area)) return kBoxMistake;
  if (!is_inside(options.start, options.area)) return "the start must lie in the area";
  if (options.time_step <= Duration::zero()) return "a time step must be above 0";
  if (!(options.alpha >= 0 && options.alpha <= 1)) return "alpha is 0 to 1";
  if (!is_range(options.mean_velocity_mps, 0, kFastestMps)) {
    return "mean velocities are 0 to 1,000,000 m/s, in rising order";
  }
  if (!is_range(options.mean_direction_rad, -100, 100) ||
      !is_range(options.mean_pitch_rad, -100, 100)) {
    return "mean directions and pitches are -100 to 100 radians, in rising order";
  }
  for (const BoundedNormal& normal :
       {options.normal_velocity, options.normal_direction, options.normal_pitch}) {
    if (!(normal.variance >= 0 && normal.bound >= 0 && normal.bound <= 1e4 &&
          normal.variance <= normal.bound * normal.bound)) {
      return "the bound of a normal number is at least its standard deviation, at most 10,000";
    }
  }
  return "";
}

GaussMarkov::GaussMarkov(const GaussMarkovOptions& options, const RandomStream& random)
    : options_(options), random_(random), position_(options.start) {
  TWINBED_CHECK(mistake_in_gauss_markov(options).empty(), mistake_in_gauss_markov(options));
  velocity_ = mean_velocity_ = draw(options.mean_velocity_mps, random_);
  direction_ = mean_direction_ = draw(options.mean_direction_rad, random_);
  pitch_ = mean_pitch_ = draw(options.mean_pitch_rad, random_);
  step();
}

void GaussMarkov::step() {
  const double old = options_.alpha, mean = 1 - options_.alpha;
  const double fresh = std::sqrt(1 - options_.alpha * options_.alpha);
  velocity_ = old * velocity_ + mean * mean_velocity_ +
              fresh * draw(options_.normal_velocity, random_);
  direction_ = old * direction_ + mean * mean_direction_ +
               fresh * draw(options_.normal_direction, random_);
  pitch_ = old * pitch_ + mean * mean_pitch_ + fresh * draw(options_.normal_pitch, random_);
  const double level = velocity_ * portable_cos(pitch_);
  now_velocity_ = {level * portable_cos(direction_), level * portable_sin(direction_),
                   velocity_ * portable_sin(pitch_)};
  const Position next = moved(position_, now_velocity_, options_.time_step);
  if (!is_inside(next, options_.area)) reflect(next);
}

void GaussMarkov::reflect(const Position& next) {
  constexpr double kPi = 3.141592653589793;
  const Box& area = options_.area;
  if (is_outside(next.x, area.low.x, area.high.x)) {
    now_velocity_.x = -now_velocity_.x;
    mean_direction_ = kPi - mean_direction_;
  }
  if (is_outside(next.y, area.low.y, area.high.y)) {
    now_velocity_.y = -now_velocity_.y;
    mean_direction_ = -mean_direction_;
  }
  if (is_outside(next.z, area.low.z, area.high.z)) {
    now_velocity_.z = -now_velocity_.z;
    mean_pitch_ = -mean_pitch_;
  }
  // Whole turns, of which reflections in corners add up.
  while (mean_direction_ > kPi) mean_direction_ -= 2 * kPi;
  while (mean_direction_ < -kPi) mean_direction_ += 2 * kPi;
  direction_ = mean_direction_;
  pitch_ = mean_pitch_;
}

Position GaussMarkov::at(Time now) {
  TWINBED_CHECK(now >= begin_, "a position was asked for at a time before the last one");
  const auto here = [this](Duration time) {
    // A reflected step may still cross the other side of a small area; it ends at the wall.
    const Position free = moved(position_, now_velocity_, time);
    const Box& area = options_.area;
    return Position{std::clamp(free.x, area.low.x, area.high.x),
                    std::clamp(free.y, area.low.y, area.high.y),
                    std::clamp(free.z, area.low.z, area.high.z)};
  };
  while (now - begin_ >= options_.time_step) {
    position_ = here(options_.time_step);
    begin_ += options_.time_step;
    step();
  }
  return here(now - begin_);
}

}  // namespace twinbed::sim
