#include "scenarios/fields_yaml.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <map>
#include <optional>
#include <set>
#include <streambuf>
#include <utility>

#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMaxTextBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxAliasBytes = std::size_t{4} << 20;
constexpr std::size_t kMaxValues = 250'000;
constexpr std::size_t kMaxDepth = 32;
/// What an expanded value costs of the alias budget beside its text.
constexpr std::size_t kValueBytes = 16;

Place place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1, -1}; }

/// Leaves yaml-cpp's parser, which has no other way to stop; caught in parse_yaml.
struct Stop {
  Problem problem;
};

[[noreturn]] void stop(const Place& place, std::string message) {
  throw Stop{{place, "", std::move(message)}};
}

/// Builds the tree from yaml-cpp's events and enforces the limits on the way.
class TreeBuilder final : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0) {
      stop(place_of(mark), "a second document starts here, a scenario file holds one");
    }
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    YamlNode node;
    node.place = place_of(mark);
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) {
      stop(place_of(mark), "this alias stands inside its own anchor, write the part out");
    }
    spend(found->second, place_of(mark));
    add(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    YamlNode node = scalar_node(value);
    node.place = place_of(mark);
    // yaml-cpp names what stands in quotes or in a block "!" and plain text "?".
    if (tag == "!") node.style = ScalarStyle::kQuoted;
    if (tag == "tag:yaml.org,2002:str") node.style = ScalarStyle::kText;
    if (node.style == ScalarStyle::kPlain) refuse_tag(tag, node.place);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    open(NodeType::kList, place_of(mark), tag, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    open(NodeType::kMap, place_of(mark), tag, anchor);
  }
  void OnMapEnd() override { close(); }

  YamlNode take() { return std::move(root_); }

 private:
  struct Open {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    std::set<std::string, std::less<>> keys;
    bool has_key = false;  ///< in a map: the last entry still waits for its value
  };

  static void refuse_tag(const std::string& tag, const Place& place) {
    if (tag.empty() || tag == "?" || tag == "!") return;
    stop(place, "the tag " + in_quotes(tag) + " is not supported, leave it out");
  }

  void open(NodeType type, const Place& place, const std::string& tag, YAML::anchor_t anchor) {
    refuse_tag(tag, place);
    if (stack_.size() == kMaxDepth) {
      stop(place, "the document is nested deeper than " + std::to_string(kMaxDepth) +
                      " levels, a scenario needs fewer than ten");
    }
    if (!stack_.empty() && stack_.back().node.type == NodeType::kMap && !stack_.back().has_key) {
      stop(place, "a key must be a word, not a list or a mapping, check brackets and braces");
    }
    Open part;
    part.node.type = type;
    part.node.place = place;
    part.anchor = anchor;
    stack_.push_back(std::move(part));
  }

  void close() {
    Open part = std::move(stack_.back());
    stack_.pop_back();
    add(std::move(part.node), part.anchor);
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (++values_ > kMaxValues) {
      stop(node.place,
           "the document has more than " + std::to_string(kMaxValues) + " values, the limit");
    }
    if (stack_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = stack_.back();
    if (parent.node.type == NodeType::kMap && !parent.has_key) {
      add_key(parent, node);
      if (anchor != 0) anchors_[anchor] = std::move(node);
      return;
    }
    if (anchor != 0) {
      // The copy that is kept for aliases costs memory as an alias does.
      spend(node, node.place);
      anchors_[anchor] = node;
    }
    if (parent.node.type == NodeType::kList) {
      parent.node.items.push_back(std::move(node));
    } else {
      parent.node.entries.back().value = std::move(node);
      parent.has_key = false;
    }
  }

  static void add_key(Open& parent, const YamlNode& key) {
    if (key.type != NodeType::kScalar || key.text.empty()) {
      stop(key.place, "there is no key here, check brackets, braces and colons here and above");
    }
    if (key.text == "<<" && key.style == ScalarStyle::kPlain) {
      stop(key.place, "merge keys ('<<') are not supported, repeat the keys or use an alias");
    }
    if (!parent.keys.insert(key.text).second) {
      stop(key.place, "duplicate key " + in_quotes(key.text) + ", remove one of them");
    }
    parent.node.entries.push_back({key.text, key.place, {}});
    parent.has_key = true;
  }

  /// Takes a copy of the node from the alias budget; the first part too many ends the search.
  void spend(const YamlNode& node, const Place& place) {
    alias_bytes_ += node.text.size() + kValueBytes;
    if (alias_bytes_ > kMaxAliasBytes) {
      stop(place, "the aliases expand to more than 4 MiB, write the parts out or use fewer");
    }
    ++values_;
    for (const YamlNode& item : node.items) spend(item, place);
    for (const YamlEntry& entry : node.entries) {
      alias_bytes_ += entry.key.size();
      spend(entry.value, place);
    }
  }

  YamlNode root_;
  std::vector<Open> stack_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
  std::size_t values_ = 0;
  std::size_t alias_bytes_ = 0;
  int documents_ = 0;
};

/// Length of the UTF-8 character at the start of some bytes, 0 where there is none (RFC 3629).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return 1;
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < size) return 0;
  // The second byte's range shuts out overlong forms, surrogates and what lies above U+10FFFF.
  const unsigned low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  const unsigned high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return 0;
  for (std::size_t i = 2; i < size; ++i) {
    if (byte(i) < 0x80 || byte(i) > 0xbf) return 0;
  }
  return size;
}

