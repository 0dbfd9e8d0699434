#include "sim/checkers/traffic_ledger.h"

#include <algorithm>

#include "core/io/traffic_events.h"
#include "sim/checkers/checker.h"

namespace twinbed::sim {

double TrafficFigures::loss() const {
  if (sent == 0) return 0;
  return std::max(0.0, 1 - static_cast<double>(received) / static_cast<double>(sent));
}

void TrafficLedger::event(NodeId node, const EventType& type, std::span<const Field> fields,
                          std::optional<NodeId> source) {
  if (type.name == kTrafficSentEvent.name) {
    if (source && node != *source) return;
    seconds_[int_field(fields, "second", -1)].sent += int_field(fields, "count", 0);
  } else if (type.name == kTrafficReceivedEvent.name) {
    const auto sender = static_cast<std::uint32_t>(int_field(fields, "source", -1));
    if (source && NodeId{sender} != *source) return;
    Second& second = seconds_[int_field(fields, "second", -1)];
    const std::int64_t count = int_field(fields, "count", 0);
    second.received += count;
    second.gap_us = std::max(second.gap_us, int_field(fields, "gap_us", 0));
    second.delays_us += count * int_field(fields, "latency_us", 0);
  }
}

TrafficFigures TrafficLedger::figures(Duration from, Duration until) const {
  TrafficFigures figures;
  std::int64_t delays_us = 0;
  for (const auto& [number, second] : seconds_) {
    const Duration begin = std::chrono::seconds(number);
    if (begin < from || begin + std::chrono::seconds(1) > until) continue;
    figures.sent += second.sent;
    figures.received += second.received;
    delays_us += second.delays_us;
    // A second of which nothing came is a pause of a second by itself.
    const bool is_silent = second.sent > 0 && second.received == 0;
    const Duration gap = std::chrono::microseconds(second.gap_us);
    const Duration pause = std::max(gap, is_silent ? std::chrono::seconds(1) : Duration{});
    if (pause <= figures.pause) continue;
    figures.pause = pause;
    figures.pause_at = Time{begin};
  }
  if (figures.received > 0) {
    figures.delay = std::chrono::microseconds(delays_us / figures.received);
  }
  return figures;
}

}  // namespace twinbed::sim
