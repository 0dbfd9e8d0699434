// What the roles of protocol wfb share: those of a single stream (protocol_wfb.cc) and those of a
// cluster (protocol_wfb_cluster.cc).
#pragma once

#include <string>
#include <vector>

#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/packet.h"
#include "scenarios/files.h"
#include "scenarios/option_reader.h"
#include "scenarios/protocol_parts.h"

namespace twinbed::scenarios {

/// A node of the scenario with what its builder needs of it.
struct WfbPlace {
  const Scenario& scenario;
  std::size_t index;
  const std::vector<Endpoint>& endpoints;
  const ScenarioFiles& files;

  const NodeSpec& node() const { return scenario.nodes[index]; }
  Endpoint local() const { return {kAnyAddress, node().port}; }
  Error error(const std::string& sentence) const {
    return Error{"node " + node().name + ": " + sentence};
  }
};

/// What all programs of a link must have in common, and the switches of policy robust.
struct WfbLink {
  wfb::ChannelId channel;
  std::string password;
  bool session_repeat = false;
  bool refuse_replay = false;
  bool close_block = false;
  bool flush_on_session = false;
  Duration ring_timeout{};
  Duration log_interval{};
};

/// Of which the keys are made, where the option `password` says nothing else.
inline constexpr const char* kWfbPassword = "twinbed";

/// Of clusters. A cluster file tells the rest.
struct WfbCluster {
  std::string file;     ///< empty: the scenario has no cluster
  std::string profile;  ///< empty: drone for a vehicle, gs for all others
  bool starts_by_ssh = false;
  bool init_digest = false;
  bool is_adaptive = false;
};

/// Every option of clusters, so that the reader knows them.
WfbCluster read_wfb_cluster(OptionReader& options, const WfbPlace& place);

Result<wfb::LinkKeys> wfb_keys(const std::string& password);

bool is_wfb_cluster_role(const std::string& role);

/// A node of role central, node or vehicle.
Result<sim::ProtocolFactory> make_wfb_cluster(const WfbPlace& place, const WfbLink& link,
                                              const WfbCluster& cluster);

/// Where the node of role central or vehicle takes what is to be sent on a stream.
Result<Endpoint> wfb_stream_input(const WfbPlace& place, const WfbCluster& cluster,
                                  const std::string& node, const std::string& stream);

}  // namespace twinbed::scenarios
