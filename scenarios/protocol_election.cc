#include <algorithm>
#include <optional>

#include "core/protocols/election/client.h"
#include "core/protocols/election/original_node.h"
#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/node.h"
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

struct ElectionOptions {
  std::string profile;  // original
  std::string key;
  bool zero_key = false;
  std::string image_prefix;
  std::string user;
  imagestore::NodeOptions node;      // robust
  imagestore::ClientOptions client;  // robust
};

/// Both policies take the same options, so that a scenario runs under either; each passes over what
/// is the other's.
Result<ElectionOptions> read_election_options(const Scenario& scenario, const NodeSpec& node) {
  OptionReader options(merged_options(scenario, node), "protocol election");
  ElectionOptions read;
  read.profile = options.text("profile", "f988f94");
  read.key = options.text("key", "");
  read.zero_key = options.truth("zero_key", false);
  read.image_prefix = options.text("image_prefix", "images/");
  read.user = options.text("user", "user");
  options.integer("id", 0);
  raft::Options& raft = read.node.raft;
  imagestore::set_timeout(read.node, options.duration("timeout", std::chrono::seconds(1)));
  raft.heartbeat = options.duration("heartbeat", raft.heartbeat);
  raft.pre_vote = options.truth("pre_vote", true);
  raft.check_quorum = options.truth("check_quorum", true);
  raft.stickiness = options.truth("stickiness", true);
  if (!options.truth("priority", true)) raft.priority_slot = {};
  raft.hand_over_after = options.duration("hand_over_after", raft.hand_over_after);
  if (!options.truth("hand_over", true)) raft.hand_over_after = {};
  raft.snapshot_every =
      static_cast<std::uint64_t>(options.integer("snapshot_every", 10'000));
  read.node.replicate = options.truth("replicate", true);
  read.node.shared_storage = options.truth("shared_storage", false);
  read.node.at_rest = options.truth("at_rest", false);
  read.node.fence = options.truth("fence", true);
  read.node.repair = options.truth("repair", true);
  read.node.scrub_every = options.duration("scrub_every", std::chrono::hours(1));
  read.node.max_image_bytes = static_cast<std::uint64_t>(
      options.integer("max_image_bytes", static_cast<std::int64_t>(read.node.max_image_bytes)));
  // Not for use: it shows what sealing costs, and what is lost without it.
  read.node.links.encrypt = read.client.links.encrypt = options.truth("encrypt", true);
  read.client.retry = options.truth("retry", true);
  read.client.give_up = options.duration("give_up", read.client.give_up);
  if (const auto error = options.error()) return *error;
  return read;
}

/// Which of the scenario's shared directories holds the images of a node, if one does.
std::optional<std::size_t> shared_images(const Scenario& scenario, const NodeSpec& node,
                                         const std::string& image_prefix) {
  for (std::size_t i = 0; i < scenario.shared_storage.size(); ++i) {
    const SharedStorageSpec& shared = scenario.shared_storage[i];
    const bool sees_it =
        std::find(shared.nodes.begin(), shared.nodes.end(), node.name) != shared.nodes.end();
    if (sees_it && image_prefix.starts_with(shared.path)) return i;
  }
  return std::nullopt;
}

/// The servers of the policy robust must know whether they see one directory of images.
std::optional<Error> check_shared_storage(const Scenario& scenario,
                                          const ElectionOptions& options) {
  const std::string subject = "protocol election: ";
  const bool is_shared = options.node.shared_storage;
  if (is_shared && !options.node.replicate) {
    return Error{subject + "shared_storage keeps one file of each image for all servers, and "
                           "'replicate: false' one at its leader; leave one of them out"};
  }
  std::optional<std::optional<std::size_t>> all;
  for (const NodeSpec& node : scenario.nodes) {
    if (node.role != "server") continue;
    const std::optional<std::size_t> own = shared_images(scenario, node, options.image_prefix);
    if (!all) all = own;
    if (is_shared && (!own || own != *all)) {
      return Error{subject + "shared_storage needs one directory that all servers see; add "
                             "'shared_storage: [{path: " + options.image_prefix +
                             ", nodes: [...]}]' with the names of all servers to the scenario"};
    }
    if (!is_shared && own) {
      return Error{subject + "node '" + node.name + "' shares " + options.image_prefix +
                   " with others; add the option 'shared_storage: true', so that the servers of "
                   "the policy robust know it"};
    }
  }
  return std::nullopt;
}

Result<sim::ProtocolFactory> make_robust(const Scenario& scenario, std::size_t index,
                                         const std::vector<Endpoint>& endpoints,
                                         ElectionOptions options) {
  const NodeSpec& node = scenario.nodes[index];
  if (const auto error = check_shared_storage(scenario, options)) return *error;
  // A key that anybody can read, for runs that stay on this machine.
  if (options.key.empty()) options.key = blake2b_hex(as_bytes("twinbed scenario"));
  if (node.role == "server") {
    imagestore::NodeOptions server = options.node;
    server.id = static_cast<raft::ServerId>(server_number(scenario, index));
    server.peers = election_peers(scenario, endpoints);
    server.blobs.image_prefix = options.image_prefix;
    return checked_factory(node, [=] { return imagestore::make_node(server, options.key); });
  }
  if (node.role != "client") return unknown_role(node, "election", "server and client");
  imagestore::ClientOptions client = options.client;
  client.peers = election_peers(scenario, endpoints);
  client.user = options.user;
  return checked_factory(node, [=] { return imagestore::make_client(client, options.key); });
}

Result<sim::ProtocolFactory> make_original(const Scenario& scenario, std::size_t index,
                                           const std::vector<Endpoint>& endpoints,
                                           ElectionOptions options) {
  const NodeSpec& node = scenario.nodes[index];
  // The original has this key compiled in.
  if (options.key.empty()) options.key = std::string(64, '0');
  election::Profile profile{};
  if (!election::parse_profile(options.profile, profile)) {
    return Error{"protocol election: there is no profile '" + options.profile +
                 "'; there are f988f94, 67dc5ff and head"};
  }
  const std::vector<election::Peer> peers = election_peers(scenario, endpoints);
  if (node.role == "server") {
    const election::NodeOptions server{
        static_cast<election::PeerId>(server_number(scenario, index)), peers,
        election::timings_of(profile), options.image_prefix};
    return checked_factory(node, [=] {
      return election::make_original_node(server, options.key, options.zero_key);
    });
  }
  if (node.role != "client") return unknown_role(node, "election", "server and client");
  election::ClientOptions client;
  client.peers = peers;
  client.user = options.user;
  client.listen = {kAnyAddress, node.port};
  return checked_factory(
      node, [=] { return election::make_client(client, options.key, options.zero_key); });
}

}  // namespace

Result<sim::ProtocolFactory> make_election(const Scenario& scenario, std::size_t index,
                                           const std::vector<Endpoint>& endpoints) {
  const Result<ElectionOptions> options =
      read_election_options(scenario, scenario.nodes[index]);
  if (!options) return Error{options.error()};
  const std::string& policy = scenario.protocol.policy;
  if (policy == "original") return make_original(scenario, index, endpoints, *options);
  if (policy == "robust") return make_robust(scenario, index, endpoints, *options);
  return Error{"protocol election: there is no policy '" + policy +
               "'; there are original and robust"};
}

}  // namespace twinbed::scenarios
