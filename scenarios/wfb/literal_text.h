// Texts as Python writes them, with their quotes, prefixes and escapes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace twinbed::scenarios {

/// What is wrong with a text, and where; no message: nothing is.
struct TextProblem {
  std::size_t offset = 0;
  const char* message = nullptr;
};

/// Appends the text that begins at `at`, in UTF-8, and moves `at` behind its closing quote. At `at`
/// there must be a quote, or one or two letters before one.
TextProblem read_python_text(std::string_view source, std::size_t& at, std::string& out);

}  // namespace twinbed::scenarios
