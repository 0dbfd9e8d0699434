#include "scenarios/link_trace.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "scenarios/suggest.h"
#include "scenarios/units.h"
#include "sim/network/link_effects.h"

namespace twinbed::scenarios {
namespace {

using sim::TraceStep;

constexpr double kSecond = 1e9;
constexpr double kMillisecond = 1e6;
constexpr Duration kLatest = std::chrono::hours(24) * 36500;

enum Column : std::size_t { kTime, kLoss, kDelay, kBandwidth };
const std::array<std::string, 4> kColumns{"time", "loss", "delay", "bandwidth"};

/// A cell without the blanks around it, and the column of its first letter, from 1.
struct Cell {
  std::string_view text;
  std::size_t column = 1;
};

std::vector<Cell> split_row(std::string_view line) {
  std::vector<Cell> cells;
  for (std::size_t start = 0; start <= line.size();) {
    const std::size_t end = std::min(line.find(',', start), line.size());
    std::string_view text = line.substr(start, end - start);
    std::size_t at = start;
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) {
      text.remove_prefix(1);
      ++at;
    }
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    cells.push_back({text, at + 1});
    start = end + 1;
  }
  return cells;
}

/// The number of a cell that has no unit.
std::optional<double> plain_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc{} && end == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

/// A time in a cell; a number without a unit counts in `unit_ns` and is rounded to nanoseconds.
Result<Duration> parse_time(std::string_view text, double unit_ns, Duration longest) {
  const Error out_of_range{in_quotes(text) + " is out of range, write a time from 0 s to " +
                           format_duration(longest)};
  Duration value{};
  if (const std::optional<double> number = plain_number(text)) {
    const double value_ns = *number * unit_ns;
    if (!(std::abs(value_ns) <= static_cast<double>(to_ns(longest)))) return out_of_range;
    value = Duration{std::llround(value_ns)};
  } else {
    const Result<Duration> with_unit = parse_duration(text);
    if (!with_unit) return with_unit;
    value = *with_unit;
  }
  if (value < Duration{} || value > longest) return out_of_range;
  return value;
}

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

template <class T>
std::optional<Error> take(Result<T> value, T& out) {
  if (!value) return Error{value.error()};
  out = *value;
  return std::nullopt;
}

std::optional<Error> read_cell(std::size_t column, std::string_view text, TraceStep& step) {
  if (text.empty()) return Error{"has no value here, write one or leave the whole column out"};
  switch (column) {
    case kTime: return take(parse_time(text, kSecond, kLatest), step.at);
    case kLoss: return take(parse_probability(text), step.loss);
    case kDelay: return take(parse_time(text, kMillisecond, sim::kMaxLinkDelay), step.delay);
    default: return take(parse_bandwidth(text), step.bandwidth_bps);
  }
}

/// Reads a text line by line.
class TraceText {
 public:
  Result<std::vector<TraceStep>> read(std::string_view text) {
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      ++line_;
      if (line.ends_with('\r')) line.remove_suffix(1);
      const std::vector<Cell> cells = split_row(line);
      if (cells.front().text.starts_with('#')) continue;
      if (cells.size() == 1 && cells.front().text.empty()) continue;
      const auto problem = columns_.empty() ? read_head(cells) : read_row(cells);
      if (problem) return *problem;
    }
    if (columns_.empty()) {
      return fail({}, "there is no line with the names of the columns, begin with 'time,loss'");
    }
    if (steps_.empty()) return fail({}, "there is no row below the names of the columns, add one");
    return std::move(steps_);
  }

 private:
  Error fail(const Cell& cell, const std::string& sentence) const {
    return {std::to_string(std::max<std::size_t>(line_, 1)) + ":" + std::to_string(cell.column) +
            ": " + sentence};
  }

  std::optional<Error> read_head(const std::vector<Cell>& cells) {
    for (const Cell& cell : cells) {
      const auto known = std::find(kColumns.begin(), kColumns.end(), cell.text);
      if (known == kColumns.end()) {
        return fail(cell, "unknown column " + in_quotes(cell.text) +
                              suggestion(cell.text, kColumns, "the columns"));
      }
      const auto column = static_cast<std::size_t>(known - kColumns.begin());
      if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
        return fail(cell, "there are two columns " + in_quotes(cell.text) + ", remove one of them");
      }
      columns_.push_back(column);
    }
    if (std::find(columns_.begin(), columns_.end(), kTime) == columns_.end()) {
      return fail(cells.front(), "there is no column 'time', add it");
    }
    if (columns_.size() == 1) {
      return fail(cells.front(),
                  "there is nothing but times, add a column loss, delay or bandwidth");
    }
    return std::nullopt;
  }

  std::optional<Error> read_row(const std::vector<Cell>& cells) {
    if (cells.size() != columns_.size()) {
      return fail(cells.back(), "this row has " + std::to_string(cells.size()) +
                                    " values for " + std::to_string(columns_.size()) +
                                    " columns, write one for each");
    }
    TraceStep step;
    Cell time;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns_[i] == kTime) time = cells[i];
      if (const auto error = read_cell(columns_[i], cells[i].text, step)) {
        return fail(cells[i], kColumns[columns_[i]] + " " + error->message);
      }
    }
    if (!steps_.empty() && step.at <= steps_.back().at) {
      return fail(time, "time " + in_quotes(time.text) +
                            " is not after that of the row above, put the rows in order");
    }
    steps_.push_back(step);
    return std::nullopt;
  }

  std::size_t line_ = 0;
  std::vector<std::size_t> columns_;
  std::vector<TraceStep> steps_;
};

}  // namespace

Result<sim::LinkTrace> parse_trace(std::string_view text, std::optional<Duration> repeat) {
  if (text.size() > kMaxTraceBytes) return Error{"1:1: the trace has more than 1 MiB, the limit"};
  Result<std::vector<TraceStep>> steps = TraceText().read(text);
  if (!steps) return Error{steps.error()};
  return sim::LinkTrace(*std::move(steps), repeat);
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

Result<std::string> read_trace_file(const std::string& path) {
  std::error_code code;
  if (!std::filesystem::is_regular_file(path, code)) {
    return Error{"there is no such file, check the path, which starts at the scenario's directory"};
  }
  if (std::filesystem::file_size(path, code) > kMaxTraceBytes) {
    return Error{"the trace has more than 1 MiB, the limit"};
  }
  std::ifstream stream(path, std::ios::binary);
  if (!stream) return Error{"the file cannot be opened, check its permissions"};
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

}  // namespace twinbed::scenarios
