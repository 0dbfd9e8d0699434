#include "sim/network/link_trace.h"

#include <algorithm>

namespace twinbed::sim {

const std::vector<TraceStep>& LinkTrace::steps() const {
  static const std::vector<TraceStep> kNone;
  return steps_ ? *steps_ : kNone;
}

LinkTrace::Now LinkTrace::at(Time now) const {
  const std::vector<TraceStep>& all = steps();
  if (all.empty()) return {};
  Time begin{};
  if (repeat_) begin += now.time_since_epoch() / *repeat_ * *repeat_;
  const auto next =
      std::upper_bound(all.begin(), all.end(), now - begin,
                       [](Duration since, const TraceStep& step) { return since < step.at; });
  Now found;
  if (next != all.begin()) found.step = *std::prev(next);
  if (next != all.end()) {
    found.until = begin + next->at;
  } else if (repeat_) {
    found.until = begin + *repeat_;
  }
  return found;
}

}  // namespace twinbed::sim
