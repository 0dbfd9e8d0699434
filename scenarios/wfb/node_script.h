// The script that makes a machine a node of a cluster: it sets up the cards and runs a forwarder
// and an injector for each stream. When one of them ends, the others are ended, too, and the script
// fails, so that whoever started it (systemd, procd, ssh) knows.
#pragma once

#include <string>

#include "scenarios/wfb/cluster_commands.h"

namespace twinbed::scenarios {

struct ScriptOptions {
  ClusterPolicy policy = ClusterPolicy::kRobust;
  /// Whether the script comes through ssh's standard input: then it ends when that does.
  bool is_for_ssh = false;
};

/// The script, for bash. A card that is in monitor mode already is left so, as the original leaves
/// those of its own host; the channel is set wherever iw knows the card. It depends on nothing but
/// the plan and the options, and names the plan's digest.
std::string node_script(const NodePlan& plan, const ScriptOptions& options);

}  // namespace twinbed::scenarios
