#include "core/base/source_text.h"

#include <algorithm>
#include <string>

namespace twinbed {

Error SourceText::error_at(std::size_t offset, std::string_view sentence) const {
  const std::string_view before = text.substr(0, offset);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const std::size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  const std::string_view row = before.substr(line_start);
  const auto column = 1 + std::count_if(row.begin(), row.end(), [](char c) {
                        return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
                      });
  return {std::string(name) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
          std::string(sentence)};
}

}  // namespace twinbed
