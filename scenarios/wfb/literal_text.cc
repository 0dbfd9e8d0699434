#include "scenarios/wfb/literal_text.h"

#include <cstdint>
#include <optional>

namespace twinbed::scenarios {
namespace {

void append_utf8(std::uint32_t code, std::string& out) {
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<std::uint32_t> digit_of(char c, std::uint32_t base) {
  const char lower = static_cast<char>(c | 0x20);
  std::uint32_t value = base;
  if (c >= '0' && c <= '9') value = static_cast<std::uint32_t>(c - '0');
  else if (lower >= 'a' && lower <= 'f') value = static_cast<std::uint32_t>(lower - 'a' + 10);
  return value < base ? std::optional(value) : std::nullopt;
}

/// A character that a text of a configuration may hold.
bool is_printable(std::uint32_t code) {
  const bool is_control = (code < 0x20 && code != '\n' && code != '\t') ||
                          (code >= 0x7f && code < 0xa0);
  const bool is_surrogate = code >= 0xd800 && code < 0xe000;
  return !is_control && !is_surrogate && code < 0x110000;
}

/// Reads one text; the members are where it has got to.
class TextReader {
 public:
  TextReader(std::string_view source, std::size_t& at, std::string& out)
      : source_(source), at_(at), out_(out) {}

  TextProblem read() {
    const std::size_t begin = at_;
    bool raw = false;
    for (; source_[at_] != '\'' && source_[at_] != '"'; ++at_) {
      const char prefix = static_cast<char>(source_[at_] | 0x20);
      if (at_ > begin || (prefix != 'r' && prefix != 'u')) {
        return {begin, "only r and u may stand before a quote; leave the other letters out"};
      }
      raw = prefix == 'r';
    }
    const char quote = source_[at_];
    const bool three = source_.substr(at_).starts_with(std::string(3, quote));
    const std::string end(three ? 3 : 1, quote);
    at_ += end.size();
    while (!source_.substr(at_).starts_with(end)) {
      if (at_ >= source_.size() || (source_[at_] == '\n' && !three)) {
        return {begin, "this text has no closing quote; add one before the line ends, or use three "
                       "quotes on both sides of a text of several lines"};
      }
      const TextProblem problem = read_character(raw);
      if (problem.message != nullptr) return problem;
    }
    at_ += end.size();
    return {};
  }

 private:
  TextProblem read_character(bool raw) {
    if (source_[at_] != '\\' || at_ + 1 == source_.size()) {
      out_ += source_[at_++];
      return {};
    }
    if (raw) {
      out_ += source_[at_++];
      out_ += source_[at_++];
      return {};
    }
    return read_escape();
  }

  TextProblem read_escape() {
    const std::size_t begin = at_++;
    const char kind = source_[at_++];
    std::uint32_t code = 0;
    switch (kind) {
      case '\n': return {};  // the line goes on
      case '\\':
      case '\'':
      case '"': out_ += kind; return {};
      case 'n': out_ += '\n'; return {};
      case 't': out_ += '\t'; return {};
      case 'a':
      case 'b':
      case 'f':
      case 'r':
      case 'v': code = 1; break;  // any control character
      case 'N': return {begin, "characters by name are not read here; write the character"};
      case 'x':
        if (!read_digits(2, code)) return {begin, "two hexadecimal digits must follow \\x"};
        break;
      case 'u':
        if (!read_digits(4, code)) return {begin, "four hexadecimal digits must follow \\u"};
        break;
      case 'U':
        if (!read_digits(8, code)) return {begin, "eight hexadecimal digits must follow \\U"};
        break;
      default: {
        const auto digit = digit_of(kind, 8);
        if (!digit) {  // an escape that means nothing stays as it is
          out_ += '\\';
          out_ += kind;
          return {};
        }
        code = *digit;
        for (int i = 0; i < 2 && at_ < source_.size() && digit_of(source_[at_], 8); ++i) {
          code = code * 8 + *digit_of(source_[at_++], 8);
        }
      }
    }
    if (!is_printable(code)) {
      return {begin, "this escape is a control character or none at all; a text here has neither"};
    }
    append_utf8(code, out_);
    return {};
  }

  bool read_digits(std::size_t count, std::uint32_t& code) {
    for (std::size_t i = 0; i < count; ++i) {
      const auto digit = at_ < source_.size() ? digit_of(source_[at_], 16) : std::nullopt;
      if (!digit) return false;
      code = code * 16 + *digit;
      ++at_;
    }
    return true;
  }

  const std::string_view source_;
  std::size_t& at_;
  std::string& out_;
};

}  // namespace

TextProblem read_python_text(std::string_view source, std::size_t& at, std::string& out) {
  return TextReader(source, at, out).read();
}

}  // namespace twinbed::scenarios
