// Traces of radio links (sim/medium/link_record.h) as CSV text:
//
//     time, signal,  loss
//     0,    -61 dBm, 0
//     2.5 s, -74.5,  5 %
//
// A signal is the mean power that the receiver of the link hears, in dBm; a loss is a probability.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/medium/link_record.h"

namespace twinbed::scenarios {

/// Errors begin with the place in the text.
Result<std::vector<sim::LinkRecordStep>> parse_radio_trace(std::string_view text);

/// Text that reads back to equal steps.
std::string format_radio_trace(const std::vector<sim::LinkRecordStep>& steps);

}  // namespace twinbed::scenarios
