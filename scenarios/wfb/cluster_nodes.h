// From the configuration of a cluster to the protocols that run it: what the command lines of
// cluster_commands.h say to programs, said to objects.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/protocols/wfb/central_node.h"
#include "core/protocols/wfb/cluster_node.h"
#include "scenarios/wfb/cluster_plan.h"

namespace twinbed::scenarios {

/// What the files of a cluster do not say: keys, which stay with the central node, and the switches
/// of policy robust.
struct CentralSettings {
  wfb::KeyFile keys;
  /// By StreamConfig::keypair; streams whose key file is not among them have `keys`.
  std::map<std::string, wfb::KeyFile> keys_of_file{};
  /// In place of 127.0.0.1 where a stream's peer is there: simulated hosts have no loopback
  /// interface. Any address: it stays.
  IpAddress this_host{};
  bool session_repeat = false;
  bool refuse_replay = false;
  bool close_block = false;
  bool flush_on_session = false;
  Duration ring_timeout{};
  /// Nodes must tell the digest of their init script; of a cluster alone.
  bool init_digest = false;
  /// Streams of one way that are no telemetry and no tunnel choose n and MCS by the receiver's
  /// reports, at what they send through cards of their own host. In a cluster the nodes must have
  /// injectors for reports: NodePlan::sends_reports.
  bool is_adaptive = false;
};

/// The central node of a cluster with these profiles, in the order of plan_cluster. Of several, the
/// streams are named PROFILE_STREAM. The error is a sentence: that of plan_cluster, or a way to
/// send that no header can carry.
Result<wfb::CentralOptions> central_of_cluster(const ClusterConfig& config,
                                               const std::vector<std::string>& profiles,
                                               const CentralSettings& settings);

/// The same with `cards` cards of its own host, interface 0 and on, and without any node: a drone.
Result<wfb::CentralOptions> central_of_cards(const ClusterConfig& config,
                                             const std::string& profile, std::uint8_t cards,
                                             const CentralSettings& settings);

struct NodeSettings {
  Buffer init_digest;  ///< that the forwarders tell; empty: none
};

/// A node of a cluster.
wfb::ClusterNodeOptions cluster_node_of(const NodePlan& plan, const NodeSettings& settings);

}  // namespace twinbed::scenarios
