// A scenario set up in the simulator: shared by run, replay and diff.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/files.h"
#include "scenarios/run.h"
#include "scenarios/scenario.h"
#include "scenarios/workload.h"
#include "sim/simulator.h"

namespace twinbed::scenarios {

/// The simulator with the scenario's nodes, files, workload and faults in it, at time 0.
Result<std::unique_ptr<sim::Simulator>> build_simulation(const Scenario& scenario,
                                                         const ScenarioFiles& files,
                                                         std::uint64_t seed, RunSink& sink,
                                                         const FactoryOverride& factory = {});
/// The same with the files as they are on the disk, for simulations that nobody records.
Result<std::unique_ptr<sim::Simulator>> build_simulation(const Scenario& scenario,
                                                         std::uint64_t seed, RunSink& sink);

}  // namespace twinbed::scenarios
