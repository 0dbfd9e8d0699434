// Raft for scenarios: servers that agree on the order of the items they are given.
#include <algorithm>
#include <limits>

#include "core/protocols/raft/server.h"
#include "scenarios/option_reader.h"
#include "scenarios/protocol_parts.h"

namespace twinbed::scenarios {
namespace {

constexpr std::int64_t kMostInitialEntries = 100'000;

/// All servers by their numbers, in ascending order; an error where these are no server's.
Result<std::vector<raft::ServerPeer>> raft_peers(const Scenario& scenario,
                                                 const std::vector<Endpoint>& endpoints) {
  std::vector<raft::ServerPeer> peers;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const NodeSpec& node = scenario.nodes[i];
    if (node.role != "server") continue;
    const std::int64_t number = server_number(scenario, i);
    if (number < 1 || number > std::numeric_limits<raft::ServerId>::max()) {
      return Error{"node " + node.name + ": the option id must be from 1 to 4294967295"};
    }
    peers.push_back({static_cast<raft::ServerId>(number), endpoints[i]});
  }
  std::sort(peers.begin(), peers.end(),
            [](const auto& left, const auto& right) { return left.id < right.id; });
  const auto twice =
      std::adjacent_find(peers.begin(), peers.end(),
                         [](const auto& left, const auto& right) { return left.id == right.id; });
  if (twice == peers.end()) return peers;
  return Error{"protocol raft: two servers have the id " + std::to_string(twice->id) +
               ", give each another one"};
}

/// The sentence for the first option whose value makes no sense; empty where all do.
std::string mistake_of(const raft::ServerOptions& server, std::int64_t snapshot_every,
                       std::int64_t initial_entries) {
  const raft::Options& raft = server.raft;
  if (raft.election_timeout_min <= Duration{}) return "election_timeout_min must be positive";
  if (raft.election_timeout_max < raft.election_timeout_min) {
    return "election_timeout_max must not be below election_timeout_min";
  }
  if (raft.heartbeat <= Duration{}) return "heartbeat must be positive";
  if (server.retry <= Duration{}) return "retry must be positive";
  if (raft.priority_slot < Duration{} || raft.hand_over_after < Duration{}) {
    return "priority_slot and hand_over_after must not be negative; 0 s switches them off";
  }
  if (snapshot_every < 0) return "snapshot_every must not be negative; 0 switches snapshots off";
  if (initial_entries < 0 || initial_entries > kMostInitialEntries) {
    return "initial_entries must be from 0 to " + std::to_string(kMostInitialEntries);
  }
  return {};
}

/// Policy `original` is the algorithm as published; `robust` switches each repair on. Times of a
/// repair that is on follow from the election timeout unless they are given.
Result<raft::ServerOptions> read_options(const Scenario& scenario, const NodeSpec& node,
                                         std::size_t servers) {
  OptionReader options(merged_options(scenario, node), "protocol raft");
  const bool repaired = scenario.protocol.policy == "robust";
  raft::ServerOptions server;
  raft::Options& raft = server.raft;
  raft.election_timeout_min = options.duration("election_timeout_min", raft.election_timeout_min);
  raft.election_timeout_max = options.duration("election_timeout_max", raft.election_timeout_max);
  raft.heartbeat = options.duration("heartbeat", raft.heartbeat);
  raft.pre_vote = options.truth("pre_vote", repaired);
  raft.check_quorum = options.truth("check_quorum", repaired);
  raft.stickiness = options.truth("stickiness", repaired);
  const Duration range = raft.election_timeout_max - raft.election_timeout_min;
  raft.priority_slot = options.duration(
      "priority_slot", repaired ? range / static_cast<std::int64_t>(servers) : Duration{});
  raft.hand_over_after = options.duration(
      "hand_over_after", repaired ? 2 * raft.election_timeout_max : Duration{});
  const std::int64_t snapshot_every =
      options.integer("snapshot_every", static_cast<std::int64_t>(raft.snapshot_every));
  const std::int64_t initial_entries = options.integer("initial_entries", 0);
  server.retry = options.duration("retry", server.retry);
  options.integer("id", 0);  // server_number has looked at it.
  if (const auto error = options.error()) return *error;
  if (std::string mistake = mistake_of(server, snapshot_every, initial_entries); !mistake.empty()) {
    return Error{"protocol raft: " + mistake};
  }
  raft.snapshot_every = static_cast<std::uint64_t>(snapshot_every);
  server.initial_entries = static_cast<std::uint64_t>(initial_entries);
  return server;
}

}  // namespace

Result<sim::ProtocolFactory> make_raft(const Scenario& scenario, std::size_t index,
                                       const std::vector<Endpoint>& endpoints) {
  const NodeSpec& node = scenario.nodes[index];
  if (node.role != "server") return unknown_role(node, "raft", "server");
  const Result<std::vector<raft::ServerPeer>> peers = raft_peers(scenario, endpoints);
  if (!peers) return Error{peers.error()};
  Result<raft::ServerOptions> server = read_options(scenario, node, peers->size());
  if (!server) return Error{server.error()};
  server->raft.id = static_cast<raft::ServerId>(server_number(scenario, index));
  for (const raft::ServerPeer& peer : *peers) server->raft.initial.voters.push_back(peer.id);
  server->local = {kAnyAddress, node.port};
  server->peers = *peers;
  return sim::ProtocolFactory(
      [options = *server] { return std::make_unique<raft::Server>(options); });
}

}  // namespace twinbed::scenarios
