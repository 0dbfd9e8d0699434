#include "scenarios/wfb/config_file.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>

#include "core/base/text.h"
#include "scenarios/suggest.h"
#include "scenarios/wfb/literal.h"
#include "sim/network/graph_text.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{256} << 10;
constexpr std::size_t kMaxLineBytes = 4096;
constexpr std::size_t kMaxValues = 5'000;
/// By how much its references may make a text longer.
constexpr std::size_t kMaxGrowthBytes = 4096;

bool is_key(std::string_view text) {
  for (const char c : text) {
    const char lower = static_cast<char>(c | 0x20);
    if (!(lower >= 'a' && lower <= 'z') && !(c >= '0' && c <= '9') && c != '_' && c != '-') {
      return false;
    }
  }
  return !text.empty() && text.size() <= 64;
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

class ConfigParser {
 public:
  ConfigParser(std::string_view text, int source) : text_(text), source_(source) {
    parsed_.root = map_node();
  }

  Parsed parse() {
    parsed_.ok = check_characters() && read_lines() && finish_value();
    return std::move(parsed_);
  }

 private:
  bool fail(const Place& place, std::string message) {
    parsed_.problem = {place, "", std::move(message)};
    return false;
  }
  Place place_in_line(std::string_view row, std::size_t offset) const {
    const auto before = row.substr(0, offset);
    const auto characters = std::count_if(before.begin(), before.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xc0) != 0x80;
    });
    return {line_, 1 + static_cast<int>(characters), source_};
  }

  bool check_characters();
  bool read_lines();
  bool read_line(std::string_view row);
  bool read_section(std::string_view row, std::size_t indent);
  bool read_key(std::string_view row, std::size_t indent);
  bool finish_value();

  const std::string_view text_;
  const int source_;
  Parsed parsed_;
  int line_ = 0;
  YamlNode* section_ = nullptr;      // in the root, where a section has begun
  std::optional<JoinedText> value_;  // of the last key of the section, still open
  std::size_t key_indent_ = 0;
  std::size_t values_left_ = kMaxValues;
};

bool ConfigParser::check_characters() {
  const auto place_of = [&](std::size_t offset) {
    const std::string_view before = text_.substr(0, offset);
    line_ = 1 + static_cast<int>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t row = before.rfind('\n') + 1;  // npos + 1 is 0
    return place_in_line(text_.substr(row), offset - row);
  };
  if (text_.size() > kMaxTextBytes) {
    return fail({0, 0, source_}, "the file has more than 256 KiB; a configuration needs far less");
  }
  if (const auto bad = sim::find_bad_utf8(text_)) {
    return fail(place_of(*bad), "this is not UTF-8; save the file in that encoding");
  }
  for (std::size_t i = 0; i < text_.size(); ++i) {
    const auto c = static_cast<unsigned char>(text_[i]);
    const bool ends_line = c == '\r' && (i + 1 == text_.size() || text_[i + 1] == '\n');
    if ((c < 0x20 && c != '\n' && c != '\t' && !ends_line) || c == 0x7f) {
      return fail(place_of(i), "there is a control character here; remove it");
    }
  }
  line_ = 0;
  return true;
}

bool ConfigParser::read_lines() {
  for (std::size_t begin = 0; begin < text_.size();) {
    const std::size_t end = std::min(text_.find('\n', begin), text_.size());
    ++line_;
    if (end - begin > kMaxLineBytes) {
      return fail({line_, 1, source_}, "this line has more than 4096 bytes; break it");
    }
    if (!read_line(text_.substr(begin, end - begin))) return false;
    begin = end + 1;
  }
  return true;
}

bool ConfigParser::read_line(std::string_view row) {
  const std::string_view content = trim(row);
  if (content.empty()) {
    if (value_) value_->add_line("", {line_, 1, source_});
    return true;
  }
  if (content[0] == '#' || content[0] == ';') return true;
  const std::size_t indent = row.find(content[0]);
  if (value_ && indent > key_indent_) {
    value_->add_line(content, place_in_line(row, indent));
    return true;
  }
  if (!finish_value()) return false;
  return content[0] == '[' ? read_section(content, indent) : read_key(content, indent);
}

bool ConfigParser::read_section(std::string_view row, std::size_t indent) {
  const Place place{line_, 1 + static_cast<int>(indent), source_};
  const std::size_t end = row.find(']');
  const std::string_view rest = end == row.npos ? "" : trim(row.substr(end + 1));
  const std::string name(row.substr(1, end == row.npos ? row.npos : end - 1));
  if (end == row.npos || !is_key(name) || (!rest.empty() && rest[0] != '#' && rest[0] != ';')) {
    return fail(place, "a section is written [name], of letters, digits, '_' and '-' alone; if "
                       "this belongs to the value above, indent it");
  }
  if (name == "DEFAULT") {
    return fail(place, "a section [DEFAULT] would set its keys in every section; name the sections "
                       "in which they are meant");
  }
  section_ = parsed_.root.find(name);
  if (section_ == nullptr) {
    parsed_.root.entries.push_back({name, place, map_node()});
    section_ = &parsed_.root.entries.back().value;
    section_->place = place;
  }
  return true;
}

