// How the native programs of cloud-p2p are set up: by the original's environment and file.
//
//   CONFIG_FILE      JSON file with "peers" and "shared_dir"; if it does not exist:
//   PEERS            1=ADDRESS:PORT,2=ADDRESS:PORT,... with
//   SHARED_DIR       the directory of the images; without PEERS: 127.0.0.1, ports 7001 to 7003
//   NODE_ID          which of the peers a server is; 1 unless set
//   BIND             ADDRESS or ADDRESS:PORT where a server listens, if it is not its own among the
//                    peers: behind a NAT that forwards, say
//   ENCRYPTION_KEY   64 hexadecimal digits, the same everywhere
//
// The original never reads ENCRYPTION_KEY: it has the all-zero key compiled in. Here the key is
// required, unless the zero key is asked for in order to talk to original programs.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/peer.h"

namespace twinbed::scenarios {

/// What the command line says.
struct CloudP2pOptions {
  bool zero_key = false;            ///< speak with the original's key in place of ENCRYPTION_KEY
  std::string profile = "f988f94";  ///< version of the original: "f988f94", "67dc5ff" or "head"
};

struct CloudP2pSetup {
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

/// Where BIND says to listen; its port is 0 where it names none.
Result<std::optional<Endpoint>> read_bind(const election::Environment& environment);

/// An error unless the directory exists and a file can be created in it.
Result<std::monostate> check_image_directory(const CloudP2pSetup& setup);

/// The variables of this process.
std::optional<std::string> process_environment(std::string_view name);

}  // namespace twinbed::scenarios
