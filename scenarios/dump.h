// Writes a scenario as YAML.
#pragma once

#include <string>

#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// The scenario as a document that load_scenario_text reads back to an equal one, given the same
/// directory (which is not part of the text). Keys at their defaults are left out; equal scenarios
/// give equal texts. That the scenario can be run is not checked here, see check_scenario.
std::string dump_scenario(const Scenario& scenario);

}  // namespace twinbed::scenarios
