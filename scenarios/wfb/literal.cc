#include "scenarios/wfb/literal.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <limits>
#include <utility>

#include "scenarios/suggest.h"
#include "scenarios/wfb/literal_text.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMaxDepth = 32;
constexpr const char* kExpected =
    "a value was expected here: a number, a text in quotes, True, False, None, a list in [ ] or a "
    "dictionary in { }";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || is_digit(c) ||
         static_cast<unsigned char>(c) >= 0x80;
}

char closing(char open) { return open == '[' ? ']' : open == '(' ? ')' : '}'; }

class LiteralParser {
 public:
  LiteralParser(const JoinedText& source, std::size_t& values_left)
      : source_(source), text_(source.text()), values_left_(values_left) {}

  Parsed parse() {
    Parsed parsed;
    parsed.ok = parse_whole(parsed.root);
    parsed.problem = std::move(problem_);
    return parsed;
  }

 private:
  bool fail(std::size_t offset, std::string message) {
    problem_ = Problem{source_.place_at(offset), "", std::move(message)};
    return false;
  }
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  bool parse_whole(YamlNode& out);
  bool parse_value(YamlNode& out, std::size_t depth);
  bool parse_bracketed(YamlNode& out, std::size_t depth);
  bool parse_items(YamlNode& out, char close, std::size_t depth);
  bool parse_entries(YamlNode& out, std::size_t depth);
  bool parse_entry(YamlNode& out, std::size_t depth);
  bool parse_texts(YamlNode& out);
  bool parse_number(YamlNode& out);
  bool parse_word(YamlNode& out);
  bool expect_separator(std::size_t open, char close);
  bool read_whole_number(std::string_view digits, int base, bool negative, YamlNode& out);
  bool starts_text() const;
  void skip_blanks(bool lines);

  const JoinedText& source_;
  const std::string_view text_;
  std::size_t& values_left_;
  std::size_t at_ = 0;
  std::size_t open_brackets_ = 0;
  Problem problem_;
};

/// Blanks and comments, and ends of lines where they mean nothing.
void LiteralParser::skip_blanks(bool lines) {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == ' ' || c == '\t' || (c == '\n' && lines)) {
      ++at_;
    } else if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
      at_ += 2;
    } else {
      return;
    }
  }
}

bool LiteralParser::parse_whole(YamlNode& out) {
  skip_blanks(true);
  const std::size_t begin = at_;
  if (at_ == text_.size()) {
    return fail(at_, "this key has no value; write None where none is meant");
  }
  if (!parse_value(out, 0)) return false;
  skip_blanks(false);
  if (peek() == ',') {  // a tuple without its parentheses
    YamlNode first = std::exchange(out, list_node());
    out.place = source_.place_at(begin);
    out.items.push_back(std::move(first));
    ++at_;
    skip_blanks(false);
    while (at_ < text_.size() && peek() != '\n') {
      if (!parse_value(out.items.emplace_back(), 1)) return false;
      skip_blanks(false);
      if (peek() != ',') break;
      ++at_;
      skip_blanks(false);
    }
  }
  skip_blanks(true);
  if (at_ == text_.size()) return true;
  return fail(at_, "the value has ended before this; put a text into quotes, and what goes over "
                   "several lines into brackets");
}

bool LiteralParser::starts_text() const {
  std::size_t i = at_;
  while (i < text_.size() && i < at_ + 2 && is_word(text_[i]) && !is_digit(text_[i])) ++i;
  return i < text_.size() && (text_[i] == '\'' || text_[i] == '"');
}

bool LiteralParser::parse_value(YamlNode& out, std::size_t depth) {
  if (depth > kMaxDepth) {
    return fail(at_, "there are more than " + std::to_string(kMaxDepth) +
                         " levels of brackets here; nothing needs that many");
  }
  if (values_left_ == 0) return fail(at_, "there are too many values up to here; leave some out");
  --values_left_;
  out.place = source_.place_at(at_);
  const char c = peek();
  if (c == '[' || c == '(' || c == '{') return parse_bracketed(out, depth);
  if (starts_text()) return parse_texts(out);
  if (is_digit(c) || c == '-' || c == '+' || c == '.') return parse_number(out);
  if (is_word(c)) return parse_word(out);
  return fail(at_, at_ == text_.size() ? "the value ends too early; " + std::string(kExpected)
                                       : std::string(kExpected));
}

