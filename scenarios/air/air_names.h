// The cards of a scenario, and what their virtual radios are called.
#pragma once

#include <string>
#include <vector>

#include "scenarios/scenario.h"
#include "sim/radio_medium.h"

namespace twinbed::scenarios {

struct AirCard {
  sim::CardAddress address;
  sim::CardOptions options;
  /// Of its interface: at most 15 characters, of the scenario's cards this one's alone.
  std::string name;
  std::string attachment;  ///< where programs find it, once it is there: the name, or ADDRESS:PORT
};

/// All cards, by node and interface. With a prefix, which is short, card 1 of node 0 is called
/// PREFIXn0c1; without, after its node ("ground-1"), as far as that is possible for an interface.
std::vector<AirCard> air_cards(const Scenario& scenario, const std::string& prefix);

}  // namespace twinbed::scenarios
