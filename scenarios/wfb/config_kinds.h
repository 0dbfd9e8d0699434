// The sections of WFB-NG's configuration as kinds: every key is stated in config_kinds.cc, once.
//
// Files of WFB-NG and YAML are read by the same kinds. A text that looks like a number is no number
// here and a number no text, since Python tells them apart.
#pragma once

#include <string>
#include <vector>

#include "scenarios/fields_record.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// What the section [cluster] says of all nodes; each node has its own copy after the merge.
struct ClusterDefaults {
  std::uint32_t base_port_server = 10000;
  std::uint32_t base_port_node = 11000;
  std::optional<IpAddress> server_address;
  std::optional<std::string> ssh_user = "root";
  std::optional<std::uint32_t> ssh_port = 22;
  std::optional<std::string> ssh_key;
  std::optional<std::string> custom_init_script;
  std::vector<ClusterNode> nodes;
};

const RecordKind<PathConfig>& wfb_path_kind();
const RecordKind<CommonConfig>& wfb_common_kind();
const RecordKind<ClusterDefaults>& wfb_cluster_kind();
const RecordKind<ProfileConfig>& wfb_profile_kind();
const RecordKind<StreamConfig>& wfb_stream_kind();

/// The names of keys that a stream may have, beside those that only streams have: what a low-level
/// profile may hold.
const std::vector<std::string>& wfb_stream_keys();

/// "listen://0.0.0.0:5602", "connect://...", "listen_unix://@name", "connect_unix://@name",
/// "serial:ttyUSB0:115200".
Result<Peer> parse_peer(std::string_view text);
std::string to_string(const Peer& peer);

}  // namespace twinbed::scenarios
