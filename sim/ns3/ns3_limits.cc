#include "sim/ns3/ns3_limits.h"

#include <array>

#include "sim/medium/airtime.h"

namespace twinbed::sim {
namespace {

struct Span {
  int low_mhz;
  int width_mhz;
};
/// The widest channels at 5 GHz, which do not overlap.
constexpr std::array<Span, 5> kWidest = {
    {{5170, 160}, {5490, 160}, {5650, 80}, {5735, 160}, {5895, 20}}};

bool is_below_3_ghz(ChannelMhz channel) { return static_cast<int>(channel) < 3000; }

}  // namespace

std::string_view mistake_in_ns3_air(const AirOptions& options) {
  if (options.fading.model == FadingModel::kRician) {
    return "ns-3's physical layer knows no Rician fading; use Nakagami, or the table medium";
  }
  if (options.shadowing.deviation_db > 0) {
    return "ns-3's physical layer knows no shadowing that lasts; use the table medium";
  }
  if (options.coherence > Duration{}) {
    return "ns-3 draws fading anew for each frame; leave the coherence time away, or use the table "
           "medium";
  }
  return "";
}

std::string_view mistake_in_ns3_card(const CardOptions& options) {
  if (options.antenna_gains_dbi.size() > 1) {
    return "a card of ns-3's physical layer has 1 antenna; use the table medium for several";
  }
  if (!is_ns3_channel(options.channel)) {
    return "ns-3 knows no channel 20 MHz wide at this frequency; take one of 802.11's";
  }
  return "";
}

std::string_view mistake_in_ns3_rate(const TxParams& params, ChannelMhz channel) {
  // Receivers read the rate from HT-SIG or VHT-SIG-A, in which ns-3 3.37 has no place for these.
  if (params.stbc_streams > 0) return "ns-3's medium sends without STBC";
  if (params.ldpc) return "ns-3's medium sends without LDPC";
  const bool is_vht = params.modulation == Modulation::kVht;
  if (spatial_streams(params) > 1) return "ns-3's medium sends on one spatial stream alone";
  if (is_vht && is_below_3_ghz(channel)) return "ns-3 knows VHT at 5 GHz alone";
  const std::optional<Ns3Channel> widest = ns3_channel(channel);
  if (widest && bandwidth_mhz(params.bandwidth) > widest->width_mhz) {
    return "ns-3 knows no channel so wide around the card's 20 MHz";
  }
  return "";
}

std::optional<Ns3Channel> ns3_channel(ChannelMhz channel) {
  const int mhz = static_cast<int>(channel);
  if (mhz >= 2412 && mhz <= 2472 && (mhz - 2407) % 5 == 0) {
    // The 20 MHz above are the other half, as far as there are channels.
    const int number = (mhz - 2407) / 5;
    const bool is_lower = number <= 9;
    return Ns3Channel{static_cast<std::uint8_t>(is_lower ? number + 2 : number - 2), 40,
                      static_cast<std::uint8_t>(is_lower ? 0 : 1)};
  }
  for (const auto& [low_mhz, width_mhz] : kWidest) {
    const int offset_mhz = mhz - low_mhz - 10;
    if (offset_mhz < 0 || offset_mhz >= width_mhz || offset_mhz % 20 != 0) continue;
    return Ns3Channel{static_cast<std::uint8_t>((low_mhz + width_mhz / 2 - 5000) / 5),
                      static_cast<std::uint16_t>(width_mhz),
                      static_cast<std::uint8_t>(offset_mhz / 20)};
  }
  return std::nullopt;
}

}  // namespace twinbed::sim
