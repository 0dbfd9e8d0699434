#include "sim/checkers/traffic_ledger.h"

#include <algorithm>
#include <charconv>

#include "core/io/traffic_events.h"
#include "sim/checkers/checker.h"

namespace twinbed::sim {
namespace {

/// "1:248 141:2", as sinks record it.
void add_delays(std::string_view text, std::map<std::int64_t, std::int64_t>& delays) {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t ms = 0, count = 0;
    const auto [colon, bad_ms] = std::from_chars(at, end, ms);
    if (bad_ms != std::errc{} || colon == end || *colon != ':') return;
    const auto [space, bad_count] = std::from_chars(colon + 1, end, count);
    if (bad_count != std::errc{}) return;
    delays[ms] += count;
    at = space == end ? end : space + 1;
  }
}

}  // namespace

double TrafficFigures::loss() const {
  if (sent == 0) return 0;
  const auto in_time = static_cast<double>(received - late);
  return std::max(0.0, 1 - in_time / static_cast<double>(sent));
}

void TrafficLedger::event(NodeId node, const EventType& type, std::span<const Field> fields,
                          std::optional<NodeId> source) {
  if (type.name == kTrafficSentEvent.name) {
    if (source && node != *source) return;
    seconds_[int_field(fields, "second", -1)].sent += int_field(fields, "count", 0);
    return;
  }
  const bool is_received = type.name == kTrafficReceivedEvent.name;
  if (is_received || type.name == kTrafficRepeatedEvent.name) {
    const auto sender = static_cast<std::uint32_t>(int_field(fields, "source", -1));
    if (source && NodeId{sender} != *source) return;
    Second& second = seconds_[int_field(fields, "second", -1)];
    const std::int64_t count = int_field(fields, "count", 0);
    second.duplicates += is_received ? int_field(fields, "duplicates", 0) : count;
    if (!is_received) return;
    second.received += count;
    second.gap_us = std::max(second.gap_us, int_field(fields, "gap_us", 0));
    second.delays_us += count * int_field(fields, "latency_us", 0);
    add_delays(text_field(fields, "delays_ms"), second.delays_ms);
  }
}

TrafficFigures TrafficLedger::figures(Duration from, Duration until, Duration deadline) const {
  TrafficFigures figures;
  const std::int64_t deadline_ms = to_ns(deadline) / 1'000'000;
  std::int64_t delays_us = 0;
  for (const auto& [number, second] : seconds_) {
    const Duration begin = std::chrono::seconds(number);
    if (begin < from || begin + std::chrono::seconds(1) > until) continue;
    figures.sent += second.sent;
    figures.received += second.received;
    figures.duplicates += second.duplicates;
    delays_us += second.delays_us;
    for (const auto& [ms, count] : second.delays_ms) {
      if (deadline > Duration{} && ms > deadline_ms) figures.late += count;
    }
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
