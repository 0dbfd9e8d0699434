// Clusters of WFB-NG for scenarios: a vehicle, the nodes that hear it, and their central node.
//
//   source ──► vehicle ~~~ radio ~~~► node ──UDP──► central ──► sink
//   sink ◄── vehicle ◄~~~ radio ~~~ node ◄──UDP── central ◄── source
//
// Which streams there are, on which ports, and who the users' ends are is told by a cluster file of
// WFB-NG's own form. Which of its nodes a node of the scenario is follows from its host's address;
// the node's own option cluster_file has it set up with another file than the others.
#include <map>
#include <mutex>

#include "core/protocols/wfb/ssh_lifecycle.h"
#include "scenarios/fields_leaves.h"
#include "scenarios/protocol_wfb.h"
#include "scenarios/radio_check.h"
#include "scenarios/suggest.h"
#include "scenarios/wfb/cluster_load.h"
#include "scenarios/wfb/cluster_nodes.h"

namespace twinbed::scenarios {
namespace {

/// To which the original connects, whatever the file says.
constexpr std::uint16_t kSshPort = 22;
constexpr const char* kLifecycle = "lifecycle";

std::string profile_of(const WfbCluster& cluster, const NodeSpec& node) {
  if (!cluster.profile.empty()) return cluster.profile;
  return node.role == "vehicle" ? "drone" : "gs";
}

Result<ClusterConfig> read_config(const WfbPlace& place, const WfbCluster& cluster) {
  if (cluster.file.empty()) {
    return place.error("a " + place.node().role +
                       " is told its streams by a file of WFB-NG, name it with the option "
                       "'cluster_file'");
  }
  const auto text = place.files.content(place.scenario, cluster.file);
  if (!text) return Error{text.error()};
  return read_cluster_texts({{cluster.file, std::string(*text)}});
}

/// That the air can carry what the streams send.
std::optional<Error> check_rates(const WfbPlace& place, const wfb::CentralOptions& options) {
  for (const wfb::ProfileOptions& profile : options.profiles) {
    for (const wfb::StreamOptions& stream : profile.streams) {
      if (!stream.transmit) continue;
      const auto params = wfb::tx_params_of(stream.transmit->radio);
      const std::string mistake = params ? mistake_in_rate(place.scenario, *params) : "";
      if (mistake.empty()) continue;
      return place.error("stream " + in_quotes(stream.name) +
                         " is to be sent as no card can: " + mistake);
    }
  }
  return std::nullopt;
}

CentralSettings settings_of(const WfbPlace& place, const WfbLink& link, const WfbCluster& cluster,
                            const wfb::KeyFile& keys) {
  CentralSettings settings;
  settings.keys = keys;
  settings.this_host = place.endpoints[place.index].address;
  settings.session_repeat = link.session_repeat;
  settings.refuse_replay = link.refuse_replay;
  settings.close_block = link.close_block;
  settings.flush_on_session = link.flush_on_session;
  settings.ring_timeout = link.ring_timeout;
  settings.init_digest = cluster.init_digest;
  settings.is_adaptive = cluster.is_adaptive;
  return settings;
}

std::uint16_t ssh_port(const WfbPlace& place, const ClusterNode& node) {
  const bool is_robust = place.scenario.protocol.policy == "robust";
  return is_robust ? static_cast<std::uint16_t>(node.ssh_port.value_or(kSshPort)) : kSshPort;
}

Result<sim::ProtocolFactory> make_central(const WfbPlace& place, const WfbCluster& cluster,
                                          const ClusterConfig& config,
                                          const CentralSettings& settings) {
  const IpAddress here = place.endpoints[place.index].address;
  for (const ClusterNode& node : config.nodes) {
    if (node.server_address == here) continue;
    return place.error("in " + cluster.file + " node " + to_string(node.address) +
                       " reaches its central node at " + to_string(node.server_address) +
                       ", but this host's address is " + to_string(here) +
                       "; give it the other one in network.devices");
  }
  const auto options = central_of_cluster(config, {profile_of(cluster, place.node())}, settings);
  if (!options) return place.error(cluster.file + ": " + options.error());
  if (const auto error = check_rates(place, *options)) return *error;
  if (!cluster.starts_by_ssh) {
    return sim::ProtocolFactory(
        [made = *options] { return std::make_unique<wfb::CentralNode>(made); });
  }
  std::vector<Endpoint> nodes;
  for (const ClusterNode& node : config.nodes) {
    if (!node.ssh_user || !node.ssh_port) continue;  // started by hand
    nodes.push_back({node.address, ssh_port(place, node)});
  }
  return sim::ProtocolFactory([made = *options, nodes] {
    return std::make_unique<wfb::SshCentral>(nodes, std::make_unique<wfb::CentralNode>(made));
  });
}

Result<sim::ProtocolFactory> make_vehicle(const WfbPlace& place, const WfbCluster& cluster,
                                          const ClusterConfig& config,
                                          const CentralSettings& settings) {
  const std::size_t cards = place.node().cards.size();
  if (cards == 0 || cards > wfb::kNoWlan) {
    return place.error("a vehicle uses radio cards, give it 1 to 255 'cards'");
  }
  const auto options =
      central_of_cards(config, profile_of(cluster, place.node()),
                       static_cast<std::uint8_t>(cards), settings);
  if (!options) return place.error(cluster.file + ": " + options.error());
  if (const auto error = check_rates(place, *options)) return *error;
  return sim::ProtocolFactory(
      [made = *options] { return std::make_unique<wfb::CentralNode>(made); });
}

/// That the cards are those of the file: their number, and their channels.
std::optional<Error> check_cards(const WfbPlace& place, const WfbCluster& cluster,
                                 const NodePlan& plan) {
  const std::vector<sim::CardOptions>& cards = place.node().cards;
  if (plan.cards.size() != cards.size()) {
    return place.error("it has " + std::to_string(cards.size()) + " cards and " +
                       std::to_string(plan.cards.size()) + " wlans in " + cluster.file +
                       "; give both the same number");
  }
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const std::uint32_t number = plan.cards[i].channel;
    const auto wanted = parse_channel(std::to_string(number) + (number > 2000 ? " MHz" : ""));
    if (!wanted) return place.error(cluster.file + ": " + wanted.error());
    if (*wanted == cards[i].channel) continue;
    const auto mhz = [](ChannelMhz channel) {
      return std::to_string(static_cast<unsigned>(channel)) + " MHz";
    };
    return place.error("its card " + std::to_string(i) + " is at " + mhz(cards[i].channel) +
                       ", but " + plan.cards[i].name + " at " + mhz(*wanted) + " in " +
                       cluster.file + "; give both the same channel");
  }
  return std::nullopt;
}

Result<sim::ProtocolFactory> make_node(const WfbPlace& place, const WfbCluster& cluster,
                                       const ClusterConfig& config) {
  const std::string profile = profile_of(cluster, place.node());
  const IpAddress here = place.endpoints[place.index].address;
  const auto plan = plan_node(config, {profile}, here, cluster.is_adaptive);
  if (!plan) return place.error(cluster.file + ": " + plan.error());
  if (const auto error = check_cards(place, cluster, *plan)) return *error;
  NodeSettings settings;
  if (cluster.init_digest) {
    const auto digests = expected_digests(config, {profile}, cluster.is_adaptive);
    if (!digests) return place.error(digests.error());
    settings.init_digest = digests->at(here);
  }
  const wfb::ClusterNodeOptions options = cluster_node_of(*plan, settings);
  const ClusterNode& node = *config.node(here);
  if (!cluster.starts_by_ssh || !node.ssh_user || !node.ssh_port) {
    return sim::ProtocolFactory([=] { return std::make_unique<wfb::ClusterNode>(options); });
  }
  const std::uint16_t port = static_cast<std::uint16_t>(*node.ssh_port);
  return sim::ProtocolFactory([=] {
    return std::make_unique<wfb::SshNode>(
        port, [=] { return std::make_unique<wfb::ClusterNode>(options); });
  });
}

}  // namespace