bool LiteralParser::parse_bracketed(YamlNode& out, std::size_t depth) {
  const char open = text_[at_];
  ++open_brackets_;
  const bool good =
      open == '{' ? parse_entries(out, depth) : parse_items(out, closing(open), depth);
  --open_brackets_;
  return good;
}

/// After an item: a comma, or the end of what was opened.
bool LiteralParser::expect_separator(std::size_t open, char close) {
  skip_blanks(true);
  if (peek() == ',') {
    ++at_;
    skip_blanks(true);
    return true;
  }
  if (peek() == close) return true;
  if (at_ == text_.size()) {
    return fail(open, std::string("this '") + text_[open] + "' is never closed; add '" + close +
                          "', on a line that is indented if it has one of its own");
  }
  return fail(at_, std::string("',' or '") + close + "' was expected here");
}

bool LiteralParser::parse_items(YamlNode& out, char close, std::size_t depth) {
  const std::size_t open = at_++;
  out.type = NodeType::kList;
  bool comma = false;
  skip_blanks(true);
  while (peek() != close) {
    if (at_ == text_.size()) return expect_separator(open, close);
    if (!parse_value(out.items.emplace_back(), depth + 1)) return false;
    skip_blanks(true);
    comma = comma || peek() == ',';
    if (!expect_separator(open, close)) return false;
  }
  ++at_;
  if (close == ')' && out.items.size() == 1 && !comma) {  // parentheses around one value
    YamlNode item = std::move(out.items.front());
    out = std::move(item);
  }
  return true;
}

bool LiteralParser::parse_entries(YamlNode& out, std::size_t depth) {
  const std::size_t open = at_++;
  out.type = NodeType::kMap;
  skip_blanks(true);
  while (peek() != '}') {
    if (at_ == text_.size()) return expect_separator(open, '}');
    if (!parse_entry(out, depth) || !expect_separator(open, '}')) return false;
  }
  ++at_;
  return true;
}

bool LiteralParser::parse_entry(YamlNode& out, std::size_t depth) {
  const std::size_t begin = at_;
  YamlNode key;
  if (!parse_value(key, depth + 1)) return false;
  if (key.type != NodeType::kScalar || key.style != ScalarStyle::kText) {
    return fail(begin, "a key of a dictionary must be a text in quotes here");
  }
  if (out.find(key.text) != nullptr) {
    return fail(begin, "key " + in_quotes(key.text) + " is already in this dictionary; keep one");
  }
  skip_blanks(true);
  if (peek() != ':') {
    return fail(at_, "':' and a value were expected after the key " + in_quotes(key.text));
  }
  ++at_;
  skip_blanks(true);
  out.entries.push_back({key.text, key.place, {}});
  return parse_value(out.entries.back().value, depth + 1);
}

/// One text, or several that follow each other and count as one.
bool LiteralParser::parse_texts(YamlNode& out) {
  out.type = NodeType::kScalar;
  out.style = ScalarStyle::kText;
  std::size_t after = at_;
  while (starts_text()) {
    const TextProblem problem = read_python_text(text_, at_, out.text);
    if (problem.message != nullptr) return fail(problem.offset, problem.message);
    after = at_;
    skip_blanks(open_brackets_ > 0);
  }
  at_ = after;
  return true;
}

bool LiteralParser::parse_word(YamlNode& out) {
  const std::size_t begin = at_;
  while (is_word(peek())) ++at_;
  const std::string_view word = text_.substr(begin, at_ - begin);
  if (word == "None") return true;
  out.type = NodeType::kScalar;
  if (word == "True" || word == "False") {
    out.text = word == "True" ? "true" : "false";
    return true;
  }
  static const std::vector<std::string> words{"True", "False", "None"};
  const std::string_view meant = nearest(word, words);
  return fail(begin, meant.empty() ? in_quotes(word) + " is no value; put a text into quotes"
                                   : in_quotes(word) + " is no value, did you mean " +
                                         std::string(meant) + "?");
}

