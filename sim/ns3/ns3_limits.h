// What ns-3's own physical layer cannot do of what the table medium can. Nothing of ns-3 is needed
// to ask.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/io/radio.h"
#include "sim/medium/air_options.h"

namespace twinbed::sim {

/// What makes these options impossible with ns-3's own physical layer, in one sentence; empty:
/// nothing. They must be without other mistakes (mistake_in_air, mistake_in_card).
std::string_view mistake_in_ns3_air(const AirOptions& options);
std::string_view mistake_in_ns3_card(const CardOptions& options);
/// The same of a frame's rate, in a few words (after mistake_in_rate).
std::string_view mistake_in_ns3_rate(const TxParams& params);

/// The number of the channel 20 MHz wide around this frequency, below 3 GHz or at 5 GHz; 0 where
/// ns-3 knows none (ns3::WifiPhyOperatingChannel).
std::uint8_t ns3_channel_number(ChannelMhz channel);
inline bool is_ns3_channel(ChannelMhz channel) { return ns3_channel_number(channel) != 0; }

}  // namespace twinbed::sim
