// What sources and sinks of traffic record, and checkers read.
#pragma once

#include "core/io/recorder.h"

namespace twinbed {

/// {"second", "count"}: so many datagrams were sent in this second of the run.
inline constexpr EventType kTrafficSentEvent{"traffic.sent",
                                             "datagrams that a source sent in a second"};
/// {"source", "second", "count", "duplicates", "latency_us", "latency_max_us", "gap_us"}: what has
/// come of those that a source, named by its node, sent in this second: different ones, further
/// copies, mean and largest time under way, and the longest time in which nothing new came.
inline constexpr EventType kTrafficReceivedEvent{"traffic.received",
                                                 "what came of the datagrams sent in a second"};

}  // namespace twinbed
