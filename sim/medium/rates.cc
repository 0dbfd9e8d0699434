#include "sim/medium/rates.h"

#include "sim/medium/airtime.h"

namespace twinbed::sim {
namespace {

constexpr std::size_t kCheckSequenceBytes = 4;
constexpr std::size_t kDelimiterBytes = 4;  // VHT sends every frame as an A-MPDU

}  // namespace

const FrameRate* FrameRates::reckon(const TxParams& params, std::size_t frame_bytes,
                                    ChannelMhz channel, FrameRate& entry) {
  if (!mistake_in_rate(params).empty()) return nullptr;
  const bool is_vht = params.modulation == Modulation::kVht;
  const std::size_t psdu_bytes =
      frame_bytes + kCheckSequenceBytes + (is_vht ? kDelimiterBytes : 0);
  entry.key = key_of(params);
  entry.params = params;
  entry.params.mark = 0;
  entry.frame_bytes = frame_bytes;
  entry.channel = channel;
  entry.airtime = frame_airtime(params, psdu_bytes, channel);
  entry.preamble = preamble_duration(params);
  entry.data_bits = static_cast<std::uint64_t>(data_bits_per_stream(params, psdu_bytes));
  entry.errors = &tables_.of(params);
  entry.certain_mdb = entry.errors->certain_from_mdb(entry.data_bits);
  return &entry;
}

}  // namespace twinbed::sim
