#include "scenarios/simulation.h"

#include <algorithm>

#include "scenarios/build_network.h"
#include "scenarios/build_radio.h"
#include "scenarios/protocols.h"

namespace twinbed::scenarios {
namespace {

std::optional<Error> add_files(const Scenario& scenario, const ScenarioFiles& files,
                               std::size_t index, sim::Simulator& simulator) {
  for (const auto& [name, source] : scenario.nodes[index].files) {
    const Result<std::string> content = files.of_node(scenario, index, name);
    if (!content) return Error{content.error()};
    simulator.put_file(NodeId{static_cast<std::uint32_t>(index)}, name, as_bytes(*content));
  }
  return std::nullopt;
}

void share_storage(const Scenario& scenario, sim::Simulator& simulator) {
  for (const SharedStorageSpec& spec : scenario.shared_storage) {
    const auto shared = std::make_shared<sim::SharedStorage>();
    for (std::uint32_t index = 0; index < scenario.nodes.size(); ++index) {
      const bool sees_it = std::find(spec.nodes.begin(), spec.nodes.end(),
                                     scenario.nodes[index].name) != spec.nodes.end();
      if (sees_it) simulator.node(NodeId{index}).storage().mount(spec.path, shared);
    }
  }
}

}  // namespace

Result<std::unique_ptr<sim::Simulator>> build_simulation(const Scenario& scenario,
                                                         std::uint64_t seed, RunSink& sink) {
  const Result<ScenarioFiles> files = ScenarioFiles::read(scenario);
  if (!files) return Error{files.error()};
  return build_simulation(scenario, *files, seed, sink);
}

Result<std::unique_ptr<sim::Simulator>> build_simulation(const Scenario& scenario,
                                                         const ScenarioFiles& files,
                                                         std::uint64_t seed, RunSink& sink,
                                                         const FactoryOverride& factory) {
  Result<BuiltNetwork> network = build_network(scenario, files, seed);
  if (!network) return Error{network.error()};
  const Result<MediumFactory> medium = build_radio(scenario, files);
  if (!medium) return Error{medium.error()};
  auto simulator = std::make_unique<sim::Simulator>(seed, network->topology, sink);
  if (*medium) {
    simulator->set_radio(*medium);
    if (simulator->radio() == nullptr) {
      return Error{"scenario " + scenario.name + " runs on ns-3's medium, which another run in "
                   "this process has; make one after the other, or each in a process of its own"};
    }
  }
  for (std::size_t index = 0; index < scenario.nodes.size(); ++index) {
    sim::ProtocolFactory make = factory ? factory(scenario, index) : sim::ProtocolFactory{};
    if (!make) {
      Result<sim::ProtocolFactory> registered =
          make_protocol(scenario, index, network->endpoints, files);
      if (!registered) return Error{registered.error()};
      make = std::move(*registered);
    }
    const NodeSpec& node = scenario.nodes[index];
    simulator->add_node(
        {node.name, node.role, network->hosts[index], node.clock.offset, node.clock.drift_ppm},
        std::move(make));
  }
  share_storage(scenario, *simulator);
  for (std::size_t index = 0; index < scenario.nodes.size(); ++index) {
    if (const auto error = add_files(scenario, files, index, *simulator)) return *error;
  }
  for (const ScheduledCommand& item : draw_workload(scenario, seed)) {
    simulator->schedule_command(item.at, NodeId{static_cast<std::uint32_t>(item.node)},
                                as_bytes(item.command));
  }
  simulator->set_faults(scenario.faults);
  return simulator;
}

}  // namespace twinbed::scenarios
