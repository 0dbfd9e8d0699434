// What holds between the radio parts of a scenario.
#pragma once

#include <optional>
#include <string>

#include "core/io/radio.h"
#include "scenarios/fields_check.h"

namespace twinbed::scenarios {

/// The first contradiction in the air, the cards, the movements and the faults of radios.
std::optional<Contradiction> find_radio_contradiction(const Scenario& scenario);

/// What makes it impossible to send so in the scenario's air, in a few words; empty: nothing.
std::string mistake_in_rate(const Scenario& scenario, const TxParams& params);

}  // namespace twinbed::scenarios
