// The checkers of leadership: who leads, and who takes whom for the leader.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// At the end of the run, once the world has been left alone for a while, every server that runs
/// has the same running node in view as the leader.
Result<std::unique_ptr<Checker>> make_agreement(OptionReader& options, const RunNodes& nodes);

/// No two nodes lead at the same instant, or in the same term.
Result<std::unique_ptr<Checker>> make_at_most_one_leader(OptionReader& options,
                                                         const RunNodes& nodes);

/// After the last fault has healed, no stretch without exactly one leader outlasts the bound.
Result<std::unique_ptr<Checker>> make_exactly_one_leader(OptionReader& options,
                                                         const RunNodes& nodes);

/// The lead passes on only where a fault of the leader or of its links to the majority explains it.
Result<std::unique_ptr<Checker>> make_stability(OptionReader& options, const RunNodes& nodes);

/// Whenever the world has been left alone for a while, the preferred server leads.
Result<std::unique_ptr<Checker>> make_preference(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kAgreementDoc =
    "Demands that at the end all servers that run view the same running node as the leader; "
    "options: settle (5 s: how long before the end the last fault must have healed), allow_none "
    "(false: whether agreeing that nobody leads will do), leader ('leader': the recorded role), "
    "servers ('server': the scenario's role).";
inline constexpr std::string_view kAtMostOneLeaderDoc =
    "Demands that no two nodes lead at once; options: scope ('instant', or 'term': in one term), "
    "tolerance (0 s: how long two may lead at once, for the scope 'instant'), leader ('leader': "
    "the recorded role).";
inline constexpr std::string_view kExactlyOneLeaderDoc =
    "Demands that after the last fault has healed no time without exactly one leader is longer "
    "than a bound; options: bound (5 s), leader ('leader': the recorded role).";
inline constexpr std::string_view kPreferenceDoc =
    "Demands that the server with the highest number leads, and nobody beside it, whenever all "
    "servers have been running and no fault has begun, ended or lasted for a while, from then "
    "until the next fault; options: settle (12 s: that while), leader ('leader': the recorded "
    "role), servers ('server': the scenario's role).";
inline constexpr std::string_view kStabilityDoc =
    "Demands that the lead does not pass on without a fault of the leader or of its links to the "
    "majority; options: settle (10 s: for how long a fault that is over still explains a change), "
    "max_changes (0), leader ('leader': the recorded role), servers ('server': the scenario's "
    "role).";

}  // namespace twinbed::sim
