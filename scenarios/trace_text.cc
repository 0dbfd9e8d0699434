#include "scenarios/trace_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "scenarios/suggest.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

constexpr double kSecond = 1e9;
constexpr std::size_t kTime = 0;

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

/// Reads a text line by line.
class TraceText {
 public:
  TraceText(std::span<const std::string> names, const TraceCell& take)
      : names_(names), take_(take) {}

  std::optional<Error> read(std::string_view text) {
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
      return fail({}, "there is no line with the names of the columns, begin with 'time," +
                          names_[1] + "'");
    }
    if (rows_ == 0) return fail({}, "there is no row below the names of the columns, add one");
    return std::nullopt;
  }

 private:
  Error fail(const Cell& cell, const std::string& sentence) const {
    return {std::to_string(std::max<std::size_t>(line_, 1)) + ":" + std::to_string(cell.column) +
            ": " + sentence};
  }

  std::optional<Error> read_head(const std::vector<Cell>& cells) {
    for (const Cell& cell : cells) {
      const auto known = std::find(names_.begin(), names_.end(), cell.text);
      if (known == names_.end()) {
        return fail(cell, "unknown column " + in_quotes(cell.text) +
                              suggestion(cell.text, names_, "the columns"));
      }
      const auto column = static_cast<std::size_t>(known - names_.begin());
      if (std::find(columns_.begin(), columns_.end(), column) != columns_.end()) {
        return fail(cell, "there are two columns " + in_quotes(cell.text) + ", remove one of them");
      }
      columns_.push_back(column);
    }
    if (std::find(columns_.begin(), columns_.end(), kTime) == columns_.end()) {
      return fail(cells.front(), "there is no column 'time', add it");
    }
    if (columns_.size() == 1) {
      const std::vector<std::string> others(names_.begin() + 1, names_.end());
      return fail(cells.front(),
                  "there is nothing but times, add a column " + join_words(others, "or"));
    }
    return std::nullopt;
  }

  std::optional<Error> read_row(const std::vector<Cell>& cells) {
    if (cells.size() != columns_.size()) {
      return fail(cells.back(), "this row has " + std::to_string(cells.size()) +
                                    " values for " + std::to_string(columns_.size()) +
                                    " columns, write one for each");
    }
    Cell time;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (columns_[i] == kTime) time = cells[i];
      if (const auto error = read_cell(columns_[i], cells[i].text)) {
        return fail(cells[i], names_[columns_[i]] + " " + error->message);
      }
    }
    if (rows_ > 0 && at_ <= last_at_) {
      return fail(time, "time " + in_quotes(time.text) +
                            " is not after that of the row above, put the rows in order");
    }
    last_at_ = at_;
    ++rows_;
    return std::nullopt;
  }

  std::optional<Error> read_cell(std::size_t column, std::string_view text) {
    if (text.empty()) return Error{"has no value here, write one or leave the whole column out"};
    if (column == kTime) {
      const Result<Duration> at = parse_trace_time(text);
      if (!at) return Error{at.error()};
      at_ = *at;
    }
    return take_(rows_, column, text);
  }

  std::span<const std::string> names_;
  const TraceCell& take_;
  std::size_t line_ = 0;
  std::vector<std::size_t> columns_;
  std::size_t rows_ = 0;
  Duration at_{};       // of the row
  Duration last_at_{};  // of the one above
};

}  // namespace

std::optional<Error> read_trace_text(std::string_view text, std::span<const std::string> columns,
                                     const TraceCell& take) {
  if (text.size() > kMaxTraceBytes) return Error{"1:1: the trace has more than 1 MiB, the limit"};
  return TraceText(columns, take).read(text);
}

std::optional<double> plain_number(std::string_view text) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc{} && end == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

Result<Duration> parse_trace_time(std::string_view text, double unit_ns, Duration longest) {
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

Result<Duration> parse_trace_time(std::string_view text) {
  return parse_trace_time(text, kSecond, kLatestTraceTime);
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
