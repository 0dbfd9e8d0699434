// Borrowed and owned byte strings, and the casts between bytes and text in one place.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace twinbed {

/// Borrowed bytes: valid only during the call that hands them over.
using Bytes = std::span<const std::byte>;
/// Owned bytes.
using Buffer = std::vector<std::byte>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline Buffer to_buffer(Bytes bytes) { return {bytes.begin(), bytes.end()}; }
inline Buffer to_buffer(std::string_view text) { return to_buffer(as_bytes(text)); }

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(Bytes bytes);

/// Bytes from hexadecimal of either case; false when the text has an odd length or another digit.
bool from_hex(std::string_view text, Buffer& out);

}  // namespace twinbed