/// What can be told from the characters alone.
std::optional<Problem> check_text(std::string_view text) {
  if (text.size() > kMaxTextBytes) {
    return Problem{{}, "", "the text has more than 4 MiB, the limit of a scenario"};
  }
  Place place{1, 1, -1};
  bool indentation = true;
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t size = utf8_length(text.substr(i));
    const char c = text[i];
    if (size == 0) return Problem{place, "", "the text is not valid UTF-8 here, save it as UTF-8"};
    if ((static_cast<unsigned char>(c) < 32 && c != '\n' && c != '\r' && c != '\t') || c == 127) {
      return Problem{place, "", "there is a control character here, remove it"};
    }
    if (c == '\t' && indentation) {
      return Problem{place, "", "there is a tab in the indentation, use spaces"};
    }
    if (c == '\n') {
      place = {place.line + 1, 1, -1};
      indentation = true;
    } else {
      place.column += static_cast<int>(size);
      indentation = indentation && c == ' ';
    }
    i += size;
  }
  return std::nullopt;
}

/// Reads from memory that it does not own.
class ViewBuffer final : public std::streambuf {
 public:
  explicit ViewBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // a get area is never written to
    setg(start, start, start + text.size());
  }
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view key) const {
  for (const YamlEntry& entry : entries) {
    if (entry.key == key) return &entry.value;
  }
  return nullptr;
}

YamlNode* YamlNode::find(std::string_view key) {
  return const_cast<YamlNode*>(std::as_const(*this).find(key));
}

YamlNode scalar_node(std::string text, ScalarStyle style) {
  YamlNode node;
  node.type = NodeType::kScalar;
  node.style = style;
  node.text = std::move(text);
  return node;
}

YamlNode list_node(std::vector<YamlNode> items) {
  YamlNode node;
  node.type = NodeType::kList;
  node.items = std::move(items);
  return node;
}

YamlNode map_node(std::vector<YamlEntry> entries) {
  YamlNode node;
  node.type = NodeType::kMap;
  node.entries = std::move(entries);
  return node;
}

Parsed parse_yaml(std::string_view text) {
  Parsed parsed;
  if (std::optional<Problem> problem = check_text(text)) {
    parsed.problem = std::move(*problem);
    return parsed;
  }
  ViewBuffer buffer(text);
  std::istream stream(&buffer);
  TreeBuilder builder;
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
    parsed.root = builder.take();
    parsed.ok = true;
  } catch (const Stop& stopped) {
    parsed.problem = stopped.problem;
  } catch (const YAML::Exception& error) {
    parsed.problem = {place_of(error.mark), "",
                      "this is not YAML (" + error.msg +
                          "), check brackets, quotes, colons and indentation here and above"};
  }
  return parsed;
}

std::string_view describe(const YamlNode& node) {
  switch (node.type) {
    case NodeType::kNull: return "empty";
    case NodeType::kScalar: return node.text.empty() ? "empty" : "text";
    case NodeType::kList: return "a list";
    case NodeType::kMap: return "a mapping";
  }
  return "";
}

}  // namespace twinbed::scenarios
