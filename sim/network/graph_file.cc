#include "sim/network/graph_file.h"

#include <map>
#include <set>
#include <string>

#include "sim/network/gml_parser.h"
#include "sim/network/graph_text.h"
#include "sim/network/graphml_parser.h"
#include "sim/network/great_circle.h"
#include "sim/network/link_effects.h"

namespace twinbed::sim {
namespace {

/// The label or id of a node, made unique among the names so far.
std::string unique_name(const GraphText::Node& node, std::set<std::string>& taken,
                        std::map<std::string, std::uint32_t>& copies) {
  const std::string wanted = node.label.empty() ? clean_label(node.id) : node.label;
  std::string name = wanted;
  copies.emplace(wanted, 1);
  while (!taken.insert(name).second) name = wanted + "#" + std::to_string(++copies[wanted]);
  return name;
}

std::optional<GeoPoint> place_of(const GraphText::Node& node) {
  if (!node.latitude || !node.longitude) return std::nullopt;
  return GeoPoint{*node.latitude, *node.longitude};
}

LinkParams link_params(const GraphText& graph, const Link& link, double speed_bps,
                       const LinkParams& default_link) {
  LinkParams params = default_link;
  const auto from = place_of(graph.nodes[link.a]);
  const auto to = place_of(graph.nodes[link.b]);
  if (from && to) params.delay = fibre_delay(*from, *to);
  const auto bandwidth_bps = static_cast<std::uint64_t>(speed_bps + 0.5);
  if (bandwidth_bps > 0) params.bandwidth_bps = bandwidth_bps;
  return params;
}

Result<Topology> build_topology(const SourceText& source, const GraphText& graph,
                                const LinkParams& default_link) {
  if (graph.nodes.empty()) return Error{std::string(source.name) + ": the graph has no nodes"};
  Topology topology;
  std::map<std::string, DeviceIndex> by_id;
  std::set<std::string> names;
  std::map<std::string, std::uint32_t> copies;
  for (const GraphText::Node& node : graph.nodes) {
    const auto index = static_cast<DeviceIndex>(topology.devices.size());
    if (clean_label(node.id).empty()) {
      return source.error_at(node.offset, "the id of this node is blank");
    }
    if (!by_id.emplace(node.id, index).second) {
      return source.error_at(node.offset, "the id '" + node.id + "' belongs to an earlier node");
    }
    topology.devices.push_back({unique_name(node, names, copies), DeviceKind::kRouter, {}});
  }
  for (const GraphText::Edge& edge : graph.edges) {
    const auto a = by_id.find(edge.source);
    const auto b = by_id.find(edge.target);
    if (a == by_id.end() || b == by_id.end()) {
      return source.error_at(edge.offset, "this edge ends at '" +
                                              (a == by_id.end() ? edge.source : edge.target) +
                                              "', which is no node's id");
    }
    Link link;
    link.a = a->second;
    link.b = b->second;
    link.forward = link_params(graph, link, edge.speed_bps, default_link);
    link.backward = link.forward;
    topology.links.push_back(std::move(link));
  }
  return topology;
}

}  // namespace

Result<Topology> parse_graph(std::string_view name, std::string_view text,
                             const LinkParams& default_link) {
  if (const auto error = check_link_params(default_link)) return *error;
  if (text.size() > kMaxGraphFileBytes) {
    return Error{std::string(name) + ": the graph file is larger than 64 MiB, which is the limit"};
  }
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.substr(0, kByteOrderMark.size()) == kByteOrderMark) {
    text.remove_prefix(kByteOrderMark.size());
  }
  const SourceText source{name, text};
  if (const auto bad = find_bad_utf8(text)) {
    return source.error_at(*bad, "the file is not UTF-8 from here on; save it with that encoding");
  }
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return Error{std::string(name) + ": the file is empty"};
  Result<GraphText> graph = text[first] == '<' ? parse_graphml(source) : parse_gml(source);
  if (!graph) return Error{graph.error()};
  return build_topology(source, *graph, default_link);
}

}  // namespace twinbed::sim
