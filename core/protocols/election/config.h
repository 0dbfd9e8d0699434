// The configuration of servers and clients: the original's file, environment variables and
// defaults.
//
// Order: the file that CONFIG_FILE names, if it exists; else PEERS with SHARED_DIR; else three
// nodes on this machine, ports 7001 to 7003. With a file SHARED_DIR is ignored, as in the original.
// NODE_ID says which of the peers this node is, 1 unless set.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/protocols/election/peer.h"

namespace twinbed::election {

struct Config {
  std::vector<Peer> peers;
  std::string shared_dir = "/shared/images";
  PeerId node_id = 1;
  std::string source;  ///< where the peers come from, for a person: "config.json", "PEERS", ...
};

/// {"peers":[{"id":1,"address":"192.168.1.100:7001"},...],"shared_dir":"..."}; unknown keys are
/// passed over. Addresses are numeric. An error is a sentence with `name`, the place, what is there
/// and what must be: 'config.json: peers[2].id is "3"; it must be ...', 'config.json:3:5: ...'.
Result<Config> parse_config_json(std::string_view text, const std::string& name = "config.json");

/// "1=192.168.1.100:7001,2=192.168.1.101:7002".
Result<std::vector<Peer>> parse_peers(std::string_view text);

/// An error unless there are peers, their ids are positive and differ, and their ports are set.
Result<std::vector<Peer>> check_peers(std::vector<Peer> peers);

/// The value of an environment variable, or nothing.
using Environment = std::function<std::optional<std::string>(std::string_view)>;
/// The text of a file, or nothing where it does not exist.
using FileReader = std::function<std::optional<std::string>(std::string_view)>;

Result<Config> resolve_config(const Environment& environment, const FileReader& read_file);

}  // namespace twinbed::election
