// The checkers of the majority: only one node can commit, and who is without a majority accepts
// nothing.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// No leader commits a new entry once one of a later term has: never can two commit at a time.
Result<std::unique_ptr<Checker>> make_one_committer(OptionReader& options, const RunNodes& nodes);

/// A server without contact to a majority stores no new item.
Result<std::unique_ptr<Checker>> make_minority_refuses(OptionReader& options,
                                                       const RunNodes& nodes);

inline constexpr std::string_view kOneCommitterDoc =
    "Demands that at most one node is able to commit at any instant: once a Raft leader of some "
    "term has committed an entry, no leader of an earlier term commits a new one; no options.";
inline constexpr std::string_view kMinorityRefusesDoc =
    "Demands that a server that has no contact to a majority of the servers, because of partitions "
    "or because they do not run, stores no new item, that is, none that it cannot have from a "
    "server that has stored it; options: tolerance (1 s: how long after the contact is lost it may "
    "still do so), role (false: whether it must also give up the leader's role by then), leader "
    "('leader': the recorded role), servers ('server': the scenario's role).";

}  // namespace twinbed::sim
