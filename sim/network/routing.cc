#include "sim/network/routing.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/connected_components.hpp>
#include <boost/graph/dijkstra_shortest_paths.hpp>
#include <boost/property_map/property_map.hpp>
#include <limits>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

using Cost = boost::property<boost::edge_weight_t, std::uint64_t>;
/// The links in use, each leading against the way of the packets: from a destination outwards.
using ReverseGraph =
    boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS, boost::no_property, Cost>;
using PlainGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

constexpr std::uint64_t kUnreachable = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kHopCostNs = 1;

}  // namespace

Routing::Routing(const Topology& topology) : tables_(topology.devices.size()) {
  for (const Device& device : topology.devices) forwards_.push_back(forwards(device.kind));
  // No sum over a path, which has fewer links than there are devices, may overflow.
  const std::uint64_t most = (kUnreachable >> 1) / (topology.devices.size() + 1);
  const auto cost = [most](Duration delay) {
    const auto delay_ns = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ns(delay), 0));
    return std::min(delay_ns, most - kHopCostNs) + kHopCostNs;
  };
  links_.reserve(topology.links.size());
  for (const Link& link : topology.links) {
    TWINBED_CHECK(link.a < topology.devices.size() && link.b < topology.devices.size(),
                  "a link of the topology ends at a device that does not exist");
    links_.push_back({link.a, link.b, cost(link.forward.delay), cost(link.backward.delay), true});
  }
}

void Routing::set_link_up(std::uint32_t link, bool up) {
  if (links_[link].up == up) return;
  links_[link].up = up;
  ++version_;
}

std::vector<std::uint64_t> Routing::distances(DeviceIndex to) const {
  ReverseGraph graph(forwards_.size());
  const auto add = [&](DeviceIndex from, DeviceIndex next, std::uint64_t cost) {
    if (next == to || forwards_[next]) boost::add_edge(next, from, Cost(cost), graph);
  };
  for (const LinkState& link : links_) {
    if (!link.up) continue;
    add(link.a, link.b, link.forward_cost);
    add(link.b, link.a, link.backward_cost);
  }
  std::vector<std::uint64_t> distance(forwards_.size(), kUnreachable);
  const auto index = boost::get(boost::vertex_index, graph);
  boost::dijkstra_shortest_paths(
      graph, to,
      boost::distance_map(boost::make_iterator_property_map(distance.begin(), index))
          .distance_inf(kUnreachable));
  return distance;
}

void Routing::offer(std::uint32_t link, DeviceIndex at, DeviceIndex next, std::uint64_t cost,
                    DeviceIndex to, const std::vector<std::uint64_t>& distance) {
  if (next != to && !forwards_[next]) return;
  if (at == to || distance[next] == kUnreachable || distance[next] + cost != distance[at]) return;
  std::uint32_t& chosen = tables_[to].next_link[at];
  if (chosen == kNoLink) chosen = link;
}

void Routing::compute(DeviceIndex to) {
  // Dijkstra's distances do not depend on the order in which its heap breaks ties. The links are
  // chosen from the distances afterwards, in the order of their indexes.
  const std::vector<std::uint64_t> distance = distances(to);
  tables_[to].version = version_;
  tables_[to].next_link.assign(forwards_.size(), kNoLink);
  for (std::uint32_t i = 0; i < links_.size(); ++i) {
    const LinkState& link = links_[i];
    if (!link.up) continue;
    offer(i, link.a, link.b, link.forward_cost, to, distance);
    offer(i, link.b, link.a, link.backward_cost, to, distance);
  }
}

std::vector<std::uint32_t> Routing::components() const {
  PlainGraph graph(forwards_.size());
  for (const LinkState& link : links_) {
    if (link.up) boost::add_edge(link.a, link.b, graph);
  }
  std::vector<std::uint32_t> component(forwards_.size());
  boost::connected_components(
      graph, boost::make_iterator_property_map(component.begin(),
                                               boost::get(boost::vertex_index, graph)));
  return component;
}

}  // namespace twinbed::sim
