// What a node's packets meet on their way to each other node, for live hosts, which shape their
// traffic end to end because no emulated network lies between them.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "scenarios/build_network.h"
#include "sim/faults/plan.h"

namespace twinbed::scenarios {

class NodePaths {
 public:
  NodePaths(const Scenario& scenario, const BuiltNetwork& network);

  /// The links from one node's host to another's, in order; empty on one host or without a route.
  const std::vector<std::uint32_t>& links(std::size_t from, std::size_t to) const {
    return links_[from * nodes_ + to];
  }
  /// The parameters of the whole way: those of its links, combined, and of the link faults that hit
  /// one of them.
  sim::LinkParams params(std::size_t from, std::size_t to,
                         const std::vector<sim::FaultSpec>& link_faults) const;
  /// Pairs of nodes that cannot reach each other without these links.
  std::vector<std::pair<std::uint32_t, std::uint32_t>> parted_by(
      const std::vector<std::uint32_t>& cut) const;
  /// The fewest links that part two nodes.
  std::vector<std::uint32_t> min_cut(std::size_t a, std::size_t b) const;

 private:
  bool hits(const sim::FaultSpec& fault, std::size_t from, std::size_t to) const;
  std::vector<std::uint32_t> links_between(sim::DeviceIndex from, sim::DeviceIndex to) const;

  const Scenario& scenario_;
  const BuiltNetwork& network_;
  std::size_t nodes_;
  std::vector<std::vector<std::uint32_t>> links_;
};

}  // namespace twinbed::scenarios
