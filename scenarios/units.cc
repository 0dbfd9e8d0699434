#include "scenarios/units.h"

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

__extension__ typedef unsigned __int128 Wide;

struct Unit {
  std::string_view name;
  std::uint64_t size;  ///< in base units
};

/// A family of units: all that the error messages and the arithmetic need to know.
struct Quantity {
  std::string_view what;     ///< "a duration"
  std::string_view example;  ///< "5 ms"
  std::string_view usual;    ///< the unit to propose for a bare number: "s"
  std::string_view finest;   ///< the base unit: "1 ns"
  std::span<const Unit> units;
};

constexpr std::array<Unit, 6> kDurationUnits{{{"ns", 1},
                                              {"us", 1'000},
                                              {"ms", 1'000'000},
                                              {"s", 1'000'000'000},
                                              {"min", 60'000'000'000},
                                              {"h", 3'600'000'000'000}}};
constexpr std::array<Unit, 5> kRateUnits{{{"bit/s", 1},
                                          {"kbit/s", 1'000},
                                          {"Mbit/s", 1'000'000},
                                          {"Gbit/s", 1'000'000'000},
                                          {"Tbit/s", 1'000'000'000'000}}};
constexpr std::array<Unit, 7> kSizeUnits{{{"B", 1},
                                          {"kB", 1'000},
                                          {"KiB", 1'024},
                                          {"MB", 1'000'000},
                                          {"MiB", 1'048'576},
                                          {"GB", 1'000'000'000},
                                          {"GiB", 1'073'741'824}}};
constexpr std::array<Unit, 1> kPercentUnits{{{"%", 1}}};

constexpr Quantity kDuration{"a duration", "5 ms", "s", "1 ns", kDurationUnits};
constexpr Quantity kRate{"a rate", "10 Mbit/s", "bit/s", "1 bit/s", kRateUnits};
constexpr Quantity kSize{"a size", "64 KiB", "B", "1 B", kSizeUnits};
constexpr std::array<MeasureUnit, 1> kPpmUnits{{{"ppm"}}};
constexpr std::array<MeasureUnit, 1> kPowerUnits{{{"dBm"}}};
constexpr std::array<MeasureUnit, 1> kRatioUnits{{{"dB"}}};
constexpr std::array<MeasureUnit, 1> kGainUnits{{{"dBi"}}};
constexpr std::array<MeasureUnit, 2> kDistanceUnits{{{"m"}, {"km", 3}}};
constexpr std::array<MeasureUnit, 1> kSpeedUnits{{{"m/s"}}};
constexpr std::array<MeasureUnit, 1> kAngleUnits{{{"deg"}}};
constexpr std::array<MeasureUnit, 2> kFrequencyUnits{{{"MHz"}, {"GHz", 3}}};
constexpr Measure kPpm{"a frequency error", "20 ppm", kPpmUnits};
constexpr Quantity kProbability{"a probability", "2 %", "%", "1 %", kPercentUnits};

constexpr std::uint64_t kInt64Max = std::numeric_limits<std::int64_t>::max();

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// A decimal number and its unit, taken apart but not yet given a meaning.
struct Parts {
  bool negative = false;
  std::string_view number;    ///< without its sign
  std::string_view whole;     ///< digits before the point
  std::string_view fraction;  ///< digits after it
  std::string_view unit;
};

std::optional<Parts> split(std::string_view text) {
  Parts parts;
  if (text.starts_with('-')) {
    parts.negative = true;
    text.remove_prefix(1);
  }
  std::size_t at = 0;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at == 0) return std::nullopt;
  parts.whole = text.substr(0, at);
  if (at < text.size() && text[at] == '.') {
    const std::size_t first = ++at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at == first) return std::nullopt;
    parts.fraction = text.substr(first, at - first);
  }
  parts.number = text.substr(0, at);
  if (at + 1 < text.size() && text[at] == ' ') ++at;
  parts.unit = text.substr(at);
  return parts;
}

const Unit* find_unit(const Quantity& quantity, std::string_view name) {
  for (const Unit& unit : quantity.units) {
    if (unit.name == name) return &unit;
  }
  return nullptr;
}

Error no_quantity(std::string_view text, const Quantity& quantity) {
  return {in_quotes(text) + " is not " + std::string(quantity.what) + ", write for example " +
          in_quotes(quantity.example)};
}

Error bad_unit(std::string_view text, std::string_view unit, const Quantity& quantity,
               const std::vector<std::string>& names) {
  if (unit.empty()) {
    return {in_quotes(text) + " has no unit, write for example " +
            in_quotes(std::string(text) + " " + std::string(quantity.usual))};
  }
  if (names.size() == 1) {
    return {in_quotes(text) + " has the unknown unit " + in_quotes(unit) + ", write for example " +
            in_quotes(quantity.example)};
  }
  return {in_quotes(text) + " has the unknown unit " + in_quotes(unit) + "; the units are " +
          join_words(names, "and")};
}

Error bad_unit(std::string_view text, std::string_view unit, const Quantity& quantity) {
  std::vector<std::string> names;
  for (const Unit& known : quantity.units) names.emplace_back(known.name);
  return bad_unit(text, unit, quantity, names);
}

/// The magnitude in base units, exact or refused.
Result<std::uint64_t> to_integer(std::string_view text, const Parts& parts, const Unit& unit,
                                 const Quantity& quantity, std::uint64_t limit) {
  std::string_view whole = parts.whole;
  while (whole.size() > 1 && whole.front() == '0') whole.remove_prefix(1);
  std::string_view fraction = parts.fraction;
  while (!fraction.empty() && fraction.back() == '0') fraction.remove_suffix(1);

  // No unit has more than 13 factors of 2 and as many of 5, so no longer fraction can be exact;
  // and within these lengths nothing below leaves 128 bits.
  const std::string base(quantity.finest);
  const Error too_fine{in_quotes(text) + " is finer than " + base + ", round it to whole " +
                       base.substr(2)};
  const Error too_large{in_quotes(text) + " is too large, the limit is " + std::to_string(limit) +
                        base.substr(1)};
  if (whole.size() > 19) return too_large;
  if (fraction.size() > 15) return too_fine;
  Wide value = 0;
  for (const char c : whole) value = value * 10 + static_cast<unsigned>(c - '0');
  value *= unit.size;
  Wide part = 0;
  Wide scale = 1;
  for (const char c : fraction) {
    part = part * 10 + static_cast<unsigned>(c - '0');
    scale *= 10;
  }
  part *= unit.size;
  if (part % scale != 0) return too_fine;
  value += part / scale;
  if (value > limit) return too_large;
  return static_cast<std::uint64_t>(value);
}

struct Exact {
  bool negative = false;
  std::uint64_t magnitude = 0;
};

Result<Exact> parse_exact(std::string_view text, const Quantity& quantity, std::uint64_t limit) {
  const std::optional<Parts> parts = split(text);
  if (!parts) return no_quantity(text, quantity);
  const Unit* unit = find_unit(quantity, parts->unit);
  if (unit == nullptr) return bad_unit(text, parts->unit, quantity);
  Result<std::uint64_t> magnitude = to_integer(text, *parts, *unit, quantity, limit);
  if (!magnitude) return Error{magnitude.error()};
  return Exact{parts->negative, *magnitude};
}

/// A positive amount, or the word for "no limit", which the simulator writes as zero.
Result<std::uint64_t> parse_amount(std::string_view text, const Quantity& quantity) {
  if (text == "unlimited") return std::uint64_t{0};
  Result<Exact> exact = parse_exact(text, quantity, kInt64Max);
  if (!exact) return Error{exact.error()};
  if (exact->negative || exact->magnitude == 0) {
    return Error{in_quotes(text) + " is not above zero, write 'unlimited' for no limit"};
  }
  return exact->magnitude;
}

/// The largest unit of which the value is a whole multiple.
std::string format_whole(std::uint64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value % unit.size == 0 && unit.size > best->size) best = &unit;
  }
  return std::to_string(value / best->size) + " " + std::string(best->name);
}

/// The double nearest to the decimal number, shifted by a power of ten; nothing if it has none.
std::optional<double> to_double(const Parts& parts, int exponent) {
  const std::string text = std::string(parts.negative ? "-" : "") + std::string(parts.number) +
                           "e" + std::to_string(exponent);
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

const Measure kPower{"a power", "20 dBm", kPowerUnits};
const Measure kRatio{"a ratio of powers", "3 dB", kRatioUnits};
const Measure kGain{"the gain of an antenna", "2 dBi", kGainUnits};
const Measure kDistance{"a distance", "150 m", kDistanceUnits};
const Measure kSpeed{"a speed", "12 m/s", kSpeedUnits};
const Measure kAngle{"an angle", "45 deg", kAngleUnits};
const Measure kFrequency{"a frequency", "5825 MHz", kFrequencyUnits};

Result<Duration> parse_duration(std::string_view text) {
  Result<Exact> exact = parse_exact(text, kDuration, kInt64Max);
  if (!exact) return Error{exact.error()};
  const auto ns = static_cast<std::int64_t>(exact->magnitude);
  return Duration{exact->negative ? -ns : ns};
}

bool looks_like_duration(std::string_view text) {
  const std::optional<Parts> parts = split(text);
  return parts && find_unit(kDuration, parts->unit) != nullptr;
}

Result<sim::DurationRange> parse_duration_range(std::string_view text) {
  const std::size_t dots = text.find("..");
  if (dots == std::string_view::npos) {
    Result<Duration> both = parse_duration(text);
    if (!both) return Error{both.error()};
    return sim::DurationRange{*both, *both};
  }
  std::string_view low_text = text.substr(0, dots);
  std::string_view high_text = text.substr(dots + 2);
  while (low_text.ends_with(' ')) low_text.remove_suffix(1);
  while (high_text.starts_with(' ')) high_text.remove_prefix(1);
  Result<Duration> low = parse_duration(low_text);
  if (!low) return Error{low.error()};
  Result<Duration> high = parse_duration(high_text);
  if (!high) return Error{high.error()};
  if (*low > *high) {
    return Error{in_quotes(text) + " runs backwards, write the earlier time first"};
  }
  return sim::DurationRange{*low, *high};
}

std::string format_duration_range(const sim::DurationRange& range) {
  if (range.low == range.high) return format_duration(range.low);
  return format_duration(range.low) + " .. " + format_duration(range.high);
}

Result<std::uint64_t> parse_rate(std::string_view text) { return parse_amount(text, kRate); }

std::string format_rate(std::uint64_t bits_per_second) {
  if (bits_per_second == 0) return "unlimited";
  return format_whole(bits_per_second, kRateUnits);
}

Result<std::uint64_t> parse_size(std::string_view text) { return parse_amount(text, kSize); }

std::string format_size(std::uint64_t bytes) {
  if (bytes == 0) return "unlimited";
  return format_whole(bytes, kSizeUnits);
}

Result<double> parse_probability(std::string_view text) {
  const std::optional<Parts> parts = split(text);
  std::optional<double> value;
  if (parts && parts->unit == "%") {
    // Shifting the decimal point in the text makes "2 %" the same double as "0.02".
    value = to_double(*parts, -2);
  } else {
    double plain = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), plain);
    const bool starts_as_number =
        !text.empty() && (is_digit(text[0]) || (text.size() > 1 && text[0] == '-'));
    if (code == std::errc{} && end == text.data() + text.size() && starts_as_number) {
      value = plain;
    } else if (parts && !parts->unit.empty()) {
      return bad_unit(text, parts->unit, kProbability);
    }
  }
  if (!value) return no_quantity(text, kProbability);
  if (!(*value >= 0 && *value <= 1)) {
    return Error{in_quotes(text) + " is not a probability, write '0 %' to '100 %' or 0 to 1"};
  }
  return *value + 0.0;  // so that "-0" and "0" are one value
}

Result<double> parse_ppm(std::string_view text) { return parse_measure(text, kPpm); }

std::string format_ppm(double ppm) { return format_measure(ppm, kPpm); }

Result<double> parse_measure(std::string_view text, const Measure& measure) {
  const Quantity words{measure.what, measure.example, measure.units.front().name, "", {}};
  const std::optional<Parts> parts = split(text);
  if (!parts) return no_quantity(text, words);
  std::vector<std::string> names;
  for (const MeasureUnit& unit : measure.units) {
    names.emplace_back(unit.name);
    if (unit.name != parts->unit) continue;
    const std::optional<double> value = to_double(*parts, unit.exponent);
    if (!value) return no_quantity(text, words);
    return *value + 0.0;
  }
  return bad_unit(text, parts->unit, words, names);
}

std::string format_measure(double value, const Measure& measure) {
  std::array<char, 512> text{};  // the longest double without an exponent has 327 characters
  const auto [end, code] =
      std::to_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return std::string(text.data(), end) + " " + std::string(measure.units.front().name);
}

std::string format_number(double value) {
  std::array<char, 64> text{};
  const auto [end, code] = std::to_chars(text.data(), text.data() + text.size(), value);
  return {text.data(), end};
}

}  // namespace twinbed::scenarios
