#include "scenarios/build_network.h"

#include <algorithm>

#include "core/base/random_stream.h"
#include "scenarios/option_reader.h"
#include "scenarios/suggest.h"
#include "sim/network/generators.h"
#include "sim/network/graph_file.h"

namespace twinbed::scenarios {
namespace {

using sim::DeviceIndex;
using sim::DeviceKind;
using sim::Topology;

std::uint32_t positive(std::int64_t value) {
  return value > 0 && value < 0x7fff'ffff ? static_cast<std::uint32_t>(value) : 0;
}

Result<Topology> generate(const Scenario& scenario, std::uint64_t seed) {
  const NetworkSpec& network = scenario.network;
  const std::string& shape = network.generator;
  OptionReader options(network.generator_options, "network generator " + shape);
  const auto nodes = static_cast<std::int64_t>(scenario.nodes.size());
  const std::uint32_t hosts = positive(options.integer("hosts", nodes));
  const std::uint32_t rows = positive(options.integer("rows", 1));
  const std::uint32_t columns = positive(options.integer("columns", nodes));
  const std::uint32_t arity = positive(options.integer("arity", 2));
  const double radius = options.real("radius", 0.3);
  const std::string prefix = options.text("prefix", "node");
  if (const auto error = options.error()) return *error;
  if (shape == "line") return sim::make_line(hosts, network.link, prefix);
  if (shape == "ring") return sim::make_ring(hosts, network.link, prefix);
  if (shape == "grid") return sim::make_grid(rows, columns, network.link, prefix);
  if (shape == "tree") return sim::make_tree(hosts, arity, network.link, prefix);
  if (shape == "random-geometric") {
    RandomStream random(seed, "topology");
    return sim::make_random_geometric(hosts, radius, network.link, random, prefix);
  }
  return Error{"there is no network generator '" + shape +
               "'; there are star, line, ring, grid, tree and random-geometric"};
}

Result<Topology> start_topology(const Scenario& scenario, const ScenarioFiles& files,
                                std::uint64_t seed) {
  const NetworkSpec& network = scenario.network;
  if (!network.file.empty()) {
    const Result<std::string_view> text = files.content(scenario, network.file);
    if (!text) return Error{text.error()};
    return sim::parse_graph(absolute_file(scenario, network.file), *text, network.link);
  }
  // A star is what nodes without a network of their own get anyway, with their own names as hosts.
  if (network.generator.empty() || network.generator == "star") return Topology{};
  return generate(scenario, seed);
}

std::optional<Error> add_listed(const NetworkSpec& network, Topology& topology) {
  for (const sim::Device& device : network.devices) {
    if (sim::find_device(topology, device.name)) {
      return Error{"network: there are two devices of the name '" + device.name + "'"};
    }
    topology.devices.push_back(device);
  }
  for (const NetworkSpec::NamedLink& named : network.links) {
    const auto a = sim::find_device(topology, named.a);
    const auto b = sim::find_device(topology, named.b);
    if (!a || !b) {
      return Error{"network: a link names the device '" + (a ? named.b : named.a) +
                   "', which does not exist"};
    }
    const sim::LinkParams& params = named.params ? *named.params : network.link;
    topology.links.push_back({*a, *b, params, params, named.nat_inside});
  }
  return std::nullopt;
}

/// The device that a new host is joined to.
DeviceIndex attachment(Topology& topology, std::size_t number) {
  std::vector<DeviceIndex> routers;
  for (DeviceIndex device = 0; device < topology.devices.size(); ++device) {
    if (topology.devices[device].kind == DeviceKind::kSwitch) return device;
    if (topology.devices[device].kind == DeviceKind::kRouter) routers.push_back(device);
  }
  if (!routers.empty()) return routers[number % routers.size()];
  topology.devices.push_back({"switch", DeviceKind::kSwitch, {}});
  return static_cast<DeviceIndex>(topology.devices.size() - 1);
}

/// The loader cannot know the names of a graph file or a generator.
std::optional<Error> check_link_faults(const Scenario& scenario, const Topology& topology) {
  std::vector<std::string> names;
  for (const NodeSpec& node : scenario.nodes) names.push_back(node.name);
  for (const sim::Device& device : topology.devices) names.push_back(device.name);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  for (std::size_t fault = 0; fault < scenario.faults.size(); ++fault) {
    const auto& between = scenario.faults[fault].link_between;
    for (std::size_t end = 0; between && end < between->size(); ++end) {
      const std::string& name = (*between)[end];
      if (std::binary_search(names.begin(), names.end(), name)) continue;
      return Error{"faults." + std::to_string(fault) + ".between." + std::to_string(end) +
                   ": the network has no node or device " + in_quotes(name) +
                   suggestion(name, names, "the names")};
    }
  }
  return std::nullopt;
}

}  // namespace

Result<BuiltNetwork> build_network(const Scenario& scenario, const ScenarioFiles& files,
                                   std::uint64_t seed) {
  Result<Topology> start = start_topology(scenario, files, seed);
  if (!start) return Error{start.error()};
  BuiltNetwork built;
  built.topology = std::move(*start);
  Topology& topology = built.topology;
  if (const auto error = add_listed(scenario.network, topology)) return *error;
  std::size_t added = 0;
  for (const NodeSpec& node : scenario.nodes) {
    const std::string& host = node.host.empty() ? node.name : node.host;
    std::optional<DeviceIndex> device = sim::find_device(topology, host);
    if (!device) {
      const DeviceIndex neighbour = attachment(topology, added++);
      device = static_cast<DeviceIndex>(topology.devices.size());
      topology.devices.push_back({host, DeviceKind::kHost, {}});
      topology.links.push_back(
          {*device, neighbour, scenario.network.link, scenario.network.link, false});
    }
    if (topology.devices[*device].kind != DeviceKind::kHost) {
      return Error{"node " + node.name + ": '" + host + "' is no host; nodes run on hosts only"};
    }
    built.hosts.push_back(*device);
  }
  if (const auto error = check_link_faults(scenario, topology)) return *error;
  sim::assign_addresses(topology);
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    built.endpoints.push_back(
        {topology.devices[built.hosts[i]].address, scenario.nodes[i].port});
  }
  return built;
}

}  // namespace twinbed::scenarios
