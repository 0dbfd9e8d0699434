#include "sim/network/generators.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/network/link_effects.h"

namespace twinbed::sim {
namespace {

/// What no shape can be built with.
std::optional<Error> check_request(std::string_view shape, std::uint64_t hosts, std::uint32_t least,
                                   std::uint32_t most, const LinkParams& link,
                                   std::string_view prefix) {
  const std::string name(shape);
  if (hosts < least || hosts > most) {
    return Error{"a " + name + " network has from " + std::to_string(least) + " to " +
                 std::to_string(most) + " hosts, but " + std::to_string(hosts) +
                 " were asked for"};
  }
  if (prefix.empty() || prefix == "router") {
    return Error{"the hosts of a " + name + " network need a name other than '" +
                 std::string(prefix) + "', for instance 'node'"};
  }
  if (const auto error = check_link_params(link)) {
    return Error{"the links of a " + name + " network are not sound: " + error->message};
  }
  return std::nullopt;
}

void add_devices(Topology& topology, std::string_view prefix, DeviceKind kind,
                 std::uint32_t count) {
  for (std::uint32_t i = 1; i <= count; ++i) {
    topology.devices.push_back({std::string(prefix) + std::to_string(i), kind, {}});
  }
}

void add_link(Topology& topology, DeviceIndex a, DeviceIndex b, const LinkParams& params) {
  topology.links.push_back({a, b, params, params, false});
}

/// The hosts, their routers and the links between them; the routers are not joined yet.
/// Position i, from 0, has host i and router count + i.
Topology make_positions(std::uint32_t count, std::string_view prefix) {
  Topology topology;
  topology.devices.reserve(2 * std::size_t{count});
  add_devices(topology, prefix, DeviceKind::kHost, count);
  add_devices(topology, "router", DeviceKind::kRouter, count);
  for (std::uint32_t i = 0; i < count; ++i) add_link(topology, i, count + i, LinkParams{});
  return topology;
}

struct Point {
  double x = 0;
  double y = 0;
};

double squared_distance(const Point& a, const Point& b) {
  const double dx = a.x - b.x;
  const double dy = a.y - b.y;
  return dx * dx + dy * dy;
}

/// The edges of the minimum spanning tree (Prim) that are longer than the radius. By Kruskal's
/// argument they are the closest pairs that join the pieces which the shorter edges leave.
std::vector<std::pair<std::uint32_t, std::uint32_t>> bridges(const std::vector<Point>& points,
                                                             double squared_radius) {
  const auto count = static_cast<std::uint32_t>(points.size());
  std::vector<double> nearest(count, std::numeric_limits<double>::infinity());
  std::vector<std::uint32_t> parent(count, 0);
  std::vector<bool> reached(count, false);
  std::vector<std::pair<std::uint32_t, std::uint32_t>> result;
  std::uint32_t current = 0;
  for (std::uint32_t round = 1; round < count; ++round) {
    reached[current] = true;
    std::uint32_t next = count;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (reached[i]) continue;
      const double distance = squared_distance(points[current], points[i]);
      if (distance < nearest[i]) {
        nearest[i] = distance;
        parent[i] = current;
      }
      if (next == count || nearest[i] < nearest[next]) next = i;
    }
    if (nearest[next] > squared_radius) result.emplace_back(std::minmax(parent[next], next));
    current = next;
  }
  return result;
}

}  // namespace

Result<Topology> make_star(std::uint32_t hosts, const LinkParams& link, std::string_view prefix) {
  if (auto error = check_request("star", hosts, 1, kMaxGeneratedHosts, link, prefix)) {
    return *error;
  }
  Topology topology;
  add_devices(topology, prefix, DeviceKind::kHost, hosts);
  topology.devices.push_back({"switch", DeviceKind::kSwitch, {}});
  for (std::uint32_t i = 0; i < hosts; ++i) add_link(topology, i, hosts, link);
  return topology;
}

Result<Topology> make_line(std::uint32_t hosts, const LinkParams& link, std::string_view prefix) {
  if (auto error = check_request("line", hosts, 1, kMaxGeneratedHosts, link, prefix)) {
    return *error;
  }
  Topology topology = make_positions(hosts, prefix);
  for (std::uint32_t i = 1; i < hosts; ++i) add_link(topology, hosts + i - 1, hosts + i, link);
  return topology;
}

Result<Topology> make_ring(std::uint32_t hosts, const LinkParams& link, std::string_view prefix) {
  if (auto error = check_request("ring", hosts, 3, kMaxGeneratedHosts, link, prefix)) {
    return *error;
  }
  Topology topology = make_positions(hosts, prefix);
  for (std::uint32_t i = 0; i < hosts; ++i) {
    add_link(topology, hosts + i, hosts + (i + 1) % hosts, link);
  }
  return topology;
}

Result<Topology> make_grid(std::uint32_t rows, std::uint32_t columns, const LinkParams& link,
                           std::string_view prefix) {
  const std::uint64_t hosts = std::uint64_t{rows} * columns;
  if (auto error = check_request("grid", hosts, 1, kMaxGeneratedHosts, link, prefix)) {
    return *error;
  }
  const auto count = static_cast<std::uint32_t>(hosts);
  Topology topology = make_positions(count, prefix);
  for (std::uint32_t i = 0; i < count; ++i) {
    if ((i + 1) % columns != 0) add_link(topology, count + i, count + i + 1, link);
    if (i + columns < count) add_link(topology, count + i, count + i + columns, link);
  }
  return topology;
}

Result<Topology> make_tree(std::uint32_t hosts, std::uint32_t arity, const LinkParams& link,
                           std::string_view prefix) {
  if (auto error = check_request("tree", hosts, 1, kMaxGeneratedHosts, link, prefix)) {
    return *error;
  }
  if (arity == 0) return Error{"the arity of a tree network must be at least 1"};
  Topology topology = make_positions(hosts, prefix);
  for (std::uint32_t i = 1; i < hosts; ++i) {
    add_link(topology, hosts + (i - 1) / arity, hosts + i, link);
  }
  return topology;
}

Result<Topology> make_random_geometric(std::uint32_t hosts, double radius, const LinkParams& link,
                                       Random& random, std::string_view prefix) {
  if (auto error =
          check_request("random geometric", hosts, 1, kMaxGeometricHosts, link, prefix)) {
    return *error;
  }
  if (!(radius > 0.0 && radius <= 2.0)) {
    return Error{"the radius of a random geometric network must be above 0 and at most 2 (the side "
                 "of the square is 1), not " + std::to_string(radius)};
  }
  std::vector<Point> points(hosts);
  for (Point& point : points) {
    point.x = random.uniform();
    point.y = random.uniform();
  }
  Topology topology = make_positions(hosts, prefix);
  const double squared_radius = radius * radius;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    for (std::uint32_t j = i + 1; j < hosts; ++j) {
      if (squared_distance(points[i], points[j]) > squared_radius) continue;
      if (topology.links.size() >= std::size_t{hosts} + kMaxGeometricLinks) {
        return Error{"a random geometric network of " + std::to_string(hosts) +
                     " hosts with this radius has more than " +
                     std::to_string(kMaxGeometricLinks) + " links; choose a smaller radius"};
      }
      add_link(topology, hosts + i, hosts + j, link);
    }
  }
  for (const auto& [a, b] : bridges(points, squared_radius)) {
    add_link(topology, hosts + a, hosts + b, link);
  }
  return topology;
}

}  // namespace twinbed::sim
