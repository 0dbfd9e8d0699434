#include "scenarios/node/wfb_terminal.h"

#include <algorithm>
#include <array>

#include "sim/network/graph_text.h"

namespace twinbed::scenarios {
namespace {

/// Ranges of code points of more than one byte that are not shown but obeyed.
struct Range {
  char32_t first;
  char32_t last;
};
constexpr std::array<Range, 6> kObeyed{{
    {0x80, 0x9f},      // controls
    {0x061c, 0x061c},  // Arabic letter mark
    {0x200e, 0x200f},  // marks of direction
    {0x2028, 0x202e},  // separators, embeddings and overrides
    {0x2066, 0x2069},  // isolates
    {0xfeff, 0xfeff},  // byte order mark
}};

/// Bytes of the character of UTF-8 that begins so; 1 also where none does.
std::size_t length_of(char lead) {
  const auto byte = static_cast<unsigned char>(lead);
  return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

/// Of a character that is sound.
char32_t code_point(std::string_view character) {
  if (character.size() == 1) return static_cast<unsigned char>(character[0]);
  char32_t value = static_cast<unsigned char>(character[0]) & (0x7fu >> character.size());
  for (const char c : character.substr(1)) {
    value = value << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  }
  return value;
}

bool is_shown(std::string_view character) {
  if (sim::find_bad_utf8(character)) return false;
  const char32_t value = code_point(character);
  if (value < 0x80) return value == '\t' || (value >= ' ' && value != 0x7f);
  return std::ranges::none_of(kObeyed, [&](const Range& range) {
    return range.first <= value && value <= range.last;
  });
}

std::string escaped(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text += "\\x";
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

}  // namespace

std::string visible_text(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    std::string_view character = text.substr(0, length_of(text[0]));
    // A character that is not sound is no reason to hide the ones behind its first byte.
    if (sim::find_bad_utf8(character)) character = text.substr(0, 1);
    shown += is_shown(character) ? std::string(character) : escaped(character);
    text.remove_prefix(character.size());
  }
  return shown;
}

}  // namespace twinbed::scenarios