bool LiteralParser::read_whole_number(std::string_view digits, int base, bool negative,
                                      YamlNode& out) {
  std::uint64_t value = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, code] = std::from_chars(digits.data(), end, value, base);
  constexpr auto kMost = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (digits.empty() || last != end || code != std::errc{} || value > kMost) return false;
  out.text = (negative && value != 0 ? "-" : "") + std::to_string(value);
  return true;
}

bool LiteralParser::parse_number(YamlNode& out) {
  const std::size_t begin = at_;
  bool negative = false;
  while (peek() == '-' || peek() == '+') {
    negative = negative != (peek() == '-');
    ++at_;
    skip_blanks(false);
  }
  std::string digits;
  const std::size_t first = at_;
  while (is_word(peek()) || peek() == '.' ||
         ((peek() == '-' || peek() == '+') && (text_[at_ - 1] | 0x20) == 'e' &&
          !digits.starts_with("0x") && !digits.starts_with("0X"))) {
    // An underscore stands between two digits.
    if (peek() != '_') digits += peek();
    else if (at_ == first || text_[at_ - 1] == '_') digits += '?';
    ++at_;
  }
  if (at_ > first && text_[at_ - 1] == '_') digits += '?';
  const std::string number(text_.substr(begin, at_ - begin));
  out.type = NodeType::kScalar;
  const char second = digits.size() > 2 ? static_cast<char>(digits[1] | 0x20) : '\0';
  const int base = digits[0] != '0' ? 10 : second == 'x' ? 16 : second == 'o' ? 8
                                         : second == 'b' ? 2 : 10;
  const std::string_view plain = std::string_view(digits).substr(base == 10 ? 0 : 2);
  if (read_whole_number(plain, base, negative, out)) {
    const bool octal = base == 10 && digits.size() > 1 && digits[0] == '0' && out.text != "0";
    if (!octal) return true;
    return fail(begin, in_quotes(number) + " begins with 0; leave it out, or write 0o for octal "
                                           "and 0x for hexadecimal numbers");
  }
  double real = 0;
  const char* end = digits.data() + digits.size();
  const auto [last, code] = std::from_chars(digits.data(), end, real);
  const bool has_digits = !digits.empty() && (is_digit(digits[0]) || digits[0] == '.');
  const bool is_real = digits.find_first_of(".eE") != std::string::npos;
  if (!has_digits || last != end || code != std::errc{} || !is_real || !std::isfinite(real)) {
    return fail(begin, in_quotes(number) + " is no number that counts here; write one such as 8, "
                                           "0x10 or 0.5, whole ones within 64 bits");
  }
  std::array<char, 32> buffer{};
  const auto written =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), negative ? -real : real);
  out.text.assign(buffer.data(), written.ptr);
  if (out.text.find_first_of(".e") == std::string::npos) out.text += ".0";
  return true;
}

}  // namespace

void JoinedText::add_line(std::string_view piece, const Place& place) {
  if (!lines_.empty()) text_ += '\n';
  lines_.push_back({text_.size(), place});
  text_ += piece;
}

Place JoinedText::place_at(std::size_t offset) const {
  const auto after =
      std::upper_bound(lines_.begin(), lines_.end(), offset,
                       [](std::size_t wanted, const Line& line) { return wanted < line.begin; });
  if (after == lines_.begin()) return {};
  const Line& line = *std::prev(after);
  Place place = line.place;
  for (std::size_t at = line.begin; at < offset && at < text_.size(); ++at) {
    if ((static_cast<unsigned char>(text_[at]) & 0xc0) != 0x80) ++place.column;
  }
  return place;
}

Parsed parse_literal(const JoinedText& text, std::size_t& values_left) {
  return LiteralParser(text, values_left).parse();
}

}  // namespace twinbed::scenarios
