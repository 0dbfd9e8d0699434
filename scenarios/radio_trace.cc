#include "scenarios/radio_trace.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "scenarios/suggest.h"
#include "scenarios/trace_text.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

enum Column : std::size_t { kTime, kSignal, kLoss };
const std::array<std::string, 3> kColumns{"time", "signal", "loss"};

constexpr double kMostDbm = 200;

std::optional<Error> read_signal(std::string_view text, sim::LinkRecordStep& step) {
  double dbm = 0;
  if (const std::optional<double> number = plain_number(text)) {
    dbm = *number;
  } else if (const auto error = take_value(parse_measure(text, kPower), dbm)) {
    return error;
  }
  if (!(std::abs(dbm) <= kMostDbm)) {
    return Error{in_quotes(text) + " is out of range, write a power from -200 dBm to 200 dBm"};
  }
  step.signal_mdb = static_cast<int>(std::lround(dbm * 1000));
  return std::nullopt;
}

std::optional<Error> read_cell(std::size_t column, std::string_view text,
                               sim::LinkRecordStep& step) {
  switch (column) {
    case kTime: {
      Duration at{};
      const auto error = take_value(parse_trace_time(text), at);
      step.at = Time{at};
      return error;
    }
    case kSignal: return read_signal(text, step);
    default: return take_value(parse_probability(text), step.loss);
  }
}

}  // namespace

Result<std::vector<sim::LinkRecordStep>> parse_radio_trace(std::string_view text) {
  std::vector<sim::LinkRecordStep> steps;
  const auto error = read_trace_text(
      text, kColumns, [&](std::size_t row, std::size_t column, std::string_view cell) {
        if (row == steps.size()) steps.emplace_back();
        return read_cell(column, cell, steps[row]);
      });
  if (error) return *error;
  return steps;
}

std::string format_radio_trace(const std::vector<sim::LinkRecordStep>& steps) {
  const auto some = [&](auto has) { return std::any_of(steps.begin(), steps.end(), has); };
  const bool signal = some([](const auto& step) { return step.signal_mdb.has_value(); });
  const bool loss = some([](const auto& step) { return step.loss != 0; }) || !signal;
  std::string text = std::string("time") + (signal ? ",signal" : "") + (loss ? ",loss" : "");
  for (const sim::LinkRecordStep& step : steps) {
    text += "\n" + format_duration(step.at - Time{});
    if (signal) text += "," + format_number(step.signal_mdb.value_or(0) / 1000.0);
    if (loss) text += "," + format_number(step.loss);
  }
  return text + "\n";
}

}  // namespace twinbed::scenarios
