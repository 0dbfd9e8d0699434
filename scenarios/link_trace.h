// Traces of links (sim/network/link_trace.h) as CSV text:
//
//     time, loss, delay, bandwidth
//     0,    0.1 %, 12,   8 Mbit/s
//     2.5 s, 5 %, 40 ms, 1 Mbit/s
//
// The first line names the columns, in any order: `time`, and at least one of the others. Numbers
// without a unit are seconds for `time`, milliseconds for `delay` and bit/s for `bandwidth`; a
// `loss` is a probability from 0 to 1. Rows are in the order of their times. Empty lines and lines
// that begin with '#' are passed over; there are no quotes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "sim/network/link_trace.h"

namespace twinbed::scenarios {

/// The trace in a text. Errors begin with the place in it: "3:7: loss '2' is not a probability,
/// ...".
Result<sim::LinkTrace> parse_trace(std::string_view text, std::optional<Duration> repeat);

/// The steps of a trace as text that reads back to equal ones; columns without effect are left out.
std::string format_trace(const sim::LinkTrace& trace);

}  // namespace twinbed::scenarios
