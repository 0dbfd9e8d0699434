#include "scenarios/simulation.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/random_stream.h"
#include "scenarios/build_network.h"
#include "scenarios/protocols.h"

namespace twinbed::scenarios {
namespace {

std::string absolute_file(const Scenario& scenario, const std::string& name) {
  const std::filesystem::path path(name);
  if (path.is_absolute()) return name;
  return std::filesystem::absolute(std::filesystem::path(scenario.directory) / path)
      .lexically_normal()
      .string();
}

std::optional<Error> add_files(const Scenario& scenario, std::size_t index,
                               sim::Simulator& simulator) {
  for (const auto& [name, file] : scenario.nodes[index].files) {
    Result<std::string> content = read_scenario_file(scenario, file);
    if (!content) return Error{content.error()};
    simulator.put_file(NodeId{static_cast<std::uint32_t>(index)}, name, as_bytes(*content));
  }
  return std::nullopt;
}

std::string numbered(std::string command, std::uint32_t number) {
  static constexpr std::string_view kMark = "{n}";
  const std::string text = std::to_string(number);
  for (std::size_t at = command.find(kMark); at != std::string::npos;
       at = command.find(kMark, at + text.size())) {
    command.replace(at, kMark.size(), text);
  }
  return command;
}

}  // namespace

Result<std::string> read_scenario_file(const Scenario& scenario, const std::string& name) {
  const std::string path = absolute_file(scenario, name);
  std::ifstream stream(path, std::ios::binary);
  if (!stream) {
    return Error{"cannot read the file " + path + ", which scenario " + scenario.name +
                 " gives to a node"};
  }
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

Scenario with_absolute_files(const Scenario& scenario) {
  Scenario copy = scenario;
  for (NodeSpec& node : copy.nodes) {
    for (auto& [name, file] : node.files) file = absolute_file(scenario, file);
  }
  if (!copy.network.file.empty()) copy.network.file = absolute_file(scenario, copy.network.file);
  return copy;
}

std::vector<ScheduledCommand> draw_workload(const Scenario& scenario, std::uint64_t seed) {
  RandomStream random(seed, "workload");
  std::vector<ScheduledCommand> commands;
  for (const WorkloadItem& item : scenario.workload) {
    const Duration first = random.between(item.at.low, item.at.high);
    const auto node = std::find_if(scenario.nodes.begin(), scenario.nodes.end(),
                                   [&](const NodeSpec& spec) { return spec.name == item.node; });
    if (node == scenario.nodes.end()) continue;  // the loader has refused this already
    const Duration every = item.every.value_or(Duration{});
    for (std::uint32_t number = 1; number <= item.count; ++number) {
      commands.push_back({Time{first + every * (number - 1)},
                          static_cast<std::size_t>(node - scenario.nodes.begin()),
                          numbered(item.command, number)});
    }
  }
  std::stable_sort(
      commands.begin(), commands.end(),
      [](const ScheduledCommand& a, const ScheduledCommand& b) { return a.at < b.at; });
  return commands;
}

Result<std::unique_ptr<sim::Simulator>> build_simulation(const Scenario& scenario,
                                                         std::uint64_t seed, RunSink& sink,
                                                         const FactoryOverride& factory) {
  Result<BuiltNetwork> network = build_network(scenario, seed);
  if (!network) return Error{network.error()};
  auto simulator = std::make_unique<sim::Simulator>(seed, network->topology, sink);
  for (std::size_t index = 0; index < scenario.nodes.size(); ++index) {
    sim::ProtocolFactory make = factory ? factory(scenario, index) : sim::ProtocolFactory{};
    if (!make) {
      Result<sim::ProtocolFactory> registered = make_protocol(scenario, index, network->endpoints);
      if (!registered) return Error{registered.error()};
      make = std::move(*registered);
    }
    const NodeSpec& node = scenario.nodes[index];
    simulator->add_node(
        {node.name, node.role, network->hosts[index], node.clock.offset, node.clock.drift_ppm},
        std::move(make));
    if (const auto error = add_files(scenario, index, *simulator)) return *error;
  }
  for (const ScheduledCommand& item : draw_workload(scenario, seed)) {
    simulator->schedule_command(item.at, NodeId{static_cast<std::uint32_t>(item.node)},
                                as_bytes(item.command));
  }
  simulator->set_faults(scenario.faults);
  return simulator;
}

}  // namespace twinbed::scenarios
