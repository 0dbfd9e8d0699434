#include "scenarios/protocols.h"

#include "core/protocols/pingpong/pingpong.h"
#include "scenarios/option_reader.h"
#include "scenarios/protocol_parts.h"
#include "scenarios/protocol_wfb.h"

namespace twinbed::scenarios {
namespace {

Result<sim::ProtocolFactory> make_pingpong(const Scenario& scenario, std::size_t index,
                                           const std::vector<Endpoint>& endpoints) {
  const NodeSpec& node = scenario.nodes[index];
  OptionReader options(merged_options(scenario, node), "protocol pingpong");
  const Duration interval = options.duration("interval", std::chrono::milliseconds(100));
  if (const auto error = options.error()) return *error;
  if (interval <= Duration{}) return Error{"protocol pingpong: the interval must be positive"};
  const Endpoint local{kAnyAddress, node.port};
  if (node.role == "ponger") {
    return sim::ProtocolFactory([=] { return std::make_unique<pingpong::Ponger>(local); });
  }
  if (node.role != "pinger") return unknown_role(node, "pingpong", "pinger and ponger");
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (scenario.nodes[i].role != "ponger") continue;
    const Endpoint peer = endpoints[i];
    return sim::ProtocolFactory(
        [=] { return std::make_unique<pingpong::Pinger>(local, peer, interval); });
  }
  return Error{"node " + node.name + ": a pinger needs a node of role ponger"};
}

}  // namespace

Result<sim::ProtocolFactory> make_protocol(const Scenario& scenario, std::size_t node,
                                           const std::vector<Endpoint>& endpoints,
                                           const ScenarioFiles& files) {
  const std::string& name = scenario.protocol.name;
  if (name == "pingpong") return make_pingpong(scenario, node, endpoints);
  if (name == "election") return make_election(scenario, node, endpoints);
  if (name == "raft") return make_raft(scenario, node, endpoints);
  if (name == "wfb") return make_wfb(scenario, node, endpoints, files);
  std::string known;
  for (const std::string& other : protocol_names()) known += " " + other;
  return Error{"there is no protocol '" + name + "'; there are" + known};
}

bool has_other_ports(const Scenario& scenario, std::size_t node) {
  return scenario.protocol.name == "wfb" && is_wfb_cluster_role(scenario.nodes[node].role);
}

sim::RunNodes run_nodes(const Scenario& scenario) {
  sim::RunNodes nodes;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const NodeSpec& node = scenario.nodes[i];
    sim::RunNode entry{NodeId{static_cast<std::uint32_t>(i)}, node.name, node.role, std::nullopt};
    const std::string& protocol = scenario.protocol.name;
    if (protocol == "election" || protocol == "raft") entry.number = server_number(scenario, i);
    nodes.push_back(std::move(entry));
  }
  return nodes;
}

std::vector<std::string> protocol_names() { return {"election", "pingpong", "raft", "wfb"}; }

}  // namespace twinbed::scenarios
