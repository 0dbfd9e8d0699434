#include "core/protocols/election/client.h"
#include "core/protocols/election/original_node.h"
#include "scenarios/option_reader.h"
#include "scenarios/protocol_parts.h"

namespace twinbed::scenarios {
namespace {

std::vector<election::Peer> election_peers(const Scenario& scenario,
                                           const std::vector<Endpoint>& endpoints) {
  std::vector<election::Peer> peers;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (scenario.nodes[i].role != "server") continue;
    peers.push_back({static_cast<election::PeerId>(server_number(scenario, i)), endpoints[i]});
  }
  return peers;
}

}  // namespace

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
        static_cast<election::PeerId>(server_number(scenario, index)), peers,
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

}  // namespace twinbed::scenarios
