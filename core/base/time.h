// Time as integer nanoseconds.
//
// Two clocks exist for a node and neither can be read from here: `Time` counts from the start of
// the run on the node's own monotonic clock, `WallTime` is what the node believes the date to be.
// Both reach a protocol as arguments of a handler, never through a call.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace twinbed {

using Duration = std::chrono::nanoseconds;

/// The start of the run. It has no now(): time is an argument in this code base.
struct RunEpoch {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<RunEpoch, Duration>;
  static constexpr bool is_steady = true;
};
/// 1970-01-01T00:00:00 UTC, leap seconds not counted (POSIX time).
struct UnixEpoch {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<UnixEpoch, Duration>;
  static constexpr bool is_steady = false;
};

using Time = RunEpoch::time_point;
using WallTime = UnixEpoch::time_point;

inline constexpr Time kNever = Time::max();

constexpr std::int64_t to_ns(Duration duration) { return duration.count(); }
constexpr std::int64_t to_ns(Time time) { return time.time_since_epoch().count(); }
constexpr std::int64_t to_ns(WallTime time) { return time.time_since_epoch().count(); }
constexpr Time time_from_ns(std::int64_t ns) { return Time{Duration{ns}}; }
constexpr WallTime wall_from_ns(std::int64_t ns) { return WallTime{Duration{ns}}; }

/// Seconds as a floating-point number, for metrics and for people; never for arithmetic on times.
constexpr double to_seconds(Duration duration) {
  return static_cast<double>(duration.count()) / 1e9;
}

/// "12.345678901 s": all nine digits, so that two different times never print alike.
std::string format_time(Time time);
/// The shortest exact form with a unit: "5 ms", "1.5 s", "250 us", "7 ns", "0 s".
std::string format_duration(Duration duration);

}  // namespace twinbed
