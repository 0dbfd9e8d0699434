// Faults in words for the result store.
#pragma once

#include <string>
#include <vector>

#include "sim/faults/plan.h"
#include "sim/network/topology.h"

namespace twinbed::sim {

/// The parameters of a fault as a JSON object: those that are set, with times in ns.
std::string describe_fault(const FaultSpec& fault);

/// "node1-switch node2-switch".
std::string describe_links(const std::vector<std::uint32_t>& links, const Topology& topology);

}  // namespace twinbed::sim
