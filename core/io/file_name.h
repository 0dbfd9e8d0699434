// Names of files in a node's storage (core/io/storage.h).
#pragma once

#include <algorithm>
#include <string_view>

namespace twinbed {

/// Whether a name stays inside the storage: a relative path without empty, "." or ".." parts, and
/// without NUL.
inline bool is_plain_file_name(std::string_view name) {
  if (name.empty()) return false;
  std::size_t from = 0;
  while (from <= name.size()) {
    const std::size_t slash = std::min(name.find('/', from), name.size());
    const std::string_view part = name.substr(from, slash - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = slash + 1;
  }
  return name.find('\0') == std::string_view::npos;
}

}  // namespace twinbed
