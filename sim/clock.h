// A node's clocks against the simulator's true time.
#pragma once

#include "core/base/time.h"

namespace twinbed::sim {

/// True time 0 in every simulated run is this date, 2026-01-01T00:00:00 UTC.
inline constexpr WallTime kSimulatedEpoch{Duration{1'767'225'600'000'000'000}};

/// Monotonic and wall clock of one node. Drift makes both run fast or slow from the moment it is
/// set; offset and steps move the wall clock alone, as settimeofday(2) does.
class NodeClock {
 public:
  /// The monotonic clock at a true time that is not before the last change of drift.
  Time local(Time now) const { return local_base_ + scaled(now - true_base_); }

  WallTime wall(Time now) const {
    return kSimulatedEpoch + local(now).time_since_epoch() + offset_;
  }

  /// The earliest true time at which the monotonic clock shows at least `local_time`.
  Time when(Time local_time) const;

  void set_drift(Time now, std::int64_t parts_per_billion);
  void step(Duration by) { offset_ += by; }
  std::int64_t drift_ppb() const { return drift_ppb_; }

 private:
  Duration scaled(Duration elapsed) const;

  Time true_base_{};
  Time local_base_{};
  Duration offset_{};
  std::int64_t drift_ppb_ = 0;
};

/// Parts per million as scenarios give them, in whole parts per billion.
std::int64_t drift_to_ppb(double drift_ppm);

}  // namespace twinbed::sim
