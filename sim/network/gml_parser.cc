#include "sim/network/gml_parser.h"

#include <algorithm>

namespace twinbed::sim {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// [sign] digits [. digits] [e [sign] digits], with a digit before or after the point.
bool is_number(std::string_view text) {
  std::size_t i = 0;
  const auto sign = [&] { if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i; };
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  sign();
  std::size_t count = digits();
  if (i < text.size() && text[i] == '.') {
    ++i;
    count += digits();
  }
  if (count == 0) return false;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    sign();
    if (digits() == 0) return false;
  }
  return i == text.size();
}

enum class TokenKind { kKey, kNumber, kString, kOpen, kClose, kEnd };

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string_view text;  // of a string, without its quotation marks
  std::size_t offset = 0;
};

/// One key with its value; a list begins behind it.
struct Entry {
  Token key;
  Token value;
};

enum class Step { kEntry, kEndOfList, kFailed };

class GmlParser {
 public:
  explicit GmlParser(const SourceText& source) : source_(source) {}

  Result<GraphText> parse() {
    if (!read_file()) return *error_;
    return std::move(graph_);
  }

 private:
  bool fail(std::size_t offset, std::string_view sentence) {
    error_ = source_.error_at(offset, sentence);
    return false;
  }
  bool check(std::optional<Error> error) {
    if (error) error_ = std::move(error);
    return !error_;
  }

  void skip_blanks();
  bool next_token(Token& token);
  Step next_entry(Entry& entry, bool top_level = false);
  bool skip_list();
  bool skip_value(const Entry& entry) {
    return entry.value.kind != TokenKind::kOpen || skip_list();
  }
  bool read_file();
  bool read_graph();
  bool read_graph_entry(const Entry& entry);
  bool read_node(std::size_t offset);
  bool read_edge(std::size_t offset);
  bool plain_text(const Entry& entry, std::string& out);

  const SourceText& source_;
  std::size_t at_ = 0;
  GraphText graph_;
  std::optional<Error> error_;
};

void GmlParser::skip_blanks() {
  const std::string_view text = source_.text;
  while (at_ < text.size()) {
    if (text[at_] == '#') {
      at_ = std::min(text.find('\n', at_), text.size());
    } else if (text[at_] == ' ' || (text[at_] >= '\t' && text[at_] <= '\r')) {
      ++at_;
    } else {
      return;
    }
  }
}

bool GmlParser::next_token(Token& token) {
  skip_blanks();
  const std::string_view text = source_.text;
  token = {TokenKind::kEnd, {}, at_};
  if (at_ == text.size()) return true;
  const char first = text[at_];
  const std::size_t begin = at_;
  if (first == '[' || first == ']') {
    token.kind = first == '[' ? TokenKind::kOpen : TokenKind::kClose;
    ++at_;
  } else if (first == '"') {
    const std::size_t end = text.find('"', begin + 1);
    if (end == std::string_view::npos) return fail(begin, "this string has no closing '\"'");
    token = {TokenKind::kString, text.substr(begin + 1, end - begin - 1), begin};
    at_ = end + 1;
  } else if (is_letter(first)) {
    while (at_ < text.size() && (is_letter(text[at_]) || is_digit(text[at_]))) ++at_;
    token = {TokenKind::kKey, text.substr(begin, at_ - begin), begin};
  } else {
    const auto belongs = [](char c) {
      return is_digit(c) || is_letter(c) || c == '+' || c == '-' || c == '.';
    };
    while (at_ < text.size() && belongs(text[at_])) ++at_;
    token = {TokenKind::kNumber, text.substr(begin, at_ - begin), begin};
    if (!is_number(token.text)) {
      return fail(begin, "a key, number, string, '[' or ']' was expected here");
    }
  }
  return true;
}

Step GmlParser::next_entry(Entry& entry, bool top_level) {
  if (!next_token(entry.key)) return Step::kFailed;
  if (entry.key.kind == (top_level ? TokenKind::kEnd : TokenKind::kClose)) return Step::kEndOfList;
  if (entry.key.kind == TokenKind::kEnd) {
    fail(entry.key.offset, "the file ends inside a list; is its end missing?");
    return Step::kFailed;
  }
  if (entry.key.kind != TokenKind::kKey) {
    fail(entry.key.offset, entry.key.kind == TokenKind::kClose
                               ? "this ']' closes no list"
                               : "a key was expected here, a word such as node or label");
    return Step::kFailed;
  }
  if (!next_token(entry.value)) return Step::kFailed;
  const TokenKind kind = entry.value.kind;
  if (kind != TokenKind::kNumber && kind != TokenKind::kString && kind != TokenKind::kOpen) {
    fail(entry.value.offset,
         "the key '" + std::string(entry.key.text.substr(0, 40)) + "' has no value");
    return Step::kFailed;
  }
  return Step::kEntry;
}

