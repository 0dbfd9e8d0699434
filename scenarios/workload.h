// What users do in a run, in order of time.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// A command of the workload with its time drawn and its number filled in.
struct ScheduledCommand {
  Time at{};
  std::size_t node = 0;
  std::string command;
};
/// The workload of a run in order of time; the same in every mode.
std::vector<ScheduledCommand> draw_workload(const Scenario& scenario, std::uint64_t seed);

}  // namespace twinbed::scenarios
