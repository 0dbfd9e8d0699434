// The checker of what clients see of the data: each id behaves like one register that is written
// once.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// The puts and gets of each id, in the order in which clients began and ended them, can be put
/// into one order that a register which is written once would have given (linearizability).
Result<std::unique_ptr<Checker>> make_linearizable(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kLinearizableDoc =
    "Demands that puts and gets of an id are linearizable as those of a register that is written "
    "once: a get finds what a client has handed over and was not refused, it finds it if it began "
    "after an acknowledgement or after another get had found it, and all find the same; a get from "
    "a server that does not lead may miss what is new; no options.";

}  // namespace twinbed::sim
