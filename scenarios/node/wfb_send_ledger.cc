#include "scenarios/node/wfb_send_ledger.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cinttypes>
#include <cstdio>

#include "core/wire/ieee80211.h"
#include "core/wire/radiotap.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMarkBytes = 4;  // before the radiotap header of a request to an injector
/// A transmitter does not know through which antennas of a card a frame goes.
constexpr std::uint64_t kAnyAntenna = 0xff;

std::uint64_t microseconds_of(Duration duration) {
  const auto whole = std::chrono::duration_cast<std::chrono::microseconds>(duration);
  return static_cast<std::uint64_t>(whole.count());
}

}  // namespace

std::size_t wfb_injected_bytes(Bytes request) {
  const auto header = read_radiotap_tx(request.subspan(kMarkBytes));
  return request.size() - kMarkBytes - header->header_bytes - MacHeader::kBytes;
}

void WfbSendLedger::add(std::uint64_t wlan, std::size_t packet_bytes, bool is_sent,
                        Duration latency) {
  Card& card = cards_[wlan];
  ++(is_sent ? card.injected : card.dropped);
  if (is_sent) card.injected_bytes += packet_bytes;
  card.least = std::min(card.least, latency);
  card.most = std::max(card.most, latency);
  card.sum += latency;
}

std::vector<TxAntennaRow> WfbSendLedger::rows() const {
  std::vector<TxAntennaRow> rows;
  for (const auto& [wlan, card] : cards_) {
    const auto count = static_cast<std::int64_t>(card.injected + card.dropped);
    rows.push_back({wlan << 8 | kAnyAntenna, card.injected, card.dropped,
                    microseconds_of(card.least), microseconds_of(card.sum / count),
                    microseconds_of(card.most)});
  }
  return rows;
}

std::vector<std::string> WfbSendLedger::lines(std::int64_t time_ms) const {
  std::vector<std::string> lines;
  for (const TxAntennaRow& row : rows()) {
    std::array<char, 200> line{};
    std::snprintf(line.data(), line.size(),
                  "%" PRId64 "\tTX_ANT\t%" PRIx64 "\t%" PRIu64 ":%" PRIu64 ":%" PRIu64 ":%" PRIu64
                  ":%" PRIu64,
                  time_ms, row.antenna, row.injected, row.dropped, row.latency_min_us,
                  row.latency_avg_us, row.latency_max_us);
    lines.emplace_back(line.data());
  }
  return lines;
}

void WfbSendLedger::end_interval(wfb::TransmitterCounters& counters) {
  counters.injected = counters.injected_bytes = counters.dropped = 0;
  for (const auto& [wlan, card] : cards_) {
    counters.injected += card.injected;
    counters.injected_bytes += card.injected_bytes;
    counters.dropped += card.dropped;
  }
  cards_.clear();
}

}  // namespace twinbed::scenarios
