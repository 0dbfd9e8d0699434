#include "core/protocols/wfb/antenna_selection.h"

#include <algorithm>
#include <limits>
#include <map>

namespace twinbed::wfb {
namespace {

struct Card {
  std::uint64_t packets = 0;
  int signal_dbm = std::numeric_limits<int>::min();
};

/// What each antenna heard over all streams, however it was sent; then the best of each card.
std::map<WlanId, Card> cards_of(const std::vector<const AntennaTable*>& streams,
                                const std::set<WlanId>& receive_only) {
  std::map<AntennaId, AntennaStats> antennas;
  for (const AntennaTable* stream : streams) {
    for (const auto& [key, stats] : stream->rows()) {
      if (stats.count == 0 || receive_only.contains(key.antenna.wlan())) continue;
      AntennaStats& sum = antennas[key.antenna];
      sum.count += stats.count;
      sum.signal_dbm.merge(stats.signal_dbm);
    }
  }
  std::map<WlanId, Card> cards;
  for (const auto& [antenna, stats] : antennas) {
    Card& card = cards[antenna.wlan()];
    card.packets = std::max(card.packets, stats.count);
    card.signal_dbm = std::max(card.signal_dbm, stats.signal_dbm.mean());
  }
  return cards;
}

}  // namespace

std::optional<WlanId> AntennaSelection::choose(const std::vector<const AntennaTable*>& streams) {
  const std::map<WlanId, Card> cards = cards_of(streams, receive_only_);
  if (cards.empty()) return chosen_;
  std::uint64_t most = 0;
  for (const auto& [wlan, card] : cards) most = std::max(most, card.packets);
  // 10 packets x >= 10 most - max(30, most), in whole numbers.
  const auto is_eligible = [&](const Card& card) {
    return 10 * card.packets + std::max<std::uint64_t>(30, most) >= 10 * most;
  };
  const Card* best = nullptr;
  WlanId candidate = 0;
  for (const auto& [wlan, card] : cards) {
    if (!is_eligible(card) || (best != nullptr && card.signal_dbm < best->signal_dbm)) continue;
    best = &card;
    candidate = wlan;
  }
  if (chosen_) {
    const auto present = cards.find(*chosen_);
    if (present != cards.end() && is_eligible(present->second) &&
        best->signal_dbm - present->second.signal_dbm < kHysteresisDb) {
      return chosen_;
    }
  }
  chosen_ = candidate;
  return chosen_;
}

}  // namespace twinbed::wfb
