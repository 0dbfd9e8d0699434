#include "scenarios/fields_leaves.h"

#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>

#include "scenarios/fields_text.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

Result<std::string> parse_text(std::string_view text) {
  if (text.empty()) return Error{"'' is empty, write some text"};
  return std::string(text);
}

Result<std::string> parse_name(std::string_view text) {
  bool good = !text.empty() && text.size() <= 64 && is_letter(text[0]);
  for (const char c : text) good = good && (is_letter(c) || is_digit(c) || c == '-' || c == '_');
  if (good) return std::string(text);
  return Error{in_quotes(text) +
               " is not a name, write a letter and then letters, digits, '-' or '_', 64 at most"};
}

/// Sums of two or three durations must fit into 64 bits of nanoseconds, which is 292 years.
constexpr Duration kLongest = std::chrono::hours(24) * 36500;

Error too_long(std::string_view text) {
  return {in_quotes(text) + " is more than 100 years, write a shorter time"};
}

Result<Duration> parse_signed_duration(std::string_view text) {
  Result<Duration> value = parse_duration(text);
  if (value && (*value > kLongest || *value < -kLongest)) return too_long(text);
  return value;
}

Result<Duration> parse_nonnegative_duration(std::string_view text) {
  Result<Duration> value = parse_signed_duration(text);
  if (value && *value < Duration{}) {
    return Error{in_quotes(text) + " is negative, write a time that is not"};
  }
  return value;
}

Result<Duration> parse_positive_duration(std::string_view text) {
  Result<Duration> value = parse_nonnegative_duration(text);
  if (value && *value == Duration{}) {
    return Error{in_quotes(text) + " is no time at all, write a longer one"};
  }
  return value;
}

Result<sim::DurationRange> parse_range(std::string_view text) {
  Result<sim::DurationRange> value = parse_duration_range(text);
  if (value && value->low < Duration{}) {
    return Error{in_quotes(text) + " is negative, write a time from the start of the run"};
  }
  if (value && value->high > kLongest) return too_long(text);
  return value;
}

/// As much as a file that is copied may have.
constexpr std::uint64_t kMaxFileBytes = std::uint64_t{256} << 20;

Result<std::uint64_t> parse_file_size(std::string_view text) {
  // Sizes elsewhere are limits, with 'unlimited' in place of zero; a file has neither.
  const bool is_zero = text.starts_with('0') && text.find_first_of("123456789") == text.npos;
  Result<std::uint64_t> value = parse_size(text);
  if (is_zero || (value && (*value == 0 || *value > kMaxFileBytes))) {
    return Error{in_quotes(text) + " is no size for a file, write '1 B' to '256 MiB'"};
  }
  return value;
}

