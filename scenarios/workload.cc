#include "scenarios/workload.h"

#include <algorithm>

#include "core/base/random_stream.h"
#include "scenarios/numbered.h"

namespace twinbed::scenarios {

std::vector<ScheduledCommand> draw_workload(const Scenario& scenario, std::uint64_t seed) {
  RandomStream random(seed, "workload");
  std::vector<ScheduledCommand> commands;
  for (const WorkloadItem& item : scenario.workload) {
    const Duration first = random.between(item.at.low, item.at.high);
    const auto node = std::find_if(scenario.nodes.begin(), scenario.nodes.end(),
                                   [&](const NodeSpec& spec) { return spec.name == item.node; });
    if (node == scenario.nodes.end()) continue;  // the loader has refused this already
    const Duration every = item.every.value_or(Duration{});
    for (std::uint32_t number = 1; number <= item.count; ++number) {
      commands.push_back({Time{first + every * (number - 1)},
                          static_cast<std::size_t>(node - scenario.nodes.begin()),
                          numbered(item.command, number)});
    }
  }
  std::stable_sort(
      commands.begin(), commands.end(),
      [](const ScheduledCommand& a, const ScheduledCommand& b) { return a.at < b.at; });
  return commands;
}

}  // namespace twinbed::scenarios
