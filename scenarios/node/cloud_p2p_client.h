// The interactive client of cloud-p2p as a process: the inside of `twinbed-node cloud-p2p-client`.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backends/input_log.h"
#include "core/base/result.h"
#include "core/io/command_client.h"
#include "core/io/endpoint.h"
#include "scenarios/node/cloud_p2p_setup.h"

namespace twinbed::scenarios {

struct CloudP2pClient {
  CloudP2pSetup setup;
  std::optional<Endpoint> listen;  ///< where replies arrive; none: the original's or a free port
  std::string user;                ///< goes into each request
  /// What makes the protocol object for a client that listens there; its options are sound.
  std::function<std::function<std::unique_ptr<CommandClient>()>(const Endpoint& listen)> make;
};

/// Checks everything that can be checked before the start. `listen` is ADDRESS:PORT or empty.
Result<CloudP2pClient> prepare_cloud_p2p_client(const CloudP2pOptions& options,
                                                const std::string& listen,
                                                const election::Environment& environment);

/// Takes commands from standard input until `quit`, its end or SIGTERM, and prints the protocol's
/// lines (core/protocols/election/client.h). A command is waited for before the next one is read;
/// at a terminal SIGINT gives up waiting. The exit status is 0, or 1 if the commands came from a
/// pipe and one of them failed.
///
/// The first discover is shown like one that the user asked for; a pipe's commands wait for it.
Result<int> run_cloud_p2p_client(const CloudP2pClient& client);

}  // namespace twinbed::scenarios
