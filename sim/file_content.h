// Parts of simulated files.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed::sim {

/// Up to `size` bytes from `offset`, as far as there are any.
inline void read_part(const Buffer& content, std::uint64_t offset, std::uint64_t size,
                      Buffer& out) {
  out.clear();
  if (offset >= content.size()) return;
  const std::uint64_t count = std::min<std::uint64_t>(size, content.size() - offset);
  const auto begin = content.begin() + static_cast<std::ptrdiff_t>(offset);
  out.assign(begin, begin + static_cast<std::ptrdiff_t>(count));
}

/// Writes at `offset`, with zeros between the old end and there.
inline void write_part(Buffer& content, std::uint64_t offset, Bytes data) {
  content.resize(std::max<std::size_t>(content.size(), offset + data.size()));
  std::copy(data.begin(), data.end(), content.begin() + static_cast<std::ptrdiff_t>(offset));
}

/// Copies [from, to), which the source has, to the same place of the target.
inline void copy_part(const Buffer& source, std::uint64_t from, std::uint64_t to, Buffer& target) {
  if (from < to) write_part(target, from, Bytes(source).subspan(from, to - from));
}

}  // namespace twinbed::sim