Result<double> parse_drift(std::string_view text) {
  Result<double> value = parse_ppm(text);
  if (value && !(std::abs(*value) <= 500'000)) {
    return Error{in_quotes(text) + " is beyond all clocks, write at most 500000 ppm"};
  }
  return value;
}

Result<bool> parse_bool(std::string_view text) {
  if (text == "true") return true;
  if (text == "false") return false;
  return Error{in_quotes(text) + " is not a truth value, write true or false"};
}

Result<std::uint32_t> parse_whole(std::string_view text, std::uint32_t least, std::uint32_t most) {
  const std::string limits =
      "write a whole number from " + std::to_string(least) + " to " + std::to_string(most);
  std::uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [last, code] = std::from_chars(text.data(), end, value);
  if (last != end || text.empty()) {
    return Error{in_quotes(text) + " is not a whole number here, " + limits};
  }
  if (code != std::errc{} || value < least || value > most) {
    return Error{in_quotes(text) + " is out of range, " + limits};
  }
  return static_cast<std::uint32_t>(value);
}

/// "7", "-7": what JSON calls an integer.
bool has_integer_form(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return false;
  for (const char c : text) {
    if (!is_digit(c)) return false;
  }
  return true;
}

/// "0.5", "1e-3", "-2.", but neither "inf" nor "nan" nor ".5".
bool has_number_form(std::string_view text) {
  if (text.starts_with('-')) text.remove_prefix(1);
  if (text.empty() || !is_digit(text[0])) return false;
  if (text.size() > 1 && text[0] == '0' && is_digit(text[1])) return false;
  double value = 0;
  return std::from_chars(text.data(), text.data() + text.size(), value).ptr ==
         text.data() + text.size();
}

template <class Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

/// The value of an option by its form, as scenarios/load.h says.
Result<OptionValue> parse_option(const YamlNode& node) {
  const std::string& text = node.text;
  if (node.style != ScalarStyle::kText && looks_like_duration(text)) {
    Result<Duration> value = parse_duration(text);
    if (!value) return Error{value.error()};
    return OptionValue{*value};
  }
  if (node.style != ScalarStyle::kPlain) return OptionValue{text};
  if (text == "true" || text == "false") return OptionValue{text == "true"};
  if (has_integer_form(text)) {
    std::int64_t value = 0;
    if (read_number(text, value)) return OptionValue{value};
  } else if (has_number_form(text)) {
    double value = 0;
    if (read_number(text, value)) return OptionValue{value};
  } else {
    return OptionValue{text};
  }
  return Error{in_quotes(text) + " is a number out of range, put it in quotes if it is text"};
}

std::string format_real(double value) {
  std::string text = format_number(value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

YamlNode write_option(const OptionValue& option) {
  if (const auto* flag = std::get_if<bool>(&option)) return scalar_node(*flag ? "true" : "false");
  if (const auto* whole = std::get_if<std::int64_t>(&option)) {
    return scalar_node(std::to_string(*whole));
  }
  if (const auto* real = std::get_if<double>(&option)) return scalar_node(format_real(*real));
  if (const auto* time = std::get_if<Duration>(&option)) {
    return scalar_node(format_duration(*time));
  }
  const std::string& text = std::get<std::string>(option);
  if (looks_like_duration(text)) return scalar_node(text, ScalarStyle::kText);
  const bool other =
      text == "true" || text == "false" || has_integer_form(text) || has_number_form(text);
  return scalar_node(text, other ? ScalarStyle::kQuoted : ScalarStyle::kPlain);
}

}  // namespace

std::string Reader::resolve(const std::string& file) const {
  return (std::filesystem::path(directory_) / file).string();  // an absolute name stays as it is
}

std::string Reader::subject() const {
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    if (!is_digit(part->front())) return *part;
  }
  return "the document";
}

std::string Reader::path() const {
  std::string path;
  for (const std::string& part : parts_) path += (path.empty() ? "" : ".") + part;
  return path;
}

bool fail_type(Reader& reader, const YamlNode& node, const std::string& what) {
  if (node.type == NodeType::kNull) {
    return reader.fail(node.place, reader.subject() + " has no value, write " + what);
  }
  return reader.fail(node.place, reader.subject() + " must be " + what + ", not " +
                                     std::string(describe(node)));
}

Json to_json(const YamlNode& node) {
  Json json;
  switch (node.type) {
    case NodeType::kNull: break;
    case NodeType::kScalar: {
      const bool literal = node.style == ScalarStyle::kPlain &&
                           (node.text == "true" || node.text == "false" ||
                            has_integer_form(node.text) || has_number_form(node.text));
      return literal ? Json::parse(node.text) : Json(node.text);
    }
    case NodeType::kList:
      json = Json::array();
      for (const YamlNode& item : node.items) json.push_back(to_json(item));
      break;
    case NodeType::kMap:
      json = Json::object();
      for (const YamlEntry& entry : node.entries) json[entry.key] = to_json(entry.value);
      break;
  }
  return json;
}

const Kind<std::string>& text_kind() {
  static const auto kind =
      text_leaf<std::string>("text", parse_text, [](const std::string& text) { return text; },
                             Json{{"type", {"string", "number", "boolean"}}});
  return kind;
}

const Kind<std::string>& name_kind() {
  static const auto kind = text_leaf<std::string>(
      "a name such as 'node1'", parse_name, [](const std::string& text) { return text; },
      pattern("[A-Za-z][A-Za-z0-9_-]{0,63}"));
  return kind;
}

const Kind<bool>& bool_kind() {
  static const auto kind = text_leaf<bool>(
      "true or false", parse_bool, [](bool value) { return value ? "true" : "false"; },
      Json{{"type", "boolean"}});
  return kind;
}

const Kind<Duration>& duration_kind() {
  static const auto kind =
      text_leaf<Duration>("a duration such as '5 ms'", parse_nonnegative_duration,
                          format_duration, pattern(std::string(kNumberPattern) + kTimeUnitPattern));
  return kind;
}

const Kind<Duration>& positive_duration_kind() {
  static const auto kind =
      text_leaf<Duration>("a duration such as '60 s'", parse_positive_duration, format_duration,
                          pattern(std::string(kNumberPattern) + kTimeUnitPattern));
  return kind;
}

const Kind<Duration>& signed_duration_kind() {
  static const auto kind =
      text_leaf<Duration>("a duration such as '-5 ms'", parse_signed_duration, format_duration,
                          pattern("-?" + std::string(kNumberPattern) + kTimeUnitPattern));
  return kind;
}

const Kind<Time>& instant_kind() {
  static const auto kind = text_leaf<Time>(
      "a time such as '20 s'",
      [](std::string_view text) -> Result<Time> {
        const Result<Duration> value = parse_nonnegative_duration(text);
        if (!value) return Error{value.error()};
        return Time{*value};
      },
      [](Time value) { return format_duration(value - Time{}); },
      pattern(std::string(kNumberPattern) + kTimeUnitPattern));
  return kind;
}

const Kind<sim::DurationRange>& range_kind() {
  const std::string one = std::string(kNumberPattern) + kTimeUnitPattern;
  static const auto kind = text_leaf<sim::DurationRange>(
      "a time such as '20 s' or '20 s .. 21 s'", parse_range, format_duration_range,
      pattern(one + "( *\\.\\. *" + one + ")?"));
  return kind;
}

const Kind<std::uint64_t>& rate_kind() {
  static const auto kind = text_leaf<std::uint64_t>(
      "a rate such as '10 Mbit/s'", parse_rate, format_rate,
      pattern("(unlimited|" + std::string(kNumberPattern) + " ?(|k|M|G|T)bit/s)"));
  return kind;
}

const Kind<std::uint64_t>& size_kind() {
  static const auto kind = text_leaf<std::uint64_t>(
      "a size such as '64 KiB'", parse_size, format_size,
      pattern("(unlimited|" + std::string(kNumberPattern) + " ?(|k|Ki|M|Mi|G|Gi)B)"));
  return kind;
}

const Kind<std::uint64_t>& file_size_kind() {
  static const auto kind = text_leaf<std::uint64_t>(
      "a size such as '500 kB'", parse_file_size, format_size,
      pattern(std::string(kNumberPattern) + " ?(|k|Ki|M|Mi)B"));
  return kind;
}

const Kind<double>& probability_kind() {
  static const auto kind = text_leaf<double>(
      "a probability such as '2 %' or 0.02", parse_probability, format_number,
      Json{{"anyOf", Json::array({Json{{"type", "number"}, {"minimum", 0}, {"maximum", 1}},
                                  pattern(std::string(kNumberPattern) + " ?%")})}});
  return kind;
}

const Kind<double>& drift_kind() {
  static const auto kind =
      text_leaf<double>("a frequency error such as '20 ppm'", parse_drift, format_ppm,
                        pattern("-?" + std::string(kNumberPattern) + " ?ppm"));
  return kind;
}

const Kind<IpAddress>& address_kind() {
  static const auto kind = text_leaf<IpAddress>(
      "an IPv4 address such as 10.0.0.1", parse_address,
      [](IpAddress address) { return to_string(address); },
      Json{{"type", "string"}, {"format", "ipv4"}});
  return kind;
}

const Kind<OptionValue>& option_kind() {
  static const LeafKind<OptionValue> kind(
      "a number, true or false, a duration or text", parse_option, write_option,
      Json{{"type", {"boolean", "integer", "number", "string"}}});
  return kind;
}

const Kind<Options>& options_kind() {
  static const MapKind<OptionValue> kind("options", option_kind());
  return kind;
}

LeafKind<std::uint32_t> whole_number_kind(std::uint32_t least, std::uint32_t most) {
  return text_leaf<std::uint32_t>(
      "a whole number", [=](std::string_view text) { return parse_whole(text, least, most); },
      [](std::uint32_t value) { return std::to_string(value); },
      Json{{"type", "integer"}, {"minimum", least}, {"maximum", most}});
}

const Kind<std::uint16_t>& port_kind() {
  auto parse = [](std::string_view text) -> Result<std::uint16_t> {
    Result<std::uint32_t> value = parse_whole(text, 0, 65535);
    if (!value) return Error{value.error()};
    return static_cast<std::uint16_t>(*value);
  };
  static const auto kind = text_leaf<std::uint16_t>(
      "a port such as 7001", parse, [](std::uint16_t port) { return std::to_string(port); },
      Json{{"type", "integer"}, {"minimum", 0}, {"maximum", 65535}});
  return kind;
}

Result<std::size_t> find_word(std::string_view text, std::span<const std::string> words,
                              std::string_view noun) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == text) return i;
  }
  return Error{in_quotes(text) + " is unknown" + suggestion(text, words, noun)};
}

LeafKind<std::string> word_kind(std::string noun, std::vector<std::string> words) {
  auto parse = [noun = std::move(noun), words](std::string_view text) -> Result<std::string> {
    Result<std::size_t> index = find_word(text, words, noun);
    if (!index) return Error{index.error()};
    return words[*index];
  };
  return text_leaf<std::string>("one of " + join_words(words, "or"), parse,
                                [](const std::string& text) { return text; },
                                Json{{"enum", words}});
}

}  // namespace twinbed::scenarios
