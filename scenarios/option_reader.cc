#include "scenarios/option_reader.h"

namespace twinbed::scenarios {

void OptionReader::complain(const std::string& key, std::string_view wanted) {
  if (error_) return;
  error_ = Error{subject_ + ": option '" + key + "' must be " + std::string(wanted)};
}

template <class T>
T OptionReader::take(const std::string& key, T missing, std::string_view wanted) {
  known_.insert(key);
  const auto found = options_.find(key);
  if (found == options_.end()) return missing;
  if (const T* value = std::get_if<T>(&found->second)) return *value;
  complain(key, wanted);
  return missing;
}

template bool OptionReader::take(const std::string&, bool, std::string_view);
template std::int64_t OptionReader::take(const std::string&, std::int64_t, std::string_view);
template Duration OptionReader::take(const std::string&, Duration, std::string_view);

std::string OptionReader::text(const std::string& key, const std::string& missing) {
  known_.insert(key);
  const auto found = options_.find(key);
  if (found == options_.end()) return missing;
  if (const auto* value = std::get_if<std::string>(&found->second)) return *value;
  // A word that looks like a number, such as a commit, is still a word here.
  if (const auto* value = std::get_if<std::int64_t>(&found->second)) return std::to_string(*value);
  complain(key, "text; put it in quotes");
  return missing;
}

double OptionReader::real(const std::string& key, double missing) {
  known_.insert(key);
  const auto found = options_.find(key);
  if (found == options_.end()) return missing;
  if (const auto* value = std::get_if<double>(&found->second)) return *value;
  if (const auto* value = std::get_if<std::int64_t>(&found->second)) {
    return static_cast<double>(*value);
  }
  complain(key, "a number");
  return missing;
}

std::optional<Error> OptionReader::error() const {
  if (error_) return error_;
  for (const auto& [key, value] : options_) {
    if (known_.contains(key)) continue;
    std::string sentence = subject_ + ": there is no option '" + key + "'; the options are";
    for (const std::string& name : known_) sentence += " " + name;
    return Error{sentence};
  }
  return std::nullopt;
}

}  // namespace twinbed::scenarios
