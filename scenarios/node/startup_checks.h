// What a server of cloud-p2p looks at before it starts, beside what cloud_p2p_setup.h reads.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/protocols/election/config.h"

namespace twinbed::scenarios {

/// An error unless this node is one of the peers, and each peer has an address of its own.
/// `setting` is what names the node, for a person.
Result<std::monostate> check_membership(const election::Config& config,
                                        const std::string& setting = "NODE_ID");

/// What the process has been given by its machine.
struct Surroundings {
  std::int64_t unix_seconds = 0;  ///< the wall clock
  std::uint64_t descriptors = 0;  ///< how many files and sockets it may have open
};

/// Those of this process.
Surroundings present_surroundings();

/// What will do harm later on: a sentence for each.
std::vector<std::string> startup_warnings(const Surroundings& surroundings);

}  // namespace twinbed::scenarios
