// The checker of traffic: how much of what sources send arrives, and how long nothing does.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"

namespace twinbed::sim {

/// Of the datagrams that were sent in a stretch of time no more than a share is lost or late, there
/// is no longer pause in their arrival than allowed, and not more of them come again.
Result<std::unique_ptr<Checker>> make_traffic(OptionReader& options, const RunNodes& nodes);

inline constexpr std::string_view kTrafficDoc =
    "Demands that at most a share of the datagrams that a source sent never arrives, and that new "
    "ones arrive without long pauses; options: loss (0.01: the largest share), gap (0 s: the "
    "longest pause; 0 s sets no limit), deadline (0 s: what was under way for longer, by the "
    "clocks of both ends, counts as lost; whole milliseconds, 0 s sets none), duplicates (how many "
    "further copies may come of datagrams that have come; without it, any number), from (0 s) and "
    "until (0 s: the end): the whole seconds of sending that count, source (the node's name; "
    "without it, all sources together), settle (3 s: what was sent less than this before the end "
    "may still be under way).";

}  // namespace twinbed::sim
