// Text of traces: comma-separated values with a line of column names, the rows in order of time.
//
// The first line names the columns, in any order: `time`, and at least one other one. A time
// without a unit is in seconds. Empty lines and lines that begin with '#' are passed over; there
// are no quotes.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"

namespace twinbed::scenarios {

/// The latest time of a row: 100 years.
inline constexpr Duration kLatestTraceTime = std::chrono::hours(24) * 36500;
/// The longest text of one trace.
inline constexpr std::size_t kMaxTraceBytes = std::size_t{1} << 20;

/// Takes a cell: the number of its row from 0, its column by its place in the names, its text. The
/// error goes on after the name of the column.
using TraceCell =
    std::function<std::optional<Error>(std::size_t row, std::size_t column, std::string_view text)>;

/// Hands over the cells row by row, those of the column `time` as it is read, too. `columns` are
/// the names that may occur, the first one is "time". Errors begin with the place in the text:
/// "3:7: loss '2' is not a probability, ...".
std::optional<Error> read_trace_text(std::string_view text, std::span<const std::string> columns,
                                     const TraceCell& take);

/// A time in a cell; a number without a unit counts in `unit_ns` and is rounded to nanoseconds.
Result<Duration> parse_trace_time(std::string_view text, double unit_ns, Duration longest);
/// A time of a row.
Result<Duration> parse_trace_time(std::string_view text);
/// The number of a cell that has no unit.
std::optional<double> plain_number(std::string_view text);

/// Keeps the value, or gives the error on.
template <class T>
std::optional<Error> take_value(Result<T> value, T& out) {
  if (!value) return Error{value.error()};
  out = *value;
  return std::nullopt;
}

/// The text of a trace file; the error is a sentence without the file's name.
Result<std::string> read_trace_file(const std::string& path);

}  // namespace twinbed::scenarios
