// The checker of traffic: how much of what sources send arrives, and how long nothing does.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// Of the datagrams that were sent in a stretch of time no more than a share is lost, and there is
/// no longer pause in their arrival than allowed.
Result<std::unique_ptr<Checker>> make_traffic(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kTrafficDoc =
    "Demands that at most a share of the datagrams that a source sent never arrives, and that new "
    "ones arrive without long pauses; options: loss (0.01: the largest share), gap (0 s: the "
    "longest pause; 0 s sets no limit), from (0 s) and until (0 s: the end): the whole seconds of "
    "sending that count, source (the node's name; without it, all sources together), settle (3 s: "
    "what was sent less than this before the end may still be under way).";

}  // namespace twinbed::sim
