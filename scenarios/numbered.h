// "{n}" in a text that stands for several: commands that are repeated, files that are generated.
#pragma once

#include <cstdint>
#include <string>

namespace twinbed::scenarios {

/// The text with the number in place of each "{n}".
std::string numbered(std::string text, std::uint32_t number);

}  // namespace twinbed::scenarios
