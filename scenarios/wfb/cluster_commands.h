// The command lines of a cluster: what the central node runs, and what each node runs for it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "scenarios/wfb/cluster_plan.h"

namespace twinbed::scenarios {

/// Words of a command line, the program first; no shell reads them.
using CommandLine = std::vector<std::string>;

/// Which repairs are on: `original` does what the original does.
enum class ClusterPolicy : std::uint8_t { kOriginal, kRobust };

/// The program that the command lines start; it must be where the shell or the supervisor looks.
inline constexpr const char* kNodeProgram = "twinbed-node";

/// Receives a stream from the forwarders: `wfb-rx -a PORT ...`; only for streams that receive.
/// Services of two ways hand their payloads to the abstract unix socket NAME-rx-TAG, where `tag` is
/// the caller's, 8 hexadecimal digits in the original.
CommandLine aggregator_command(const ClusterConfig& config, const StreamPlan& plan,
                               const std::string& tag);

/// Sends a stream to the injectors: `wfb-tx -d ... ADDRESS:PORT,PORT ...`; only for streams that
/// send. Services of two ways take their payloads from NAME-tx-TAG.
CommandLine distributor_command(const ClusterConfig& config, const StreamPlan& plan,
                                const std::string& tag);

/// On a node: `wfb-rx -f ...`; nothing for streams that do not receive. Under `robust` it bears the
/// digest of the plan.
std::optional<CommandLine> forwarder_command(const NodePlan& plan, const NodePlan::Stream& stream,
                                             ClusterPolicy policy);
/// On a node: `wfb-tx -I ...`; nothing for streams that do not send.
std::optional<CommandLine> injector_command(const NodePlan& plan, const NodePlan::Stream& stream);

/// Starts a shell on the node, which reads the script of node_script from its standard input. The
/// original never tells ssh the port; nothing where ssh_user or ssh_port is None: such a node is
/// started by hand.
std::optional<CommandLine> ssh_command(const ClusterNode& node, ClusterPolicy policy);

/// The command line for a shell of POSIX, each word quoted where it must be.
std::string shell_text(const CommandLine& command);

}  // namespace twinbed::scenarios
