// A server of cloud-p2p as a process: the inside of `twinbed-node cloud-p2p`.
#pragma once

#include <optional>
#include <string>

#include "backends/input_log.h"
#include "core/base/result.h"
#include "core/io/endpoint.h"
#include "scenarios/node/cloud_p2p_setup.h"

namespace twinbed::scenarios {

struct CloudP2pServer {
  CloudP2pSetup setup;
  std::optional<Endpoint> bind;       ///< where to listen in place of the own peer's endpoint
  backends::ProtocolFactory factory;  ///< its options are known to be sound
  std::string database;               ///< result store that records the run; empty: none
  std::optional<Endpoint> health;     ///< where health and metrics are served
};

/// Checks everything that can be checked before the start.
Result<CloudP2pServer> prepare_cloud_p2p_server(const CloudP2pOptions& options,
                                                const std::string& database,
                                                const election::Environment& environment);

/// Runs the server until SIGINT or SIGTERM, with the lines of its log on standard output, and
/// returns the exit status. An error, such as a port that is in use, is a sentence for the user.
///
/// Frames that it refuses show as lines too, at the 1st, 2nd, 4th, 8th ... of each reason, so that
/// nobody can fill the log. The database gets events, samples and the input log, which is about as
/// large as the traffic: `twinbed replay` repeats the run from it, with the key in ENCRYPTION_KEY,
/// for the key is written nowhere.
Result<int> run_cloud_p2p_server(const CloudP2pServer& server);

}  // namespace twinbed::scenarios
