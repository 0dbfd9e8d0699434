#include "sim/checkers/traffic_checker.h"

#include <algorithm>
#include <cstdio>

#include "sim/checkers/traffic_ledger.h"

namespace twinbed::sim {
namespace {

struct Limits {
  double loss = 0.01;
  Duration gap{};
  Duration from{};
  Duration until{};
  Duration settle = TrafficLedger::kSettle;
  Duration deadline{};
  std::optional<std::int64_t> duplicates;
  std::optional<NodeId> source;
};

std::string percent(double share) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g %%", 100 * share);
  return text;
}

std::string milliseconds(Duration duration) {
  return std::to_string(to_ns(duration) / 1'000'000) + " ms";
}

class Traffic final : public Checker {
 public:
  explicit Traffic(const Limits& limits) : limits_(limits) {}

  std::string_view name() const override { return "traffic"; }

  void event(Time, NodeId node, const EventType& type, std::span<const Field> fields) override {
    ledger_.event(node, type, fields, limits_.source);
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time end) override {
    const Duration last = end - Time{} - limits_.settle;
    const TrafficFigures found = ledger_.figures(
        limits_.from, limits_.until > Duration{} ? std::min(limits_.until, last) : last,
        limits_.deadline);
    if (found.sent == 0) {
      return {VerdictKind::kUnknown, "no source sent anything in the time that counts"};
    }
    const std::string late = limits_.deadline > Duration{}
                                 ? " or came after more than " + milliseconds(limits_.deadline)
                                 : "";
    const std::string figures = percent(found.loss()) + " of " + std::to_string(found.sent) +
                                " datagrams were lost" + late + ", and the longest pause was " +
                                milliseconds(found.pause);
    constexpr double kRounding = 1e-12;
    if (found.loss() > limits_.loss + kRounding) {
      return {VerdictKind::kInvalid, figures + "; allowed are " + percent(limits_.loss)};
    }
    if (limits_.gap > Duration{} && found.pause > limits_.gap) {
      return {VerdictKind::kInvalid, figures + "; allowed are " + milliseconds(limits_.gap),
              found.pause_at};
    }
    if (limits_.duplicates && found.duplicates > *limits_.duplicates) {
      return {VerdictKind::kInvalid, figures + "; " + std::to_string(found.duplicates) +
                                         " copies came of datagrams that were there already, "
                                         "allowed are " + std::to_string(*limits_.duplicates)};
    }
    return {VerdictKind::kValid, figures};
  }

 private:
  Limits limits_;
  TrafficLedger ledger_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_traffic(OptionReader& options, const RunNodes& nodes) {
  Limits limits;
  limits.loss = options.real("loss", limits.loss, 0, 1);
  limits.gap = options.duration("gap", Duration{});
  limits.from = options.duration("from", Duration{});
  limits.until = options.duration("until", Duration{});
  limits.settle = options.duration("settle", limits.settle);
  limits.deadline = options.duration("deadline", Duration{});
  if (limits.deadline % std::chrono::milliseconds(1) != Duration{}) {
    options.refuse("the option 'deadline' of the checker 'traffic' must be whole milliseconds");
  }
  constexpr std::int64_t kAnyNumber = -1;
  const std::int64_t duplicates = options.integer("duplicates", kAnyNumber, 0);
  if (duplicates != kAnyNumber) limits.duplicates = duplicates;
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
