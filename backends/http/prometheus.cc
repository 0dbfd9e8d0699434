#include "backends/http/prometheus.h"

#include <array>
#include <charconv>
#include <cmath>

#include "backends/sqlite/text.h"
#include "core/base/check.h"

namespace twinbed::backends {
namespace {

/// ASCII whatever the locale.
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_name(std::string_view name, std::string_view more) {
  if (name.empty() || is_digit(name[0])) return false;
  for (const char c : name) {
    if (!is_letter(c) && !is_digit(c) && more.find(c) == std::string_view::npos) return false;
  }
  return true;
}

/// UTF-8 on one line, with a backslash before each character of `special` and each line's end
/// written as \n.
std::string escaped(std::string_view raw, std::string_view special) {
  std::string result;
  for (const char c : clean_text(raw)) {
    if (c == '\n') {
      result += "\\n";
      continue;
    }
    if (special.find(c) != std::string_view::npos) result += '\\';
    result += c;
  }
  return result;
}

/// The shortest form that Go's ParseFloat, which the format names, reads as the same number.
std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 32> digits{};
  // Whole numbers are counted things: written out, as far as each of them is exact.
  constexpr double kExact = 9007199254740992.0;
  const bool is_whole = std::abs(value) <= kExact && value == std::trunc(value);
  const auto written =
      is_whole ? std::to_chars(digits.begin(), digits.end(), static_cast<std::int64_t>(value))
               : std::to_chars(digits.begin(), digits.end(), value);
  return {digits.data(), written.ptr};
}

}  // namespace

bool is_metric_name(std::string_view name) { return is_name(name, ":"); }

bool is_label_name(std::string_view name) { return is_name(name, "") && !name.starts_with("__"); }

void PrometheusText::metric(std::string_view name, MetricKind kind, std::string_view help) {
  TWINBED_CHECK(is_metric_name(name), "a metric's name has letters, digits, '_' and ':' alone");
  TWINBED_CHECK(names_.emplace(name).second, "a metric is written once, with all its samples");
  name_ = name;
  kind_ = kind;
  text_ += "# HELP " + name_ + " " + escaped(help, "\\") + "\n";
  text_ += "# TYPE " + name_ + (kind == MetricKind::kCounter ? " counter\n" : " gauge\n");
}

void PrometheusText::sample(double value, std::initializer_list<Label> labels) {
  TWINBED_CHECK(!name_.empty(), "a sample belongs to a metric that was begun before");
  TWINBED_CHECK(kind_ != MetricKind::kCounter || !(value < 0), "a counter is not negative");
  text_ += name_;
  char separator = '{';
  for (const auto& [label, content] : labels) {
    TWINBED_CHECK(is_label_name(label), "a label's name has letters, digits and '_' alone");
    text_ += separator + std::string(label) + "=\"" + escaped(content, "\\\"") + "\"";
    separator = ',';
  }
  if (labels.size() > 0) text_ += '}';
  text_ += ' ' + number(value) + '\n';
}

}  // namespace twinbed::backends
