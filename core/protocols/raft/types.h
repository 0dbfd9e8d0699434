// What the servers of a Raft cluster agree on: terms, entries, configurations.
//
// Sections (§) in this folder are those of D. Ongaro, "Consensus: Bridging Theory and Practice",
// PhD dissertation, Stanford University, 2014.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/io/ids.h"

namespace twinbed::raft {

/// A server of the cluster. Of two that could lead, the one with the higher id is preferred.
using ServerId = std::uint32_t;
inline constexpr ServerId kNobody = 0;

/// Terms number the elections, from 1; 0 is before the first.
using Term = std::uint64_t;

/// Entries of the log are numbered from 1; 0 is before the first.
using Index = std::uint64_t;

enum class EntryKind : std::uint8_t {
  kCommand = 0,        ///< for the state machine
  kNoop = 1,           ///< a new leader's first entry (§6.4)
  kConfiguration = 2,  ///< the cluster's members from this entry on (§4.1)
};

struct Entry {
  Term term = 0;
  EntryKind kind = EntryKind::kCommand;
  Buffer data;

  bool operator==(const Entry&) const = default;
};

/// Who belongs to the cluster. Voters count in majorities; learners receive the log only (§4.2.1).
/// Both are sorted and have no server in common.
struct Configuration {
  std::vector<ServerId> voters;
  std::vector<ServerId> learners;

  bool is_voter(ServerId id) const;
  bool is_member(ServerId id) const;
  /// Any two majorities of the voters have a server in common.
  std::size_t majority() const { return voters.size() / 2 + 1; }

  bool operator==(const Configuration&) const = default;
};

/// As the data of an entry; `decode` gives false for bytes that are no configuration.
Buffer encode(const Configuration& configuration);
bool decode(Bytes bytes, Configuration& out);

/// Where a log ends, or where it was cut: the last entry's place, and a hash over all entries up to
/// it, by which checkers compare logs without reading them.
struct LogPosition {
  Index index = 0;
  Term term = 0;
  std::uint64_t prefix_hash = 0;

  bool operator==(const LogPosition&) const = default;
};

enum class Role : std::uint8_t { kFollower, kPreCandidate, kCandidate, kLeader };

/// "follower", "pre-candidate", "candidate", "leader".
std::string_view to_string(Role role);

}  // namespace twinbed::raft
