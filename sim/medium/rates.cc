#include "sim/medium/rates.h"

#include "sim/medium/airtime.h"

namespace twinbed::sim {
namespace {

constexpr std::size_t kCheckSequenceBytes = 4;
constexpr std::size_t kDelimiterBytes = 4;  // VHT sends every frame as an A-MPDU

}  // namespace

const FrameRate& FrameRates::of(const TxParams& params, std::size_t frame_bytes,
                                ChannelMhz channel) {
  const std::size_t place = (frame_bytes * 7 + params.mcs * 13) % kEntries;
  FrameRate& entry = entries_[place];
  if (entry.errors != nullptr && entry.frame_bytes == frame_bytes && entry.channel == channel &&
      entry.params == params) {
    return entry;
  }
  const bool is_vht = params.modulation == Modulation::kVht;
  const std::size_t psdu_bytes =
      frame_bytes + kCheckSequenceBytes + (is_vht ? kDelimiterBytes : 0);
  entry.params = params;
  entry.frame_bytes = frame_bytes;
  entry.channel = channel;
  entry.airtime = frame_airtime(params, psdu_bytes, channel);
  entry.preamble = preamble_duration(params);
  entry.data_bits = static_cast<std::uint64_t>(data_bits_per_stream(params, psdu_bytes));
  entry.errors = &tables_.of(params);
  entry.certain_mdb = entry.errors->certain_from_mdb(entry.data_bits);
  return entry;
}

}  // namespace twinbed::sim
