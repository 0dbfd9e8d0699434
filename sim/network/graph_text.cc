#include "sim/network/graph_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>

#include "core/base/text.h"

namespace twinbed::sim {
namespace {

// The names of the characters from U+00A0 to U+00FF in HTML 4 (24.2), in their order.
constexpr std::array<std::string_view, 96> kLatin1Names = {
    "nbsp",   "iexcl",  "cent",   "pound",  "curren", "yen",    "brvbar", "sect",
    "uml",    "copy",   "ordf",   "laquo",  "not",    "shy",    "reg",    "macr",
    "deg",    "plusmn", "sup2",   "sup3",   "acute",  "micro",  "para",   "middot",
    "cedil",  "sup1",   "ordm",   "raquo",  "frac14", "frac12", "frac34", "iquest",
    "Agrave", "Aacute", "Acirc",  "Atilde", "Auml",   "Aring",  "AElig",  "Ccedil",
    "Egrave", "Eacute", "Ecirc",  "Euml",   "Igrave", "Iacute", "Icirc",  "Iuml",
    "ETH",    "Ntilde", "Ograve", "Oacute", "Ocirc",  "Otilde", "Ouml",   "times",
    "Oslash", "Ugrave", "Uacute", "Ucirc",  "Uuml",   "Yacute", "THORN",  "szlig",
    "agrave", "aacute", "acirc",  "atilde", "auml",   "aring",  "aelig",  "ccedil",
    "egrave", "eacute", "ecirc",  "euml",   "igrave", "iacute", "icirc",  "iuml",
    "eth",    "ntilde", "ograve", "oacute", "ocirc",  "otilde", "ouml",   "divide",
    "oslash", "ugrave", "uacute", "ucirc",  "uuml",   "yacute", "thorn",  "yuml"};

struct NamedCharacter {
  std::string_view name;
  std::uint32_t code;
};
constexpr NamedCharacter kOtherNames[] = {
    {"quot", '"'},      {"amp", '&'},       {"apos", '\''},     {"lt", '<'},
    {"gt", '>'},        {"OElig", 0x152},   {"oelig", 0x153},   {"Scaron", 0x160},
    {"scaron", 0x161},  {"Yuml", 0x178},    {"ndash", 0x2013},  {"mdash", 0x2014},
    {"lsquo", 0x2018},  {"rsquo", 0x2019},  {"ldquo", 0x201c},  {"rdquo", 0x201d},
    {"bull", 0x2022},   {"hellip", 0x2026}, {"euro", 0x20ac},   {"trade", 0x2122}};

constexpr std::size_t kLongestReference = 12;  // "&#x0010ffff;"

bool is_character(std::uint32_t code) {
  return code > 0 && code <= 0x10'ffff && (code < 0xd800 || code > 0xdfff);
}

/// The character behind a reference's name, without '&' and ';'; 0 if there is none.
std::uint32_t referenced_character(std::string_view name) {
  if (!name.empty() && name[0] == '#') {
    const bool hexadecimal = name.size() > 1 && (name[1] == 'x' || name[1] == 'X');
    const std::string_view digits = name.substr(hexadecimal ? 2 : 1);
    std::uint32_t code = 0;
    const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), code,
                                               hexadecimal ? 16 : 10);
    const bool whole = status == std::errc{} && end == digits.data() + digits.size();
    return whole && is_character(code) ? code : 0;
  }
  const auto latin1 = std::find(kLatin1Names.begin(), kLatin1Names.end(), name);
  if (latin1 != kLatin1Names.end()) {
    return 0xa0 + static_cast<std::uint32_t>(latin1 - kLatin1Names.begin());
  }
  for (const NamedCharacter& other : kOtherNames) {
    if (other.name == name) return other.code;
  }
  return 0;
}

void append_utf8(std::uint32_t code, std::string& out) {
  const auto last = [&](int shift) {
    out += static_cast<char>(0x80 | ((code >> shift) & 0x3f));
  };
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    last(0);
  } else if (code < 0x1'0000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    last(6), last(0);
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    last(12), last(6), last(0);
  }
}

/// The length of the UTF-8 character at the start of a text that is not empty; 0 if there is none.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  // Too long a form, a surrogate, or beyond U+10FFFF (RFC 3629, section 4).
  const unsigned second = byte(1);
  if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
  if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
  return length;
}

/// A finite decimal number between two bounds, or a sentence in `error`.
std::optional<double> parse_bounded(const SourceText& source, std::string_view key,
                                    std::string_view value, double low, double high,
                                    std::size_t offset, std::optional<Error>& error) {
  std::string_view digits = value;
  if (digits.size() > 1 && digits[0] == '+') digits.remove_prefix(1);
  double number = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = status == std::errc{} && end == digits.data() + digits.size();
  if (whole && number >= low && number <= high) return number;
  constexpr std::size_t kQuoted = 40;
  const std::string quoted(value.substr(0, kQuoted));
  char range[80];
  std::snprintf(range, sizeof range, "%g to %g", low, high);
  error = source.error_at(offset, std::string(key) + " must be a number from " + range +
                                      ", not '" + quoted + (value.size() > kQuoted ? "...'" : "'"));
  return std::nullopt;
}

}  // namespace

std::optional<Error> set_attribute(const SourceText& source, GraphText::Node& node,
                                   std::string_view key, std::string_view value,
                                   std::size_t offset) {
  if (key == "label") node.label = clean_label(value);
  if (key != "Latitude" && key != "Longitude") return std::nullopt;
  value = trim(value);
  if (value.empty()) return std::nullopt;
  const bool latitude = key == "Latitude";
  const double limit = latitude ? 90.0 : 360.0;
  std::optional<Error> error;
  const auto number = parse_bounded(source, key, value, -limit, limit, offset, error);
  (latitude ? node.latitude : node.longitude) = number;
  return error;
}

std::optional<Error> set_attribute(const SourceText& source, GraphText::Edge& edge,
                                   std::string_view key, std::string_view value,
                                   std::size_t offset) {
  value = trim(value);
  if (key != "LinkSpeedRaw" || value.empty()) return std::nullopt;
  std::optional<Error> error;
  edge.speed_bps = parse_bounded(source, key, value, 0.0, 1e15, offset, error).value_or(0.0);
  return error;
}

std::optional<std::size_t> find_bad_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text.substr(i));
    if (length == 0) return i;
    i += length;
  }
  return std::nullopt;
}

std::optional<std::size_t> decode_references(std::string_view text, std::string& out) {
  std::optional<std::size_t> first_bad;
  std::size_t done = 0;
  for (std::size_t at = text.find('&'); at != std::string_view::npos; at = text.find('&', at + 1)) {
    const std::size_t length = text.substr(at, kLongestReference).find(';');
    const std::uint32_t code = length == std::string_view::npos
                                   ? 0
                                   : referenced_character(text.substr(at + 1, length - 1));
    if (code == 0) {
      if (!first_bad) first_bad = at;
      continue;
    }
    out += text.substr(done, at - done);
    append_utf8(code, out);
    done = at + length + 1;
  }
  out += text.substr(done);
  return first_bad;
}

std::string clean_label(std::string_view text) {
  std::string out;
  bool space = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    const bool c1 = byte == 0xc2 && i + 1 < text.size() &&
                    static_cast<unsigned char>(text[i + 1]) <= 0xa0;  // U+0080 to U+00A0
    if (c1) ++i;
    if (c1 || byte <= ' ' || byte == 0x7f) {
      space = true;
      continue;
    }
    if (space && !out.empty()) out += ' ';
    space = false;
    out += text[i];
  }
  return out;
}

}  // namespace twinbed::sim
