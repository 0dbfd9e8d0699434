// How the native programs of cloud-p2p are set up: by the original's environment and file.
//
//   CONFIG_FILE      JSON file with "peers" and "shared_dir"; if it does not exist:
//   PEERS            1=ADDRESS:PORT,2=ADDRESS:PORT,... with
//   SHARED_DIR       the directory of the images; without PEERS: 127.0.0.1, ports 7001 to 7003
//   NODE_ID          which of the peers a server is; 1 unless set
//   BIND             ADDRESS or ADDRESS:PORT where a server listens, if it is not its own among the
//                    peers: behind a NAT that forwards, say
//   ENCRYPTION_KEY   64 hexadecimal digits, the same everywhere; if it is not set, the file
//                    encryption_key in CREDENTIALS_DIRECTORY (LoadCredential= of systemd)
//
// The original never reads ENCRYPTION_KEY: it has the all-zero key compiled in. Here the key is
// required, unless the zero key is asked for in order to talk to original programs.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "backends/input_log.h"
#include "core/base/result.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/peer.h"

namespace twinbed::scenarios {

/// Settings of the policy robust.
struct RobustSettings {
  std::string timeout = "1 s";  ///< a server waits so long, or up to twice, for its leader
  bool replicate = true;        ///< false: only the leader keeps an image
  bool shared_storage = false;  ///< all servers see one directory of images
  bool at_rest = false;         ///< images are sealed in their files
  std::string health;           ///< ADDRESS:PORT of the HTTP endpoint; empty: none
  std::string node_key;         ///< file of this program's own secret key; empty: a new one
  std::string give_up = "30 s";  ///< of a client: after so long a command has failed
  std::string known_clients;    ///< file of the public keys of clients; empty: the cluster's key
                                ///< is enough
  std::string known_servers;    ///< the same for servers
};

/// What the command line says.
struct CloudP2pOptions {
  std::string policy = "robust";  ///< or "original"
  // Of the policy original.
  bool zero_key = false;            ///< speak with the original's key in place of ENCRYPTION_KEY
  std::string profile;  ///< version of the original: "f988f94" (also if empty), "67dc5ff", "head"
  RobustSettings robust;
};

struct CloudP2pSetup {
  bool is_robust = true;
  RobustSettings robust;
  election::Config config;
  election::Profile profile = election::Profile::kF988f94;
  std::string key;  ///< 64 hexadecimal digits, not yet checked
  bool zero_key = false;
  std::string directory_setting;      ///< what names the image directory: "SHARED_DIR", ...
  std::vector<std::string> warnings;  ///< sentences for standard error
};

/// Errors are sentences with the place ("config.json:3:5: ...") and the remedy.
Result<CloudP2pSetup> read_cloud_p2p_setup(const CloudP2pOptions& options,
                                           const election::Environment& environment);

/// The cluster's key as it is given: ENCRYPTION_KEY, or the file encryption_key in
/// CREDENTIALS_DIRECTORY. Not yet checked.
Result<std::string> read_cluster_key(const election::Environment& environment);

/// The key in a file: 64 hexadecimal digits, with white space around them. Errors show nothing of
/// the file's content.
Result<std::string> read_key_file(const std::string& path);

/// Where BIND says to listen; its port is 0 where it names none.
Result<std::optional<Endpoint>> read_bind(const election::Environment& environment);

/// What makes a server's protocol under the policy original, its options known to be sound.
Result<backends::ProtocolFactory> original_factory(const election::Config& config,
                                                   election::Profile profile,
                                                   const std::string& key, bool zero_key);

/// An error unless the directory exists and a file can be created in it.
Result<std::monostate> check_image_directory(const CloudP2pSetup& setup);

/// The variables of this process.
std::optional<std::string> process_environment(std::string_view name);

}  // namespace twinbed::scenarios
