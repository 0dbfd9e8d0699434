// The kinds of physical values.
#include <charconv>
#include <cmath>

#include "scenarios/fields_leaves.h"
#include "scenarios/fields_text.h"
#include "scenarios/suggest.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

LeafKind<double> measure_kind(const Measure& measure) {
  std::string units;
  for (const MeasureUnit& unit : measure.units) {
    units += (units.empty() ? "" : "|") + std::string(unit.name);
  }
  return text_leaf<double>(
      std::string(measure.what) + " such as " + in_quotes(measure.example),
      [&measure](std::string_view text) { return parse_measure(text, measure); },
      [&measure](double value) { return format_measure(value, measure); },
      pattern("-?" + std::string(kNumberPattern) + " ?(" + units + ")"));
}

Result<double> parse_number(std::string_view text, double most) {
  double value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code != std::errc{} || end != text.data() + text.size() || !std::isfinite(value)) {
    return Error{in_quotes(text) + " is not a number here, write for example 2.5"};
  }
  if (!(std::abs(value) <= most)) {
    return Error{in_quotes(text) + " is out of range, write at most " + format_number(most)};
  }
  return value + 0.0;
}

LeafKind<double> plain_kind(std::string what, double most) {
  return text_leaf<double>(
      std::move(what), [most](std::string_view text) { return parse_number(text, most); },
      format_number, Json{{"type", "number"}});
}

Result<std::uint32_t> parse_mhz(std::string_view text) {
  const Result<double> mhz = parse_measure(text, kFrequency);
  if (!mhz) return Error{mhz.error()};
  if (!(*mhz >= 1 && *mhz <= 65535) || *mhz != std::floor(*mhz)) {
    return Error{in_quotes(text) + " is out of range, write whole MHz from 1 to 65535"};
  }
  return static_cast<std::uint32_t>(*mhz);
}

std::string format_mhz(std::uint32_t mhz) { return std::to_string(mhz) + " MHz"; }

Json mhz_schema() { return pattern(std::string(kNumberPattern) + " ?(MHz|GHz)"); }

}  // namespace

/// IEEE 802.11-2020, annex E: 1 to 13 and 14 in the band of 2.4 GHz, 32 to 177 in that of 5 GHz.
Result<ChannelMhz> parse_channel(std::string_view text) {
  std::uint32_t number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc{} || end != text.data() + text.size()) {
    const Result<std::uint32_t> mhz = parse_mhz(text);
    if (!mhz) return Error{mhz.error()};
    return ChannelMhz{static_cast<std::uint16_t>(*mhz)};
  }
  if (number >= 1 && number <= 13) return ChannelMhz{static_cast<std::uint16_t>(2407 + 5 * number)};
  if (number == 14) return ChannelMhz{2484};
  if (number >= 32 && number <= 177) {
    return ChannelMhz{static_cast<std::uint16_t>(5000 + 5 * number)};
  }
  return Error{in_quotes(text) + " is no channel, write 1 to 14, 32 to 177, or a frequency such as "
                                 "'5825 MHz'"};
}

const Kind<double>& number_kind() {
  static const auto kind = plain_kind("a number such as 2.5", 1e9);
  return kind;
}

const Kind<double>& coordinate_kind() {
  static const auto kind = plain_kind("a number of metres such as 12.5", 1e7);
  return kind;
}

const Kind<double>& power_kind() {
  static const auto kind = measure_kind(kPower);
  return kind;
}

const Kind<double>& ratio_kind() {
  static const auto kind = measure_kind(kRatio);
  return kind;
}

const Kind<double>& gain_kind() {
  static const auto kind = measure_kind(kGain);
  return kind;
}

const Kind<double>& distance_kind() {
  static const auto kind = measure_kind(kDistance);
  return kind;
}

const Kind<double>& speed_kind() {
  static const auto kind = measure_kind(kSpeed);
  return kind;
}

const Kind<double>& angle_kind() {
  static const auto kind = measure_kind(kAngle);
  return kind;
}

const Kind<std::uint32_t>& frequency_kind() {
  static const auto kind =
      text_leaf<std::uint32_t>("a frequency such as '5825 MHz'", parse_mhz, format_mhz,
                               mhz_schema());
  return kind;
}

const Kind<ChannelMhz>& channel_kind() {
  static const auto kind = text_leaf<ChannelMhz>(
      "a channel such as 165 or '5825 MHz'", parse_channel,
      [](ChannelMhz channel) { return format_mhz(static_cast<std::uint32_t>(channel)); },
      Json{{"anyOf", Json::array({Json{{"type", "integer"}, {"minimum", 1}, {"maximum", 177}},
                                  mhz_schema()})}});
  return kind;
}

}  // namespace twinbed::scenarios
