#include "sim/network/cuts.h"

#include <algorithm>
#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/biconnected_components.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <iterator>
#include <queue>
#include <set>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

using FlowTraits =
    boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using FlowEdge = FlowTraits::edge_descriptor;
using FlowProperties = boost::property<
    boost::edge_capacity_t, std::int32_t,
    boost::property<boost::edge_residual_capacity_t, std::int32_t,
                    boost::property<boost::edge_reverse_t, FlowEdge>>>;
using FlowGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::directedS,
                                        boost::no_property, FlowProperties>;
using PlainGraph = boost::adjacency_list<boost::vecS, boost::vecS, boost::undirectedS>;

/// A link of capacity one, open to either side: two arcs that are each other's reverse.
void add_unit_link(FlowGraph& graph, DeviceIndex a, DeviceIndex b) {
  const FlowEdge forward = boost::add_edge(a, b, graph).first;
  const FlowEdge backward = boost::add_edge(b, a, graph).first;
  boost::put(boost::edge_capacity, graph, forward, 1);
  boost::put(boost::edge_capacity, graph, backward, 1);
  boost::put(boost::edge_reverse, graph, forward, backward);
  boost::put(boost::edge_reverse, graph, backward, forward);
}

/// The devices that the flow could still be raised to. It is the same set for every maximum flow.
std::vector<bool> source_side(const FlowGraph& graph, DeviceIndex source) {
  std::vector<bool> reached(boost::num_vertices(graph), false);
  std::queue<DeviceIndex> waiting;
  reached[source] = true;
  waiting.push(source);
  while (!waiting.empty()) {
    const auto [begin, end] = boost::out_edges(waiting.front(), graph);
    waiting.pop();
    for (auto edge = begin; edge != end; ++edge) {
      const auto next = static_cast<DeviceIndex>(boost::target(*edge, graph));
      if (reached[next] || boost::get(boost::edge_residual_capacity, graph, *edge) == 0) continue;
      reached[next] = true;
      waiting.push(next);
    }
  }
  return reached;
}

/// The devices at the other ends of each device's links, itself left out.
std::vector<std::set<DeviceIndex>> neighbours(const Topology& topology) {
  std::vector<std::set<DeviceIndex>> result(topology.devices.size());
  for (const Link& link : topology.links) {
    if (link.a == link.b) continue;
    result[link.a].insert(link.b);
    result[link.b].insert(link.a);
  }
  return result;
}

}  // namespace

std::vector<std::uint32_t> min_cut(const Topology& topology, DeviceIndex a, DeviceIndex b) {
  TWINBED_CHECK(a < topology.devices.size() && b < topology.devices.size(),
                "a cut was asked for between devices that do not exist");
  if (a == b) return {};
  const auto carries = [&](DeviceIndex device) {
    return device == a || device == b || forwards(topology.devices[device].kind);
  };
  FlowGraph graph(topology.devices.size());
  for (const Link& link : topology.links) {
    if (link.a != link.b && carries(link.a) && carries(link.b)) {
      add_unit_link(graph, link.a, link.b);
    }
  }
  boost::edmonds_karp_max_flow(graph, a, b);
  const std::vector<bool> near = source_side(graph, a);
  std::vector<std::uint32_t> cut;
  for (std::uint32_t i = 0; i < topology.links.size(); ++i) {
    const Link& link = topology.links[i];
    if (carries(link.a) && carries(link.b) && near[link.a] != near[link.b]) cut.push_back(i);
  }
  return cut;
}

DeviceIndex attachment(const Topology& topology, DeviceIndex device) {
  TWINBED_CHECK(device < topology.devices.size(),
                "the attachment of a device that does not exist was asked for");
  if (forwards(topology.devices[device].kind)) return device;
  const std::set<DeviceIndex> beyond = neighbours(topology)[device];
  return beyond.size() == 1 ? *beyond.begin() : device;
}

std::vector<DeviceIndex> articulation_points(const Topology& topology) {
  const std::vector<std::set<DeviceIndex>> adjacent = neighbours(topology);
  const auto takes_part = [&](DeviceIndex device) {
    return forwards(topology.devices[device].kind) || adjacent[device].size() <= 1;
  };
  PlainGraph graph(topology.devices.size());
  for (const Link& link : topology.links) {
    if (link.a != link.b && takes_part(link.a) && takes_part(link.b)) {
      boost::add_edge(link.a, link.b, graph);
    }
  }
  std::vector<PlainGraph::vertex_descriptor> found;
  boost::articulation_points(graph, std::back_inserter(found));
  std::vector<DeviceIndex> points(found.begin(), found.end());
  std::sort(points.begin(), points.end());
  return points;
}

std::vector<std::vector<bool>> majorities_ring(std::uint32_t n) {
  std::vector<std::vector<bool>> sees(n, std::vector<bool>(n, false));
  const auto join = [&](std::uint32_t i, std::uint32_t j) {
    sees[i][j] = true;
    sees[j][i] = true;
  };
  const std::uint32_t others = n / 2;  // a majority is one node and n / 2 others
  for (std::uint32_t i = 0; i < n; ++i) {
    for (std::uint32_t step = 0; step <= others / 2; ++step) join(i, (i + step) % n);
  }
  if (others % 2 == 1) {
    // With an odd n the last pair has one member that is paired already, and sees one node more.
    for (std::uint32_t i = 0; i < (n + 1) / 2; ++i) join(i, i + others);
  }
  return sees;
}

}  // namespace twinbed::sim
