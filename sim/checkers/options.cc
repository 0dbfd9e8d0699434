#include "sim/checkers/options.h"

#include <algorithm>

namespace twinbed::sim {

std::string quoted_list(const std::vector<std::string_view>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) text += i + 1 == words.size() ? " and " : ", ";
    text += "'" + std::string(words[i]) + "'";
  }
  return text;
}

const CheckerOption* OptionReader::find(std::string_view key) {
  known_.push_back(key);
  const auto found = options_.find(std::string(key));
  return found == options_.end() ? nullptr : &found->second;
}

void OptionReader::refuse(std::string sentence) {
  if (!error_) error_ = Error{std::move(sentence)};
}

void OptionReader::refuse_kind(std::string_view key, std::string_view wanted) {
  refuse("the option '" + std::string(key) + "' of the checker '" + std::string(checker_) +
         "' must be " + std::string(wanted));
}

Duration OptionReader::duration(std::string_view key, Duration otherwise) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return otherwise;
  const auto* value = std::get_if<Duration>(option);
  if (value != nullptr && *value >= Duration::zero()) return *value;
  const auto* number = std::get_if<std::int64_t>(option);
  if (number != nullptr && *number == 0) return Duration::zero();
  refuse_kind(key, "a duration of zero or more with its unit, such as 5 s");
  return otherwise;
}

std::int64_t OptionReader::integer(std::string_view key, std::int64_t otherwise,
                                   std::int64_t minimum) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return otherwise;
  const auto* value = std::get_if<std::int64_t>(option);
  if (value != nullptr && *value >= minimum) return *value;
  refuse_kind(key, "a whole number of at least " + std::to_string(minimum));
  return otherwise;
}

double OptionReader::real(std::string_view key, double otherwise, double minimum,
                          double maximum) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return otherwise;
  const auto* whole = std::get_if<std::int64_t>(option);
  const auto* exact = std::get_if<double>(option);
  const double value = whole != nullptr   ? static_cast<double>(*whole)
                       : exact != nullptr ? *exact
                                          : maximum + 1;
  if (value >= minimum && value <= maximum) return value;
  refuse_kind(key, "a number from " + std::to_string(minimum) + " to " + std::to_string(maximum));
  return otherwise;
}

bool OptionReader::flag(std::string_view key, bool otherwise) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return otherwise;
  if (const auto* value = std::get_if<bool>(option)) return *value;
  refuse_kind(key, "true or false");
  return otherwise;
}

std::string OptionReader::text(std::string_view key, std::string_view otherwise) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return std::string(otherwise);
  const auto* value = std::get_if<std::string>(option);
  if (value != nullptr && !value->empty()) return *value;
  refuse_kind(key, "a word such as '" + std::string(otherwise) + "'");
  return std::string(otherwise);
}

std::string OptionReader::choice(std::string_view key,
                                 std::initializer_list<std::string_view> words) {
  const CheckerOption* option = find(key);
  if (option == nullptr) return std::string(*words.begin());
  const auto* value = std::get_if<std::string>(option);
  if (value != nullptr && std::find(words.begin(), words.end(), *value) != words.end()) {
    return *value;
  }
  refuse_kind(key, "one of " + quoted_list(words));
  return std::string(*words.begin());
}

std::optional<Error> OptionReader::mistake() {
  std::sort(known_.begin(), known_.end());
  for (const auto& [key, value] : options_) {
    if (std::binary_search(known_.begin(), known_.end(), std::string_view(key))) continue;
    return Error{"the checker '" + std::string(checker_) + "' has no option '" + key +
                 "'; its options are " + quoted_list(known_)};
  }
  return error_;
}

}  // namespace twinbed::sim
