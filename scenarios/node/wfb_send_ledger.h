// What became of the frames of WFB-NG's transmitter, card by card: its lines TX_ANT.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/time.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "scenarios/wfb/statistics.h"

namespace twinbed::scenarios {

/// Bytes behind the 802.11 header of a request to an injector, which must be sound.
std::size_t wfb_injected_bytes(Bytes request);

class WfbSendLedger {
 public:
  /// A frame on a card, with so many bytes behind its 802.11 header. `wlan` is the card's number on
  /// this host, or an IPv4 address << 24 | its number there.
  void add(std::uint64_t wlan, std::size_t packet_bytes, bool is_sent, Duration latency);

  /// What each card sent in the interval, in the order of the cards.
  std::vector<TxAntennaRow> rows() const;
  /// The lines of the interval, in the order of the cards, without the newline.
  std::vector<std::string> lines(std::int64_t time_ms) const;
  /// Replaces what the protocol takes for sent by what was sent, and begins the next interval.
  void end_interval(wfb::TransmitterCounters& counters);

 private:
  struct Card {
    std::uint64_t injected = 0;
    std::uint64_t injected_bytes = 0;
    std::uint64_t dropped = 0;
    Duration least{Duration::max()};
    Duration most{};
    Duration sum{};
  };

  std::map<std::uint64_t, Card> cards_;
};

}  // namespace twinbed::scenarios
