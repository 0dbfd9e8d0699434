// The fields of an event as one flat JSON object, written compactly and read back.
//
// Integers, numbers and text stay apart: a double is always written with a point or an exponent, in
// the shortest form that reads back as the same double. JSON has no NaN and no infinity; both
// become null, and null reads back as NaN.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/sqlite/rows.h"
#include "core/io/recorder.h"

namespace twinbed::backends {

/// Appends the object. Invalid UTF-8 becomes U+FFFD byte by byte, control characters are escaped.
void append_json(std::span<const Field> fields, std::string& out);

/// Reads such objects; its storage is used again for each of them.
class FieldsParser {
 public:
  /// Accepts any flat object of numbers, strings and nulls (RFC 8259); nested values and booleans
  /// are errors, since no event has them.
  Status parse(std::string_view json);
  /// Of the last object that parsed; valid until the next one.
  std::span<const Field> fields() const { return fields_; }

 private:
  struct Text {
    std::size_t at = 0;
    std::size_t size = 0;
  };
  struct Parsed {
    Text key;
    std::variant<std::int64_t, double, Text> value;
  };

  bool parse_member();
  bool parse_value(Parsed& parsed);
  bool parse_number(Parsed& parsed);
  bool parse_text(Text& text);
  bool parse_escape();
  bool parse_unicode_escape();
  bool parse_hex4(std::uint32_t& code);
  bool take(char expected);
  void skip_space();
  void publish();

  std::string_view json_;
  std::size_t at_ = 0;
  std::string arena_;
  std::vector<Parsed> parsed_;
  std::vector<Field> fields_;
};

}  // namespace twinbed::backends
