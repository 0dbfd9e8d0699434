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
  TxParams params;
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

  /// Valid until the next call; the parameters must be without mistake (mistake_in_rate).
  const FrameRate& of(const TxParams& params, std::size_t frame_bytes, ChannelMhz channel);

 private:
  static constexpr std::size_t kEntries = 64;

  PerTables tables_;
  std::array<FrameRate, kEntries> entries_;
};

}  // namespace twinbed::sim
