// What holds between the radio parts of a scenario.
#pragma once

#include <optional>

#include "scenarios/fields_check.h"

namespace twinbed::scenarios {

/// The first contradiction in the air, the cards, the movements and the faults of radios.
std::optional<Contradiction> find_radio_contradiction(const Scenario& scenario);

}  // namespace twinbed::scenarios
