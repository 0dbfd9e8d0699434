// Which card transmits: the one whose antennas hear best, unless the present one is nearly as good.
//
//   eligible   heard nine tenths of what the card that heard most did, or three packets fewer
//   candidate  the eligible card with the strongest signal
//   switch     where the present card is not eligible, or the candidate is 3 dB above it
//
// A card counts with the best of its antennas, as to its signal and as to its packets.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <vector>

#include "core/protocols/wfb/antenna_stats.h"

namespace twinbed::wfb {

/// A card among those of all nodes: AntennaId::wlan().
using WlanId = std::uint64_t;

class AntennaSelection {
 public:
  static constexpr int kHysteresisDb = 3;

  /// Cards that only receive are never chosen.
  explicit AntennaSelection(std::set<WlanId> receive_only = {})
      : receive_only_(std::move(receive_only)) {}

  /// Takes what the antennas of all streams of a profile heard in an interval, and gives the card
  /// that transmits from now on; nothing before anything was heard. An interval in which nothing
  /// was heard changes nothing.
  std::optional<WlanId> choose(const std::vector<const AntennaTable*>& streams);

  std::optional<WlanId> chosen() const { return chosen_; }

 private:
  std::set<WlanId> receive_only_;
  std::optional<WlanId> chosen_;
};

}  // namespace twinbed::wfb
