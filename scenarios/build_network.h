// From the network section of a scenario to a topology, and where each node lives in it.
#pragma once

#include <vector>

#include "core/base/result.h"
#include "scenarios/files.h"
#include "scenarios/scenario.h"
#include "sim/network/topology.h"

namespace twinbed::scenarios {

struct BuiltNetwork {
  sim::Topology topology;
  std::vector<sim::DeviceIndex> hosts;  ///< by node of the scenario
  std::vector<Endpoint> endpoints;      ///< by node: its host's address and its port
};

/// Builds the network: generator or file, then the devices and links that are listed, then a host
/// for each node whose host is none of these. Such hosts join the first switch; in a network
/// without a switch, the routers in turn; with neither, a switch is added, so that a scenario
/// without a network section is a star. The seed counts only for random shapes. A link fault
/// between names that the network does not have is an error here, as only here all are known.
Result<BuiltNetwork> build_network(const Scenario& scenario, const ScenarioFiles& files,
                                   std::uint64_t seed);

}  // namespace twinbed::scenarios
