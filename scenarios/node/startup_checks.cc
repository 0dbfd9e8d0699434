#include "scenarios/node/startup_checks.h"

#include <sys/resource.h>

#include <chrono>
#include <map>

namespace twinbed::scenarios {
namespace {

/// 1 January 2020: no machine that knows the time shows an earlier one.
constexpr std::int64_t kYear2020 = 1'577'836'800;
/// Each client takes a descriptor, and each peer up to three.
constexpr std::uint64_t kEnoughDescriptors = 1024;

/// "1, 2 and 3".
std::string ids_of(const std::vector<election::Peer>& peers) {
  std::string text;
  for (std::size_t i = 0; i < peers.size(); ++i) {
    if (i > 0) text += i + 1 == peers.size() ? " and " : ", ";
    text += std::to_string(peers[i].id);
  }
  return text;
}

}  // namespace

Result<std::monostate> check_membership(const election::Config& config,
                                        const std::string& setting) {
  if (election::find_peer(config.peers, config.node_id) == nullptr) {
    return Error{"node " + std::to_string(config.node_id) + " is not among the peers of " +
                 config.source + ", which are " + ids_of(config.peers) +
                 "; set " + setting + " to the one that this machine is, or add it there"};
  }
  std::map<Endpoint, election::PeerId> seen;
  for (const election::Peer& peer : config.peers) {
    const auto [other, is_new] = seen.emplace(peer.endpoint, peer.id);
    if (is_new) continue;
    return Error{"peers " + std::to_string(other->second) + " and " + std::to_string(peer.id) +
                 " of " + config.source + " have the same address " + to_string(peer.endpoint) +
                 "; give each the address and port at which the others reach it"};
  }
  return std::monostate{};
}

Surroundings present_surroundings() {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  // Where the limit cannot be read, nothing is known against it.
  rlimit descriptors{RLIM_INFINITY, RLIM_INFINITY};
  (void)::getrlimit(RLIMIT_NOFILE, &descriptors);
  return {std::chrono::duration_cast<std::chrono::seconds>(wall).count(), descriptors.rlim_cur};
}

std::vector<std::string> startup_warnings(const Surroundings& surroundings) {
  std::vector<std::string> warnings;
  if (surroundings.unix_seconds < kYear2020) {
    warnings.push_back(
        "the clock of this machine shows a time before 2020, and so will the log; set it, for "
        "example with `timedatectl set-ntp true`");
  }
  if (surroundings.descriptors < kEnoughDescriptors) {
    warnings.push_back("no more than " + std::to_string(surroundings.descriptors) +
                       " files and connections may be open at once, so that clients will be kept "
                       "waiting; raise the limit to " +
                       std::to_string(kEnoughDescriptors) + " or more with `ulimit -n`, or "
                       "LimitNOFILE= in the unit");
  }
  return warnings;
}

}  // namespace twinbed::scenarios
