#include "scenarios/air/air_timeline.h"

#include <cstdio>

namespace twinbed::scenarios {
namespace {

void remark(const std::string& sentence) {
  std::fprintf(stderr, "twinbed-air: %s\n", sentence.c_str());
}

}  // namespace

AirTimeline::AirTimeline(backends::EventLoop& loop, backends::RealTimeAir& air,
                         const Scenario& scenario, const sim::FaultPlan& plan, std::uint64_t seed)
    : air_(air), scenario_(scenario), plan_(plan), select_random_(seed, "fault-select"),
      alarm_(loop) {
  for (std::uint32_t index = 0; index < plan.size(); ++index) {
    const sim::FaultSpec& fault = plan[index];
    const std::string name(sim::to_string(fault.action));
    if (!sim::is_radio_fault(fault.action)) {
      remark("the fault " + name + " is left out, as it is none of radios");
    } else if (!fault.on.empty()) {
      remark("the fault " + name + " is left out, as nobody tells the air of the event " +
             fault.on + "; twinbed run --mode virtual-radio does");
    } else {
      const Time at{fault.at.low};
      steps_.insert({at, {index, true}});
      if (fault.lasts) steps_.insert({at + fault.lasts->low, {index, false}});
    }
  }
}

void AirTimeline::start(std::int64_t monotonic_ns) {
  start_ns_ = monotonic_ns;
  wait();
}

void AirTimeline::wait() {
  if (steps_.empty()) return;
  alarm_.set(start_ns_ + to_ns(steps_.begin()->first), [this] {
    const Step step = steps_.begin()->second;
    steps_.erase(steps_.begin());
    carry_out(step);
    wait();
  });
}

void AirTimeline::carry_out(const Step& step) {
  const sim::FaultSpec& fault = plan_[step.index];
  if (!step.begins) {
    air_.end_fault(step.index);
    return;
  }
  std::vector<sim::NodeStatus> nodes;
  for (const NodeSpec& node : scenario_.nodes) nodes.push_back({node.name, node.role, {}});
  const bool hits_nodes = fault.action != sim::FaultAction::kJam;
  air_.begin_fault(fault, step.index,
                   hits_nodes ? sim::select_nodes(fault.select, nodes, select_random_)
                              : std::vector<std::uint32_t>{});
}

}  // namespace twinbed::scenarios
