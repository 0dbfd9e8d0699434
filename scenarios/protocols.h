// The protocols that a scenario can name, and how their options become objects.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/files.h"
#include "scenarios/scenario.h"
#include "sim/checkers/checker.h"
#include "sim/node.h"

namespace twinbed::scenarios {

/// What builds the protocol of one node; an error is the user's: an unknown protocol, policy, role
/// or option. `endpoints` are those of all nodes, in their order; `files` those that the scenario
/// names.
Result<sim::ProtocolFactory> make_protocol(const Scenario& scenario, std::size_t node,
                                           const std::vector<Endpoint>& endpoints,
                                           const ScenarioFiles& files);

/// Whether the node listens at ports of its protocol's own beside NodeSpec::port.
bool has_other_ports(const Scenario& scenario, std::size_t node);

/// The nodes as checkers know them, with the numbers by which the protocol calls them.
sim::RunNodes run_nodes(const Scenario& scenario);

/// The names of all protocols, in alphabetical order.
std::vector<std::string> protocol_names();

}  // namespace twinbed::scenarios
