// Reads the options of a checker with their types, and turns the user's mistakes into one sentence.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkers/checker.h"

namespace twinbed::sim {

class OptionReader {
 public:
  OptionReader(std::string_view checker, const CheckerOptions& options)
      : checker_(checker), options_(options) {}

  /// Each returns the option's value, or `otherwise` when it is not given or is of the wrong kind.
  /// A duration is not negative; the integer 0 stands for one too.
  Duration duration(std::string_view key, Duration otherwise);
  std::int64_t integer(std::string_view key, std::int64_t otherwise, std::int64_t minimum);
  /// A number from `minimum` to `maximum`; integers are numbers too.
  double real(std::string_view key, double otherwise, double minimum, double maximum);
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  /// One of the words; the first is taken when the option is not given.
  std::string choice(std::string_view key, std::initializer_list<std::string_view> words);

  /// Notes a mistake in one sentence; the first one counts.
  void refuse(std::string sentence);

  /// The first mistake, options that were never asked for included; call it after all the others.
  std::optional<Error> mistake();

  std::string_view checker() const { return checker_; }

 private:
  const CheckerOption* find(std::string_view key);
  void refuse_kind(std::string_view key, std::string_view wanted);

  std::string_view checker_;
  const CheckerOptions& options_;
  std::vector<std::string_view> known_;
  std::optional<Error> error_;
};

/// "'a', 'b' and 'c'", in the order given.
std::string quoted_list(const std::vector<std::string_view>& words);

}  // namespace twinbed::sim
