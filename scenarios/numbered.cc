#include "scenarios/numbered.h"

#include <string_view>

namespace twinbed::scenarios {

std::string numbered(std::string text, std::uint32_t number) {
  static constexpr std::string_view kMark = "{n}";
  const std::string digits = std::to_string(number);
  for (std::size_t at = text.find(kMark); at != std::string::npos;
       at = text.find(kMark, at + digits.size())) {
    text.replace(at, kMark.size(), digits);
  }
  return text;
}

}  // namespace twinbed::scenarios
