// Reads values as Python writes them: 0x10, 0.005, 'text', True, None, [1, 2], {'a': ('b',)}.
//
//     value   = number | text+ | True | False | None | list | tuple | dictionary
//     text    = ["r" | "u"] quote characters quote, quote being ', ", ''' or """
//     comment = "#" to the end of the line
//
// What comes out is the tree that YAML documents become, too, so that one description reads both:
// numbers in decimal, truth values as true and false, None as null, a text as a text whatever its
// form. Values go over several lines within brackets only, and texts within three quotes.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {

/// A text put together from pieces of lines, which knows where each of its characters was written.
class JoinedText {
 public:
  /// Adds a piece of one line; a piece after the first one begins with a new line.
  void add_line(std::string_view piece, const Place& place);

  const std::string& text() const { return text_; }
  /// Where the character with this offset stands; the end of the text has a place, too.
  Place place_at(std::size_t offset) const;

 private:
  struct Line {
    std::size_t begin = 0;  ///< offset of its first character
    Place place;
  };
  std::string text_;
  std::vector<Line> lines_;
};

/// The value that a text denotes. Refused: more than 32 levels, more than `values_left` values (it
/// is counted down), bytes, sets, complex numbers, whole numbers beyond 64 bits, control characters
/// other than ends of lines and tabs.
Parsed parse_literal(const JoinedText& text, std::size_t& values_left);

}  // namespace twinbed::scenarios
