// The checker of discovery: who asks who leads is told in time, and the truth.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// Each question of a client is answered within a bound, and with the leader of the highest term
/// where that was one and the same all the time.
Result<std::unique_ptr<Checker>> make_discovery(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kDiscoveryDoc =
    "Demands that a client that asks who leads is told within a bound, and that it is told the "
    "leader of the highest term where exactly one node led in it from the question to the answer; "
    "options: bound (1 s), settle (5 s: a fault of the client, of that leader or of what is "
    "between them excuses a wrong answer to a question asked less than this after it), leader "
    "('leader': the recorded role).";

}  // namespace twinbed::sim
