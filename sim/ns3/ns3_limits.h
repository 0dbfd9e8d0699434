// What ns-3's own physical layer cannot do of what the table medium can. Nothing of ns-3 is needed
// to ask.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/io/radio.h"
#include "sim/medium/air_options.h"

namespace twinbed::sim {

/// What makes these options impossible with ns-3's own physical layer, in one sentence; empty:
/// nothing. They must be without other mistakes (mistake_in_air, mistake_in_card).
std::string_view mistake_in_ns3_air(const AirOptions& options);
std::string_view mistake_in_ns3_card(const CardOptions& options);
/// The same of a frame's rate on this channel, which ns-3 knows, in a few words (after
/// mistake_in_rate).
std::string_view mistake_in_ns3_rate(const TxParams& params, ChannelMhz channel);

/// The widest channel of 802.11 around 20 MHz of it, as ns-3 names it
/// (ns3::WifiPhyOperatingChannel).
struct Ns3Channel {
  std::uint8_t number = 0;
  std::uint16_t width_mhz = 0;
  std::uint8_t primary = 0;  ///< which 20 MHz of it they are, from below
};

/// That of the 20 MHz around this frequency, below 3 GHz or at 5 GHz; nothing where ns-3 knows
/// none.
std::optional<Ns3Channel> ns3_channel(ChannelMhz channel);
inline bool is_ns3_channel(ChannelMhz channel) { return ns3_channel(channel).has_value(); }

}  // namespace twinbed::sim
