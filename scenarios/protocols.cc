#include "scenarios/protocols.h"

#include <algorithm>

#include "core/protocols/election/client.h"
#include "core/protocols/election/original_node.h"
#include "core/protocols/pingpong/pingpong.h"
#include "scenarios/option_reader.h"

namespace twinbed::scenarios {
namespace {

/// A node's options are the protocol's with its own on top.
Options merged_options(const Scenario& scenario, const NodeSpec& node) {
  Options options = node.options;
  options.insert(scenario.protocol.options.begin(), scenario.protocol.options.end());
  return options;
}

Error unknown_role(const NodeSpec& node, const std::string& protocol, const std::string& roles) {
  return Error{"node " + node.name + ": the protocol " + protocol + " has no role '" + node.role +
               "'; its roles are " + roles};
}

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

/// The servers are numbered in the order of the scenario, from 1, unless a node has the option
/// `id`.
std::int64_t election_id(const Scenario& scenario, std::size_t index) {
  const NodeSpec& node = scenario.nodes[index];
  if (node.role != "server") return election::kClientId;
  const auto found = node.options.find("id");
  if (found != node.options.end()) {
    if (const auto* id = std::get_if<std::int64_t>(&found->second)) return *id;
  }
  return 1 + std::count_if(scenario.nodes.begin(),
                           scenario.nodes.begin() + static_cast<std::ptrdiff_t>(index),
                           [](const NodeSpec& other) { return other.role == "server"; });
}

std::vector<election::Peer> election_peers(const Scenario& scenario,
                                           const std::vector<Endpoint>& endpoints) {
  std::vector<election::Peer> peers;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (scenario.nodes[i].role != "server") continue;
    peers.push_back({static_cast<election::PeerId>(election_id(scenario, i)), endpoints[i]});
  }
  return peers;
}

/// Builds one protocol object now, so that a mistake in its options is found before the run, and
/// another one each time the node starts.
template <class Make>
Result<sim::ProtocolFactory> checked_factory(const NodeSpec& node, Make make) {
  auto first = make();
  if (!first) return Error{"node " + node.name + ": " + first.error()};
  return sim::ProtocolFactory([make] { return std::move(*make()); });
}

Result<sim::ProtocolFactory> make_election(const Scenario& scenario, std::size_t index,
                                           const std::vector<Endpoint>& endpoints) {
  const NodeSpec& node = scenario.nodes[index];
  if (scenario.protocol.policy != "original") {
    return Error{"protocol election: there is no policy '" + scenario.protocol.policy +
                 "' yet; the policy is original"};
  }
  OptionReader options(merged_options(scenario, node), "protocol election");
  const std::string profile_name = options.text("profile", "f988f94");
  const std::string key = options.text("key", std::string(64, '0'));
  const bool zero_key = options.truth("zero_key", false);
  const std::string prefix = options.text("image_prefix", "images/");
  const std::string user = options.text("user", "user");
  options.integer("id", 0);
  if (const auto error = options.error()) return *error;
  election::Profile profile{};
  if (!election::parse_profile(profile_name, profile)) {
    return Error{"protocol election: there is no profile '" + profile_name +
                 "'; there are f988f94, 67dc5ff and head"};
  }
  const std::vector<election::Peer> peers = election_peers(scenario, endpoints);
  if (node.role == "server") {
    const election::NodeOptions server{
        static_cast<election::PeerId>(election_id(scenario, index)), peers,
        election::timings_of(profile), prefix};
    return checked_factory(
        node, [=] { return election::make_original_node(server, key, zero_key); });
  }
  if (node.role != "client") return unknown_role(node, "election", "server and client");
  election::ClientOptions client;
  client.peers = peers;
  client.user = user;
  client.listen = {kAnyAddress, node.port};
  return checked_factory(node, [=] { return election::make_client(client, key, zero_key); });
}

}  // namespace

Result<sim::ProtocolFactory> make_protocol(const Scenario& scenario, std::size_t node,
                                           const std::vector<Endpoint>& endpoints) {
  const std::string& name = scenario.protocol.name;
  if (name == "pingpong") return make_pingpong(scenario, node, endpoints);
  if (name == "election") return make_election(scenario, node, endpoints);
  std::string known;
  for (const std::string& other : protocol_names()) known += " " + other;
  return Error{"there is no protocol '" + name + "'; there are" + known};
}

sim::RunNodes run_nodes(const Scenario& scenario) {
  sim::RunNodes nodes;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const NodeSpec& node = scenario.nodes[i];
    sim::RunNode entry{NodeId{static_cast<std::uint32_t>(i)}, node.name, node.role, std::nullopt};
    if (scenario.protocol.name == "election") entry.number = election_id(scenario, i);
    nodes.push_back(std::move(entry));
  }
  return nodes;
}

std::vector<std::string> protocol_names() { return {"election", "pingpong"}; }

}  // namespace twinbed::scenarios
