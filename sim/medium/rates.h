// All that follows from a frame's rate and length, reckoned once for each pair.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/base/time.h"
#include "core/io/radio.h"
#include "sim/medium/per_table.h"

namespace twinbed::sim {

struct FrameRate {
  std::uint64_t key = 0;        ///< of the parameters (FrameRates::key_of)
  TxParams params;              ///< without mark, which stays in the host
  std::size_t frame_bytes = 0;  ///< without the check sequence
  ChannelMhz channel{};
  Duration airtime{};
  Duration preamble{};          ///< to the begin of the data
  std::uint64_t data_bits = 0;  ///< of each spatial stream
  int certain_mdb = 0;  ///< from this signal-to-noise ratio on it arrives for certain
  const PerTable* errors = nullptr;  ///< null in an entry that holds nothing
};

/// Remembers the rates that were used lately.
class FrameRates {
 public:
  explicit FrameRates(ErrorRateModel model) : tables_(model) {}

  /// Valid until the next call; null where no card can send so (mistake_in_rate).
  const FrameRate* find(const TxParams& params, std::size_t frame_bytes, ChannelMhz channel) {
    const std::uint64_t key = key_of(params);
    FrameRate& entry = entries_[(frame_bytes * 7 + params.mcs * 13) % kEntries];
    if (entry.key == key && entry.frame_bytes == frame_bytes && entry.channel == channel &&
        entry.errors != nullptr) {
      return &entry;
    }
    return reckon(params, frame_bytes, channel, entry);
  }

 private:
  static constexpr std::size_t kEntries = 64;

  /// One word is compared faster than seven fields.
  static std::uint64_t key_of(const TxParams& params) {
    return static_cast<std::uint64_t>(params.modulation) | std::uint64_t{params.mcs} << 8 |
           std::uint64_t{params.spatial_streams} << 16 | std::uint64_t{params.stbc_streams} << 24 |
           static_cast<std::uint64_t>(params.bandwidth) << 32 |
           std::uint64_t{params.short_guard_interval} << 40 | std::uint64_t{params.ldpc} << 48;
  }
  const FrameRate* reckon(const TxParams& params, std::size_t frame_bytes, ChannelMhz channel,
                          FrameRate& entry);

  PerTables tables_;
  std::array<FrameRate, kEntries> entries_;
};

}  // namespace twinbed::sim
