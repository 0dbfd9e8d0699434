// UTF-8 at the border of the result store: what other programs read as text must be text.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace twinbed::backends {

/// The length in bytes of the well-formed UTF-8 character that starts at `at`, or 0 where none does
/// (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_character_length(std::string_view text, std::size_t at);
/// The same for one that is not ASCII; the others are told apart in place.
std::size_t utf8_sequence_length(std::string_view text, std::size_t at);

/// Whether this is well-formed UTF-8 without NUL, at which many SQL functions would stop reading.
bool is_clean_text(std::string_view text);

/// The text with U+FFFD in place of each invalid byte and each NUL.
std::string clean_text(std::string_view text);

inline std::size_t utf8_character_length(std::string_view text, std::size_t at) {
  return static_cast<unsigned char>(text[at]) < 0x80 ? 1 : utf8_sequence_length(text, at);
}

inline constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  ///< U+FFFD in UTF-8

}  // namespace twinbed::backends
