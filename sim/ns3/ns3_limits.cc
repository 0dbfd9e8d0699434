#include "sim/ns3/ns3_limits.h"

namespace twinbed::sim {

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

std::string_view mistake_in_ns3_rate(const TxParams& params) {
  if (params.modulation != Modulation::kHt) return "ns-3's medium sends HT alone";
  if (params.bandwidth != Bandwidth::k20Mhz) return "ns-3's medium sends 20 MHz wide alone";
  if (params.mcs > 7) return "ns-3's medium sends on one spatial stream alone: MCS 0 to 7";
  if (params.stbc_streams > 0) return "ns-3's medium sends without STBC";
  // The receiver of ns-3 3.37 reads the rate from HT-SIG, in which it has no place for LDPC.
  return params.ldpc ? "ns-3's medium sends without LDPC" : "";
}

std::uint8_t ns3_channel_number(ChannelMhz channel) {
  const int mhz = static_cast<int>(channel);
  const auto is_one_of = [mhz](int first, int last, int step) {
    return mhz >= first && mhz <= last && (mhz - first) % step == 0;
  };
  if (is_one_of(2412, 2472, 5)) return static_cast<std::uint8_t>((mhz - 2407) / 5);
  if (is_one_of(5180, 5320, 20) || is_one_of(5500, 5720, 20) || is_one_of(5745, 5905, 20)) {
    return static_cast<std::uint8_t>((mhz - 5000) / 5);
  }
  return 0;
}

}  // namespace twinbed::sim
