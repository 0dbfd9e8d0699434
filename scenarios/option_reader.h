// Reads the free-form options of protocols and generators, with a sentence for each mistake.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// Take every option that there is, then ask for the error: the first wrong type, or an option that
/// nobody took. `subject` starts the sentence: "protocol election".
class OptionReader {
 public:
  OptionReader(Options options, std::string subject)
      : options_(std::move(options)), subject_(std::move(subject)) {}

  bool truth(const std::string& key, bool missing) { return take(key, missing, "true or false"); }
  std::string text(const std::string& key, const std::string& missing);
  std::int64_t integer(const std::string& key, std::int64_t missing) {
    return take(key, missing, "a whole number");
  }
  double real(const std::string& key, double missing);
  Duration duration(const std::string& key, Duration missing) {
    return take(key, missing, "a duration such as '5 ms'");
  }

  /// For a value that has the right type and no meaning.
  void refuse(const std::string& key, std::string_view wanted) { complain(key, wanted); }

  std::optional<Error> error() const;

 private:
  template <class T>
  T take(const std::string& key, T missing, std::string_view wanted);
  void complain(const std::string& key, std::string_view wanted);

  Options options_;
  std::string subject_;
  std::set<std::string> known_;
  std::optional<Error> error_;
};

}  // namespace twinbed::scenarios
