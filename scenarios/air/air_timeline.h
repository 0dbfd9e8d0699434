// The faults of radios of an air that stands alone, at the times of their plan.
#pragma once

#include <cstdint>
#include <map>

#include "backends/event_loop.h"
#include "backends/testbed/real_time_air.h"
#include "core/base/random_stream.h"
#include "scenarios/scenario.h"
#include "sim/faults/select.h"

namespace twinbed::scenarios {

class AirTimeline {
 public:
  /// All of them outlive the timeline. Says on standard error which faults of the plan are left
  /// out: those that are not for radios, and those that wait for an event.
  AirTimeline(backends::EventLoop& loop, backends::RealTimeAir& air, const Scenario& scenario,
              const sim::FaultPlan& plan, std::uint64_t seed);

  /// Time 0 is at this instant of CLOCK_MONOTONIC.
  void start(std::int64_t monotonic_ns);

 private:
  struct Step {
    std::uint32_t index = 0;  ///< into the plan
    bool begins = false;
  };
  void wait();
  void carry_out(const Step& step);

  backends::RealTimeAir& air_;
  const Scenario& scenario_;
  const sim::FaultPlan& plan_;
  RandomStream select_random_;
  std::multimap<Time, Step> steps_;  // still to come
  backends::Alarm alarm_;
  std::int64_t start_ns_ = 0;
};

}  // namespace twinbed::scenarios
