// One side of a WFB-NG link as a process: the inside of `twinbed-node wfb-server`.
//
//   cluster file ──► streams' ends ── CentralNode ──┬── UDP ── nodes of a cluster
//                       │                  │        └── or cards of this host
//     UDP, local sockets, tunnels     statistics, log
//
// Of mode ssh the nodes are started here, and end with this process, as it ends with the first of
// them. Of mode manual they come and go alone.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/node/wfb_policy.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

/// What the command line says, by the names of WFB-NG's options.
struct WfbServerOptions {
  std::vector<std::string> files;             ///< --config; later ones over earlier ones
  std::vector<std::string> profiles{"gs"};    ///< --profiles
  std::string cluster;                        ///< --cluster: ssh or manual; empty: no cluster
  std::vector<std::string> wlans;             ///< --wlans: without a cluster, in monitor mode
  std::string gen_init;                       ///< --gen-init: the node whose script is printed
  WfbPolicy policy;
};

/// WFB-NG's places of the configuration where none is named: WIFIBROADCAST_CFG, or
/// /etc/wifibroadcast.cfg.
std::string default_wfb_config_file();

/// Prints the script of the node that --gen-init names.
Result<std::monostate> print_wfb_node_script(const WfbServerOptions& options,
                                             const ClusterConfig& config);

/// Checks what no option tells alone.
Result<std::monostate> check_wfb_server(const WfbServerOptions& options,
                                        const ClusterConfig& config);

/// Runs until SIGINT or SIGTERM (0), or until a node that ssh has started ends (1): the exit
/// status.
Result<int> run_wfb_server(const WfbServerOptions& options, const ClusterConfig& config);

}  // namespace twinbed::scenarios
