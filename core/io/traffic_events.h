// What sources and sinks of traffic record, and checkers read.
#pragma once

#include "core/io/recorder.h"

namespace twinbed {

/// {"second", "count"}: so many datagrams were sent in this second of the run.
inline constexpr EventType kTrafficSentEvent{"traffic.sent",
                                             "datagrams that a source sent in a second"};
/// {"source", "second", "count", "duplicates", "latency_us", "latency_max_us", "gap_us",
/// "delays_ms"}: what has come of those that a source, named by its node, sent in this second:
/// different ones, further copies, mean and largest time under way, the longest time in which
/// nothing new came, and how many were under way for how long: "1:248 141:2" is 248 for up to 1 ms
/// and 2 for more than 140 and up to 141 ms.
inline constexpr EventType kTrafficReceivedEvent{"traffic.received",
                                                 "what came of the datagrams sent in a second"};
/// {"source", "second", "count"}: so many copies of datagrams that were sent in this second, and
/// had come before, came after all of the second had been recorded.
inline constexpr EventType kTrafficRepeatedEvent{"traffic.repeated",
                                                 "copies that came long after the datagrams"};

}  // namespace twinbed
