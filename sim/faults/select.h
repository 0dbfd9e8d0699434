// Which nodes a fault hits, and which pairs of nodes a partition parts. The same in the simulator
// and in a real run.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "sim/faults/plan.h"
#include "sim/network/topology.h"

namespace twinbed::sim {

/// A node as a selector sees it at the moment of the fault.
struct NodeStatus {
  std::string name;
  std::string role;           ///< the scenario's word: "server"
  std::string recorded_role;  ///< what the node last recorded: "leader"
  bool down = false;          ///< selected by the role "crashed"
  bool is_recorder = false;   ///< selected by kRecorderRole
};

/// The numbers of the selected nodes, ascending. A role that nobody holds selects nobody.
std::vector<std::uint32_t> select_nodes(const Selector& selector,
                                        const std::vector<NodeStatus>& nodes, Random& random);

/// All nodes on the hosts of the selected ones, ascending: whom a power failure hits. `hosts` are
/// those of all nodes, by their numbers.
std::vector<std::uint32_t> on_the_hosts_of(const std::vector<std::uint32_t>& selected,
                                           const std::vector<DeviceIndex>& hosts);

using NodePair = std::pair<std::uint32_t, std::uint32_t>;

/// What a partition blocks: ordered pairs (from, to) of node numbers, and a description of who is
/// parted from whom ("node1 | node2 node3"). kMinCut cuts links, not pairs, and gives none.
struct PartitionPairs {
  std::vector<NodePair> blocked;
  std::string target;
};
PartitionPairs partition_pairs(const FaultSpec& fault, const std::vector<NodeStatus>& nodes,
                               Random& random);

/// The names of nodes, separated by spaces.
std::string join_names(const std::vector<std::uint32_t>& selected,
                       const std::vector<NodeStatus>& nodes);

/// The same plan with every range drawn: `low` and `high` are equal everywhere. A fault that waits
/// for an event and selects nobody, where it must, selects the node that records the event. Drawing
/// a drawn plan changes nothing, so that it alone replays the run.
FaultPlan draw_plan(const FaultPlan& plan, Random& random);

}  // namespace twinbed::sim
