#include "sim/checkers/traffic_checker.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "core/io/traffic_events.h"

namespace twinbed::sim {
namespace {

struct Limits {
  double loss = 0.01;
  Duration gap{};
  Duration from{};
  Duration until{};
  Duration settle{};
  std::optional<NodeId> source;
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
  return text;
}

class Traffic final : public Checker {
 public:
  explicit Traffic(const Limits& limits) : limits_(limits) {}

  std::string_view name() const override { return "traffic"; }

  void event(Time, NodeId node, const EventType& type, std::span<const Field> fields) override {
    if (type.name == kTrafficSentEvent.name) {
      if (limits_.source && node != *limits_.source) return;
      seconds_[int_field(fields, "second", -1)].sent += int_field(fields, "count", 0);
    } else if (type.name == kTrafficReceivedEvent.name) {
      const auto source = static_cast<std::uint32_t>(int_field(fields, "source", -1));
      if (limits_.source && NodeId{source} != *limits_.source) return;
      Second& second = seconds_[int_field(fields, "second", -1)];
      second.received += int_field(fields, "count", 0);
      second.gap_us = std::max(second.gap_us, int_field(fields, "gap_us", 0));
    }
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time end) override {
    std::int64_t sent = 0, received = 0;
    std::int64_t gap_us = 0, gap_at = 0;
    for (const auto& [number, second] : seconds_) {
      if (!counts(number, end)) continue;
      sent += second.sent;
      received += second.received;
      // A second of which nothing came is a pause of a second by itself.
      const bool is_silent = second.sent > 0 && second.received == 0;
      const std::int64_t pause_us = std::max(second.gap_us, is_silent ? kSecondUs : 0);
      if (pause_us > gap_us) gap_at = number;
      gap_us = std::max(gap_us, pause_us);
    }
    if (sent == 0) {
      return {VerdictKind::kUnknown, "no source sent anything in the time that counts"};
    }
    const double loss =
        std::max(0.0, 1 - static_cast<double>(received) / static_cast<double>(sent));
    const std::string figures = percent(loss) + " of " + std::to_string(sent) +
                                " datagrams were lost, and the longest pause was " +
                                std::to_string(gap_us / 1000) + " ms";
    constexpr double kRounding = 1e-12;
    if (loss > limits_.loss + kRounding) {
      return {VerdictKind::kInvalid, figures + "; allowed are " + percent(limits_.loss)};
    }
    if (limits_.gap > Duration{} && gap_us > to_ns(limits_.gap) / 1000) {
      return {VerdictKind::kInvalid,
              figures + "; allowed are " + std::to_string(to_ns(limits_.gap) / 1'000'000) + " ms",
              Time{std::chrono::seconds(gap_at)}};
    }
    return {VerdictKind::kValid, figures};
  }

 private:
  static constexpr std::int64_t kSecondUs = 1'000'000;

  struct Second {
    std::int64_t sent = 0;
    std::int64_t received = 0;
    std::int64_t gap_us = 0;
  };

  bool counts(std::int64_t number, Time end) const {
    const Duration begin = std::chrono::seconds(number);
    const Duration last = end - Time{} - limits_.settle;
    const Duration until = limits_.until > Duration{} ? std::min(limits_.until, last) : last;
    return begin >= limits_.from && begin + std::chrono::seconds(1) <= until;
  }

  Limits limits_;
  std::map<std::int64_t, Second> seconds_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_traffic(OptionReader& options, const RunNodes& nodes) {
  Limits limits;
  limits.loss = options.real("loss", limits.loss, 0, 1);
  limits.gap = options.duration("gap", Duration{});
  limits.from = options.duration("from", Duration{});
  limits.until = options.duration("until", Duration{});
  limits.settle = options.duration("settle", std::chrono::seconds(3));
  const std::string source = options.text("source", "");
  if (!source.empty()) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const RunNode& node) { return node.name == source; });
    if (found == nodes.end()) {
      options.refuse("there is no node '" + source + "'");
    } else {
      limits.source = found->id;
    }
  }
  if (const auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<Traffic>(limits));
}

}  // namespace twinbed::sim
