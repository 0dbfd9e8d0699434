// Writes documents as YAML that both people and parsers like to read.
#include <array>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kColumns = 100;

bool is_alphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// Whether the text may stand without quotes wherever a value or key may. Fewer texts pass than
/// YAML would allow; quotes are never wrong.
bool is_plain(std::string_view text) {
  if (text.empty() || text == "null" || text == "Null" || text == "NULL") return false;
  const bool negative = text.size() > 1 && text[0] == '-' && is_alphanumeric(text[1]);
  if (!is_alphanumeric(text[0]) && text[0] != '_' && text[0] != '/' && !negative) return false;
  if (text.back() == ' ') return false;
  for (const char c : text) {
    if (!is_alphanumeric(c) && std::string_view(" _./+%@()-").find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

std::string double_quoted(std::string_view text) {
  static constexpr std::array<char, 17> kDigits{"0123456789abcdef"};
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 32 || byte == 127) {
      out += {'\\', 'x', kDigits[byte >> 4], kDigits[byte & 15]};
    } else {
      out += c;
    }
  }
  return out + "\"";
}

std::string emit_scalar(const YamlNode& node) {
  if (node.style == ScalarStyle::kText) return "!!str " + double_quoted(node.text);
  if (node.style == ScalarStyle::kQuoted || !is_plain(node.text)) return double_quoted(node.text);
  return node.text;
}

std::string emit_key(const std::string& key) { return is_plain(key) ? key : double_quoted(key); }

std::string emit_flow(const YamlNode& node) {
  std::string out;
  switch (node.type) {
    case NodeType::kNull: return "~";
    case NodeType::kScalar: return emit_scalar(node);
    case NodeType::kList:
      for (const YamlNode& item : node.items) out += (out.empty() ? "" : ", ") + emit_flow(item);
      return "[" + out + "]";
    case NodeType::kMap:
      for (const YamlEntry& entry : node.entries) {
        out += (out.empty() ? "" : ", ") + emit_key(entry.key) + ": " + emit_flow(entry.value);
      }
      return "{" + out + "}";
  }
  return out;
}

bool is_leaf(const YamlNode& node) {
  return node.type == NodeType::kNull || node.type == NodeType::kScalar ||
         (node.items.empty() && node.entries.empty());
}

/// Appends a value after what already stands in the line: "key:" or "-".
void emit_value(const YamlNode& node, std::size_t indent, bool flow, std::string& out);

void emit_entry(const YamlEntry& entry, std::size_t indent, bool flow, std::string& out) {
  out += emit_key(entry.key) + ":";
  emit_value(entry.value, indent, flow, out);
}

void emit_block(const YamlNode& node, std::size_t indent, std::string& out) {
  const std::string margin(indent, ' ');
  for (const YamlNode& item : node.items) {
    out += margin + "-";
    emit_value(item, indent, true, out);
  }
  for (const YamlEntry& entry : node.entries) {
    out += margin;
    emit_entry(entry, indent, true, out);
  }
}

void emit_value(const YamlNode& node, std::size_t indent, bool flow, std::string& out) {
  const std::size_t column = out.size() - (out.rfind('\n') + 1);
  if (std::string line = emit_flow(node);
      is_leaf(node) || (flow && column + 1 + line.size() <= kColumns)) {
    out += " " + line + "\n";
    return;
  }
  if (out.back() == '-' && node.type == NodeType::kMap) {
    // The first key of a map in a list stands beside the dash, the others below it.
    out += " ";
    emit_entry(node.entries.front(), indent + 2, true, out);
    YamlNode rest = node;
    rest.entries.erase(rest.entries.begin());
    emit_block(rest, indent + 2, out);
    return;
  }
  out += "\n";
  emit_block(node, indent + 2, out);
}

}  // namespace

std::string emit_yaml(const YamlNode& root) {
  std::string out;
  if (is_leaf(root) || root.type == NodeType::kList) return emit_flow(root) + "\n";
  for (const YamlEntry& entry : root.entries) {
    // Lists of the first level always get a line for each of their elements.
    emit_entry(entry, 0, entry.value.type != NodeType::kList, out);
  }
  return out;
}

}  // namespace twinbed::scenarios