WfbCluster read_wfb_cluster(OptionReader& options, const WfbPlace& place) {
  const bool is_robust = place.scenario.protocol.policy == "robust";
  WfbCluster cluster;
  cluster.file = options.text("cluster_file", "");
  cluster.profile = options.text("profile", "");
  const std::string lifecycle = options.text(kLifecycle, "manual");
  cluster.starts_by_ssh = lifecycle == "ssh";
  if (lifecycle != "ssh" && lifecycle != "manual") options.refuse(kLifecycle, "ssh or manual");
  cluster.init_digest = options.truth("init_digest", is_robust);
  cluster.is_adaptive = options.truth("adaptive", is_robust);
  return cluster;
}

bool is_wfb_cluster_role(const std::string& role) {
  return role == "central" || role == "node" || role == "vehicle";
}

Result<wfb::LinkKeys> wfb_keys(const std::string& password) {
  // Deriving keys takes some 50 ms and 32 MiB, and every start of every node needs them.
  static std::mutex mutex;
  static std::map<std::string, wfb::LinkKeys> known;
  const std::lock_guard lock(mutex);
  const auto found = known.find(password);
  if (found != known.end()) return found->second;
  Result<wfb::LinkKeys> keys = wfb::link_keys_from_password(password);
  if (keys) known.emplace(password, *keys);
  return keys;
}

Result<sim::ProtocolFactory> make_wfb_cluster(const WfbPlace& place, const WfbLink& link,
                                              const WfbCluster& cluster) {
  const auto config = read_config(place, cluster);
  if (!config) return Error{config.error()};
  if (place.node().role == "node") return make_node(place, cluster, *config);
  const auto keys = wfb_keys(link.password);
  if (!keys) return Error{keys.error()};
  if (place.node().role == "vehicle") {
    return make_vehicle(place, cluster, *config,
                        settings_of(place, link, cluster, keys->drone));
  }
  return make_central(place, cluster, *config, settings_of(place, link, cluster, keys->ground));
}

Result<Endpoint> wfb_stream_input(const WfbPlace& place, const WfbCluster& cluster,
                                  const std::string& node, const std::string& stream) {
  const std::vector<NodeSpec>& nodes = place.scenario.nodes;
  std::size_t to = 0;
  while (to < nodes.size() && nodes[to].name != node) ++to;
  if (to == nodes.size() || (nodes[to].role != "central" && nodes[to].role != "vehicle")) {
    return place.error("in a cluster a source feeds a central node or a vehicle, name one with "
                       "the option 'to'");
  }
  const auto config = read_config(place, cluster);
  if (!config) return Error{config.error()};
  const std::string profile = profile_of(cluster, nodes[to]);
  const ProfileConfig* found = config->profile(profile);
  if (found == nullptr) {
    return place.error("there is no profile " + in_quotes(profile) + " in " + cluster.file);
  }
  for (const StreamConfig& candidate : found->streams) {
    const auto& peer = candidate.peer;
    if (candidate.name != stream || !peer || peer->kind != Peer::Kind::kListen) continue;
    return Endpoint{place.endpoints[to].address, peer->endpoint.port};
  }
  return place.error("profile " + in_quotes(profile) + " of " + cluster.file +
                     " has no stream " + in_quotes(stream) +
                     " that listens; give one a peer such as listen://0.0.0.0:5602, or name "
                     "another one with the option 'stream'");
}

}  // namespace twinbed::scenarios
