#include "scenarios/dump.h"

#include "scenarios/fields.h"

namespace twinbed::scenarios {

std::string dump_scenario(const Scenario& scenario) {
  return emit_yaml(scenario_kind().write(scenario));
}

}  // namespace twinbed::scenarios