/// Skips the rest of a list that has been opened, counting brackets instead of recursing.
bool GmlParser::skip_list() {
  Entry entry;
  for (std::size_t depth = 1; depth > 0;) {
    const Step step = next_entry(entry);
    if (step == Step::kFailed) return false;
    if (step == Step::kEndOfList) --depth;
    else if (entry.value.kind == TokenKind::kOpen) ++depth;
  }
  return true;
}

bool GmlParser::read_file() {
  Entry entry;
  bool found = false;
  for (;;) {
    const Step step = next_entry(entry, true);
    if (step == Step::kFailed) return false;
    if (step == Step::kEndOfList) break;
    if (entry.key.text != "graph" || entry.value.kind != TokenKind::kOpen) {
      if (!skip_value(entry)) return false;
      continue;
    }
    if (found) return fail(entry.key.offset, "this is a second graph; a file may hold only one");
    found = true;
    if (!read_graph()) return false;
  }
  return found || fail(0, "this GML file holds no graph");
}

bool GmlParser::read_graph() {
  Entry entry;
  for (;;) {
    const Step step = next_entry(entry);
    if (step != Step::kEntry) return step == Step::kEndOfList;
    if (!read_graph_entry(entry)) return false;
  }
}

bool GmlParser::read_graph_entry(const Entry& entry) {
  const bool list = entry.value.kind == TokenKind::kOpen;
  if (entry.key.text == "node" && list) return read_node(entry.key.offset);
  if (entry.key.text == "edge" && list) return read_edge(entry.key.offset);
  if (entry.key.text == "directed" && entry.value.text != "0") {
    return fail(entry.key.offset,
                "the graph is directed, but links carry packets both ways; if the direction means "
                "nothing, write 'directed 0'");
  }
  return skip_value(entry);
}

/// The value as text, references decoded; one that means nothing stays as it is written.
bool GmlParser::plain_text(const Entry& entry, std::string& out) {
  out.clear();
  if (entry.value.kind == TokenKind::kOpen) {
    return fail(entry.value.offset,
                "'" + std::string(entry.key.text) + "' must be a number or a string, not a list");
  }
  decode_references(entry.value.text, out);
  return true;
}

bool GmlParser::read_node(std::size_t offset) {
  GraphText::Node node;
  node.offset = offset;
  Entry entry;
  std::string text;
  for (Step step = next_entry(entry); step != Step::kEndOfList; step = next_entry(entry)) {
    if (step == Step::kFailed) return false;
    const std::string_view key = entry.key.text;
    if (key == "id") {
      if (!plain_text(entry, node.id)) return false;
    } else if (key == "label" || key == "Latitude" || key == "Longitude") {
      if (!plain_text(entry, text)) return false;
      if (!check(set_attribute(source_, node, key, text, entry.value.offset))) return false;
    } else if (!skip_value(entry)) {
      return false;
    }
  }
  if (node.id.empty()) return fail(offset, "this node has no id");
  graph_.nodes.push_back(std::move(node));
  return true;
}

bool GmlParser::read_edge(std::size_t offset) {
  GraphText::Edge edge;
  edge.offset = offset;
  Entry entry;
  std::string text;
  for (Step step = next_entry(entry); step != Step::kEndOfList; step = next_entry(entry)) {
    if (step == Step::kFailed) return false;
    const std::string_view key = entry.key.text;
    if (key == "source" || key == "target") {
      if (!plain_text(entry, key == "source" ? edge.source : edge.target)) return false;
    } else if (key == "LinkSpeedRaw") {
      if (!plain_text(entry, text)) return false;
      if (!check(set_attribute(source_, edge, key, text, entry.value.offset))) return false;
    } else if (!skip_value(entry)) {
      return false;
    }
  }
  if (edge.source.empty() || edge.target.empty()) {
    return fail(offset, "this edge needs a source and a target");
  }
  graph_.edges.push_back(std::move(edge));
  return true;
}

}  // namespace

Result<GraphText> parse_gml(const SourceText& source) { return GmlParser(source).parse(); }

}  // namespace twinbed::sim
