// The policy `robust` of the native programs of cloud-p2p: its settings, and how they become the
// options of the protocol.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "backends/input_log.h"
#include "core/base/result.h"
#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/node.h"
#include "scenarios/node/cloud_p2p_setup.h"

namespace twinbed::scenarios {

/// The options of the server for these peers, images in the storage's root. Errors are sentences
/// that name the setting.
Result<imagestore::NodeOptions> robust_node_options(const election::Config& config,
                                                    const RobustSettings& settings);
/// What makes the server's protocol, its options and key (64 hex digits) known to be sound.
Result<backends::ProtocolFactory> robust_factory(const election::Config& config,
                                                 const RobustSettings& settings,
                                                 const std::string& key);
Result<imagestore::ClientOptions> robust_client_options(const election::Config& config,
                                                        const RobustSettings& settings,
                                                        const std::string& user);

/// Where a server keeps its own state, below the directory of the images: ".cloud-p2p/node1/".
std::string state_prefix(election::PeerId id);

/// The settings as parameters of a recorded run, and back; secrets are not among them.
std::vector<std::pair<std::string, std::string>> robust_parameters(const RobustSettings& settings);
RobustSettings robust_settings(const std::vector<std::pair<std::string, std::string>>& parameters);

/// Writes a new secret key to a file that only its owner can read, and returns the public key as 64
/// hexadecimal digits. A file that is there already is an error.
Result<std::string> write_node_key(const std::string& path);

}  // namespace twinbed::scenarios
