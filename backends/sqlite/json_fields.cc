#include "backends/sqlite/json_fields.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "backends/sqlite/text.h"

namespace twinbed::backends {
namespace {

void append_control(unsigned char character, std::string& out) {
  static constexpr std::string_view kDigits = "0123456789abcdef";
  switch (character) {
    case '\n': out += "\\n"; return;
    case '\t': out += "\\t"; return;
    case '\r': out += "\\r"; return;
    default:
      out += "\\u00";
      out += kDigits[character >> 4];
      out += kDigits[character & 15];
  }
}

void append_text(std::string_view text, std::string& out) {
  out += '"';
  std::size_t plain_from = 0;
  std::size_t at = 0;
  while (at < text.size()) {
    const auto character = static_cast<unsigned char>(text[at]);
    const bool special = character < 0x20 || character == '"' || character == '\\';
    const std::size_t length = special ? 0 : utf8_character_length(text, at);
    if (length > 0) {
      at += length;
      continue;
    }
    out += text.substr(plain_from, at - plain_from);
    if (character == '"' || character == '\\') {
      out += '\\';
      out += text[at];
    } else if (character < 0x20) {
      append_control(character, out);
    } else {
      out += kReplacement;
    }
    plain_from = ++at;
  }
  out += text.substr(plain_from);
  out += '"';
}

void append_number(std::int64_t value, std::string& out) {
  char digits[24];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  out.append(digits, end);
}

void append_number(double value, std::string& out) {
  if (!std::isfinite(value)) {
    out += "null";
    return;
  }
  char digits[32];
  const auto end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  const std::string_view text(digits, static_cast<std::size_t>(end - digits));
  out += text;
  if (text.find_first_of(".e") == std::string_view::npos) out += ".0";
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto tail = [&](int shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
    tail(0);
  } else if (code < 0x1'0000) {
    out += static_cast<char>(0xE0 | (code >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

}  // namespace

void append_json(std::span<const Field> fields, std::string& out) {
  out += '{';
  bool first = true;
  for (const Field& field : fields) {
    if (!first) out += ',';
    first = false;
    append_text(field.key, out);
    out += ':';
    if (const auto* integer = std::get_if<std::int64_t>(&field.value)) {
      append_number(*integer, out);
    } else if (const auto* real = std::get_if<double>(&field.value)) {
      append_number(*real, out);
    } else {
      append_text(std::get<std::string_view>(field.value), out);
    }
  }
  out += '}';
}

Status FieldsParser::parse(std::string_view json) {
  json_ = json;
  at_ = 0;
  arena_.clear();
  parsed_.clear();
  fields_.clear();
  bool good = is_clean_text(json);
  skip_space();
  good = good && take('{');
  skip_space();
  if (good && !take('}')) {
    do {
      good = parse_member();
    } while (good && take(','));
    good = good && take('}');
  }
  skip_space();
  if (!good || at_ != json_.size()) {
    return Error{"the fields of an event are no flat JSON object: the error is at character " +
                 std::to_string(at_ + 1)};
  }
  publish();
  return Status{std::monostate{}};
}

bool FieldsParser::parse_member() {
  Parsed parsed;
  skip_space();
  if (!parse_text(parsed.key)) return false;
  skip_space();
  if (!take(':')) return false;
  skip_space();
  if (!parse_value(parsed)) return false;
  skip_space();
  parsed_.push_back(parsed);
  return true;
}

bool FieldsParser::parse_value(Parsed& parsed) {
  if (json_.substr(at_).starts_with("null")) {
    at_ += 4;
    parsed.value = std::numeric_limits<double>::quiet_NaN();
    return true;
  }
  if (at_ < json_.size() && json_[at_] == '"') {
    return parse_text(parsed.value.emplace<Text>());
  }
  return parse_number(parsed);
}

bool FieldsParser::parse_number(Parsed& parsed) {
  const std::size_t length =
      std::min(json_.find_first_not_of("+-.0123456789eE", at_), json_.size()) - at_;
  const std::string_view text = json_.substr(at_, length);
  const char* const end = text.data() + text.size();
  std::from_chars_result result{};
  if (text.find_first_of(".eE") == std::string_view::npos) {
    result = std::from_chars(text.data(), end, parsed.value.emplace<std::int64_t>());
  } else {
    result = std::from_chars(text.data(), end, parsed.value.emplace<double>());
  }
  if (result.ec != std::errc{} || result.ptr != end) return false;
  at_ += length;
  return true;
}

bool FieldsParser::parse_text(Text& text) {
  if (!take('"')) return false;
  text.at = arena_.size();
  while (at_ < json_.size() && json_[at_] != '"') {
    if (static_cast<unsigned char>(json_[at_]) < 0x20) return false;
    if (json_[at_] == '\\') {
      if (!parse_escape()) return false;
    } else {
      arena_ += json_[at_++];
    }
  }
  text.size = arena_.size() - text.at;
  return take('"');
}

bool FieldsParser::parse_escape() {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  ++at_;
  if (at_ >= json_.size()) return false;
  const char letter = json_[at_++];
  if (letter == 'u') return parse_unicode_escape();
  const std::size_t index = kLetters.find(letter);
  if (index == std::string_view::npos) return false;
  arena_ += kMeanings[index];
  return true;
}

bool FieldsParser::parse_unicode_escape() {
  std::uint32_t code = 0;
  if (!parse_hex4(code)) return false;
  if (code >= 0xDC00 && code <= 0xDFFF) return false;
  if (code >= 0xD800 && code <= 0xDBFF) {
    std::uint32_t low = 0;
    if (!take('\\') || !take('u') || !parse_hex4(low) || low < 0xDC00 || low > 0xDFFF) return false;
    code = 0x1'0000 + ((code - 0xD800) << 10) + (low - 0xDC00);
  }
  append_utf8(code, arena_);
  return true;
}

bool FieldsParser::parse_hex4(std::uint32_t& code) {
  const std::string_view digits = json_.substr(std::min(at_, json_.size()), 4);
  const char* const end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, code, 16);
  if (digits.size() != 4 || result.ec != std::errc{} || result.ptr != end) return false;
  at_ += 4;
  return true;
}

bool FieldsParser::take(char expected) {
  if (at_ >= json_.size() || json_[at_] != expected) return false;
  ++at_;
  return true;
}

void FieldsParser::skip_space() {
  at_ = std::min(json_.find_first_not_of(" \t\r\n", at_), json_.size());
}

// Views into the arena can be made only once it has stopped growing.
void FieldsParser::publish() {
  const std::string_view arena = arena_;
  const auto view = [&](const Text& text) { return arena.substr(text.at, text.size); };
  for (const Parsed& parsed : parsed_) {
    Field& field = fields_.emplace_back();
    field.key = view(parsed.key);
    if (const auto* text = std::get_if<Text>(&parsed.value)) {
      field.value = view(*text);
    } else if (const auto* real = std::get_if<double>(&parsed.value)) {
      field.value = *real;
    } else {
      field.value = std::get<std::int64_t>(parsed.value);
    }
  }
}

}  // namespace twinbed::backends