bool ConfigParser::read_key(std::string_view row, std::size_t indent) {
  const Place place{line_, 1 + static_cast<int>(indent), source_};
  const std::size_t sign = row.find_first_of("=:");
  const std::string_view written = trim(row.substr(0, sign));
  if (sign == row.npos || !is_key(written)) {
    return fail(place, "a line is 'key = value' or '[section]'; if this belongs to the value "
                       "above, indent it more than its key");
  }
  if (section_ == nullptr) {
    return fail(place, "key " + in_quotes(written) + " stands before any section; write the "
                       "section, such as [common], above it");
  }
  const std::string key = lower_case(written);
  if (const auto twin = std::find_if(section_->entries.begin(), section_->entries.end(),
                                     [&](const YamlEntry& entry) { return entry.key == key; });
      twin != section_->entries.end()) {
    return fail(place, "key " + in_quotes(key) + " is in this section already, at line " +
                           std::to_string(twin->place.line) + "; keep one of them");
  }
  section_->entries.push_back({key, place, {}});
  key_indent_ = indent;
  const std::string_view value = trim(row.substr(sign + 1));
  const std::size_t offset = value.empty() ? row.size() : value.data() - row.data();
  Place value_place = place_in_line(row, offset);
  value_place.column += static_cast<int>(indent);
  value_.emplace();
  value_->add_line(value, value_place);
  return true;
}

bool ConfigParser::finish_value() {
  if (!value_) return true;
  Parsed literal = parse_literal(*value_, values_left_);
  value_.reset();
  if (!literal.ok) {
    parsed_.problem = std::move(literal.problem);
    return false;
  }
  section_->entries.back().value = std::move(literal.root);
  return true;
}

/// Replaces the references in a text; false where one means nothing, then `bad` tells what.
bool resolve_references(std::string& text, const YamlNode& document, std::string& bad) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const std::string_view rest = std::string_view(text).substr(i + 1);
    if (rest.starts_with('%')) {
      out += '%';
      ++i;
      continue;
    }
    const std::size_t end = rest.find(")s");
    const std::string_view name =
        rest.starts_with('(') && end != rest.npos ? rest.substr(1, end - 1) : "";
    const std::size_t dot = name.find('.');
    const YamlNode* section = dot == name.npos ? nullptr : document.find(name.substr(0, dot));
    const YamlNode* value = section == nullptr ? nullptr : section->find(name.substr(dot + 1));
    if (value == nullptr || value->type != NodeType::kScalar ||
        out.size() + value->text.size() > text.size() + kMaxGrowthBytes) {
      bad = name.empty() ? "a '%' begins a reference such as %(path.log_dir)s in a text; write %% "
                           "for a percent sign"
                         : "there is no value " + in_quotes(name) + " to refer to; name a section "
                           "and a key that come before, such as %(path.log_dir)s";
      return false;
    }
    out += value->text;
    i += end + 2;
  }
  text = std::move(out);
  return true;
}

YamlNode& section_of(YamlNode& document, const YamlEntry& section) {
  if (YamlNode* found = document.find(section.key)) return *found;
  document.entries.push_back({section.key, section.place, map_node()});
  document.entries.back().value.place = section.value.place;
  return document.entries.back().value;
}

}  // namespace

Parsed parse_config_file(std::string_view text, int source) {
  return ConfigParser(text, source).parse();
}

void set_entry(YamlNode& mapping, YamlEntry entry) {
  for (YamlEntry& present : mapping.entries) {
    if (present.key != entry.key) continue;
    present = std::move(entry);
    return;
  }
  mapping.entries.push_back(std::move(entry));
}

void lay_over(const YamlNode& document, YamlNode& below) {
  for (const YamlEntry& section : document.entries) {
    YamlNode& target = section_of(below, section);
    for (const YamlEntry& entry : section.value.entries) set_entry(target, entry);
  }
}

Problem lay_over_with_references(const YamlNode& document, YamlNode& below) {
  for (const YamlEntry& section : document.entries) {
    section_of(below, section);
    for (YamlEntry entry : section.value.entries) {
      std::string bad;
      const bool is_text = entry.value.type == NodeType::kScalar &&
                           entry.value.style == ScalarStyle::kText;
      if (is_text && !resolve_references(entry.value.text, below, bad)) {
        return {entry.value.place, "", std::move(bad)};
      }
      set_entry(section_of(below, section), std::move(entry));
    }
  }
  return {};
}

}  // namespace twinbed::scenarios
