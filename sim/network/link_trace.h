// What a link does as a function of time, as measured or made up: piecewise constant, in steps.
//
// A step holds from its time on until the next one, and the last step until the end of the run, or
// until the trace begins again where it repeats. Before the first step a trace does nothing. Times
// are run time, whatever the link. What a step says comes on top of what the link does otherwise,
// by the rules of combine() in link_effects.h: delays add, losses combine as independent ones, and
// the lower bandwidth counts.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/base/time.h"

namespace twinbed::sim {

struct TraceStep {
  Duration at{};                    ///< from the start of the run, or of a repetition
  double loss = 0;                  ///< independent, per packet
  Duration delay{};
  std::uint64_t bandwidth_bps = 0;  ///< bit/s, 0 is unlimited

  bool operator==(const TraceStep&) const = default;
};

class LinkTrace {
 public:
  LinkTrace() = default;
  /// Steps in the order of their times, of which no two are equal and none is negative. `repeat`:
  /// the length of a repetition, longer than the time of the last step.
  explicit LinkTrace(std::vector<TraceStep> steps, std::optional<Duration> repeat = std::nullopt)
      : steps_(std::make_shared<const std::vector<TraceStep>>(std::move(steps))),
        repeat_(repeat) {}

  const std::vector<TraceStep>& steps() const;
  const std::optional<Duration>& repeat() const { return repeat_; }

  /// What holds at a time, and until when: kNever where it holds for good.
  struct Now {
    TraceStep step;  ///< all zero before the first step
    Time until = kNever;
  };
  Now at(Time now) const;

  bool operator==(const LinkTrace& other) const {
    return repeat_ == other.repeat_ && steps() == other.steps();
  }

 private:
  std::shared_ptr<const std::vector<TraceStep>> steps_;  // links of one kind share them
  std::optional<Duration> repeat_;
};

}  // namespace twinbed::sim
