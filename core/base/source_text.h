// Texts that users write, and the places in them that errors point to.
#pragma once

#include <cstddef>
#include <string_view>

#include "core/base/result.h"

namespace twinbed {

/// A text and the name of its file, so that an error can say where it is.
struct SourceText {
  std::string_view name;
  std::string_view text;

  /// "FILE:LINE:COLUMN: sentence"; lines and columns count from 1, columns in characters.
  Error error_at(std::size_t offset, std::string_view sentence) const;
};

}  // namespace twinbed
