#include "scenarios/node_paths.h"

#include <algorithm>

#include "sim/network/cuts.h"
#include "sim/network/link_effects.h"
#include "sim/network/routing.h"

namespace twinbed::scenarios {

NodePaths::NodePaths(const Scenario& scenario, const BuiltNetwork& network)
    : scenario_(scenario), network_(network), nodes_(scenario.nodes.size()) {
  for (std::size_t from = 0; from < nodes_; ++from) {
    for (std::size_t to = 0; to < nodes_; ++to) {
      links_.push_back(links_between(network.hosts[from], network.hosts[to]));
    }
  }
}

std::vector<std::uint32_t> NodePaths::links_between(sim::DeviceIndex from,
                                                    sim::DeviceIndex to) const {
  std::vector<std::uint32_t> links;
  sim::Routing routing(network_.topology);
  for (sim::DeviceIndex at = from; at != to;) {
    const auto link = routing.next_link(at, to);
    if (!link) return {};
    links.push_back(*link);
    const sim::Link& edge = network_.topology.links[*link];
    at = edge.a == at ? edge.b : edge.a;
  }
  return links;
}

sim::LinkParams NodePaths::params(std::size_t from, std::size_t to,
                                  const std::vector<sim::FaultSpec>& link_faults) const {
  sim::LinkParams whole;
  sim::DeviceIndex at = network_.hosts[from];
  for (std::uint32_t link : links(from, to)) {
    const sim::Link& edge = network_.topology.links[link];
    const bool forward = edge.a == at;
    whole = sim::combine(whole, forward ? edge.forward : edge.backward);
    at = forward ? edge.b : edge.a;
  }
  for (const sim::FaultSpec& fault : link_faults) {
    if (hits(fault, from, to)) whole = sim::combine(whole, fault.link);
  }
  return whole;
}

/// A link fault without `between` hits every way; one with it, the ways that use one of the links
/// between the two nodes or devices, as in the simulator.
bool NodePaths::hits(const sim::FaultSpec& fault, std::size_t from, std::size_t to) const {
  if (!fault.link_between || fault.link_between->size() != 2) return true;
  std::vector<sim::DeviceIndex> ends;
  for (const std::string& name : *fault.link_between) {
    for (std::size_t node = 0; node < nodes_; ++node) {
      if (scenario_.nodes[node].name == name) ends.push_back(network_.hosts[node]);
    }
    const auto device = sim::find_device(network_.topology, name);
    if (device && (ends.empty() || ends.back() != *device)) ends.push_back(*device);
  }
  if (ends.size() != 2) return false;
  const std::vector<std::uint32_t> hit = links_between(ends[0], ends[1]);
  const std::vector<std::uint32_t>& way = links(from, to);
  return std::find_first_of(way.begin(), way.end(), hit.begin(), hit.end()) != way.end();
}

std::vector<std::pair<std::uint32_t, std::uint32_t>> NodePaths::parted_by(
    const std::vector<std::uint32_t>& cut) const {
  sim::Routing routing(network_.topology);
  for (std::uint32_t link : cut) routing.set_link_up(link, false);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs;
  for (std::uint32_t from = 0; from < nodes_; ++from) {
    for (std::uint32_t to = 0; to < nodes_; ++to) {
      if (from != to && !routing.reachable(network_.hosts[from], network_.hosts[to])) {
        pairs.emplace_back(from, to);
      }
    }
  }
  return pairs;
}

std::vector<std::uint32_t> NodePaths::min_cut(std::size_t a, std::size_t b) const {
  const sim::Topology& topology = network_.topology;
  return sim::min_cut(topology, sim::attachment(topology, network_.hosts[a]),
                      sim::attachment(topology, network_.hosts[b]));
}

}  // namespace twinbed::scenarios
