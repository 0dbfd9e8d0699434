// A live node's clocks, with the errors that a scenario gives them.
#pragma once

#include <cstdint>

#include "core/base/time.h"

namespace twinbed::backends {

/// How a node's clocks are wrong. All zero: they agree with the machine's.
struct ClockSettings {
  Duration offset{};     ///< of the wall clock, added to the machine's
  double drift_ppm = 0;  ///< both clocks run fast by this many parts per million, above -1,000,000
};

/// Reads the machine's clocks and derives the node's from them in integer arithmetic.
///
/// Three times are kept apart. Run time is true time: CLOCK_MONOTONIC from the common start of the
/// run. The node's monotonic clock is run time stretched by the drift; it starts at 0 with the run
/// and never decreases. The node's wall clock is the machine's date, plus what the drift has added
/// so far, plus the offset.
class Clock {
 public:
  /// `run_start_monotonic_ns` is the CLOCK_MONOTONIC instant of the start, the same for all
  /// processes of a run on one machine.
  Clock(std::int64_t run_start_monotonic_ns, const ClockSettings& settings);

  /// True time since the start of the run; negative before it.
  Time run_now() const;
  /// The node's monotonic clock; never less than it was at the last call.
  Time now();
  /// The node's wall clock.
  WallTime wall() const;

  /// The first instant of CLOCK_MONOTONIC at which now() has reached `node_time`, given that the
  /// drift stays as it is.
  std::int64_t monotonic_at(Time node_time) const;
  /// The CLOCK_MONOTONIC instant of a run time.
  std::int64_t monotonic_at_run(Time run_time) const { return run_start_ns_ + to_ns(run_time); }

  /// Adds to the wall clock at once; the monotonic clock knows no steps.
  void step_wall(Duration step) { offset_ += step; }
  /// Both clocks run at this rate from now on, without a jump.
  void set_drift(double ppm);
  double drift_ppm() const { return drift_ppm_; }

 private:
  /// The node's monotonic clock at an instant of CLOCK_MONOTONIC.
  std::int64_t node_ns_at(std::int64_t monotonic_ns) const;

  std::int64_t run_start_ns_;
  Duration offset_;
  double drift_ppm_ = 0;
  std::int64_t drift_ppb_ = 0;
  std::int64_t base_monotonic_ns_;  ///< where the present drift began,
  std::int64_t base_node_ns_ = 0;   ///< and the node's clock at that instant
  std::int64_t last_ns_;
};

}  // namespace twinbed::backends
