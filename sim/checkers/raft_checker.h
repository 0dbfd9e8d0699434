// The five promises of Raft, judged from what its servers record (core/protocols/raft/records.h).
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// Election safety, log matching, leader completeness, state-machine safety and leader append-only
/// (Ongaro 2014, figure 3.2). Logs are compared by the hash of all entries up to an index, so that
/// each row costs the same however long the logs are.
Result<std::unique_ptr<Checker>> make_raft_safety(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kRaftSafetyDoc =
    "Demands that Raft servers keep Raft's promises: one leader in a term; logs with a common "
    "entry are the same up to it; a leader holds every entry committed in former terms; all "
    "servers execute the same entries in the same order; a leader removes nothing from its log; "
    "no options.";

}  // namespace twinbed::sim
