#include "scenarios/link_trace.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "scenarios/suggest.h"
#include "scenarios/trace_text.h"
#include "scenarios/units.h"
#include "sim/network/link_effects.h"

namespace twinbed::scenarios {
namespace {

using sim::TraceStep;

constexpr double kMillisecond = 1e6;

enum Column : std::size_t { kTime, kLoss, kDelay, kBandwidth };
const std::array<std::string, 4> kColumns{"time", "loss", "delay", "bandwidth"};

Result<std::uint64_t> parse_bandwidth(std::string_view text) {
  constexpr auto kMost = static_cast<double>(sim::kMaxBandwidthBps);
  const Error out_of_range{in_quotes(text) +
                           " is out of range, write a rate from 1 bit/s to 1000 Tbit/s, or "
                           "'unlimited'"};
  if (const std::optional<double> number = plain_number(text)) {
    if (!(*number >= 1 && *number <= kMost)) return out_of_range;
    return static_cast<std::uint64_t>(std::llround(*number));
  }
  Result<std::uint64_t> value = parse_rate(text);
  if (value && *value > sim::kMaxBandwidthBps) return out_of_range;
  return value;
}

std::optional<Error> read_cell(std::size_t column, std::string_view text, TraceStep& step) {
  switch (column) {
    case kTime: return take_value(parse_trace_time(text), step.at);
    case kLoss: return take_value(parse_probability(text), step.loss);
    case kDelay:
      return take_value(parse_trace_time(text, kMillisecond, sim::kMaxLinkDelay), step.delay);
    default: return take_value(parse_bandwidth(text), step.bandwidth_bps);
  }
}

}  // namespace

Result<sim::LinkTrace> parse_trace(std::string_view text, std::optional<Duration> repeat) {
  std::vector<TraceStep> steps;
  const auto error = read_trace_text(
      text, kColumns, [&](std::size_t row, std::size_t column, std::string_view cell) {
        if (row == steps.size()) steps.emplace_back();
        return read_cell(column, cell, steps[row]);
      });
  if (error) return *error;
  return sim::LinkTrace(std::move(steps), repeat);
}

std::string format_trace(const sim::LinkTrace& trace) {
  const std::vector<TraceStep>& steps = trace.steps();
  const auto some = [&](auto has) { return std::any_of(steps.begin(), steps.end(), has); };
  const bool delay = some([](const TraceStep& step) { return step.delay != Duration{}; });
  const bool bandwidth = some([](const TraceStep& step) { return step.bandwidth_bps != 0; });
  const bool loss =
      some([](const TraceStep& step) { return step.loss != 0; }) || (!delay && !bandwidth);
  std::string text = "time";
  if (loss) text += ",loss";
  if (delay) text += ",delay";
  if (bandwidth) text += ",bandwidth";
  text += "\n";
  for (const TraceStep& step : steps) {
    text += format_duration(step.at);
    if (loss) text += "," + format_number(step.loss);
    if (delay) text += "," + format_duration(step.delay);
    if (bandwidth) text += "," + format_rate(step.bandwidth_bps);
    text += "\n";
  }
  return text;
}

}  // namespace twinbed::scenarios
