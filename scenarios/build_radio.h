// From the radio section of a scenario, and the cards of its nodes, to a medium.
#pragma once

#include <functional>
#include <memory>

#include "core/base/result.h"
#include "scenarios/files.h"
#include "scenarios/scenario.h"
#include "sim/radio_medium.h"
#include "sim/world.h"

namespace twinbed::scenarios {

/// Null where the scenario wants ns-3's medium while another run of this process has it.
using MediumFactory = std::function<std::unique_ptr<sim::RadioMedium>(sim::World&)>;

/// What makes the scenario's medium; null where it has no radio section. The scenario and the files
/// outlive the factory. Errors name the trace that is wrong.
Result<MediumFactory> build_radio(const Scenario& scenario, const ScenarioFiles& files);

}  // namespace twinbed::scenarios
