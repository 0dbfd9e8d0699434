#include "scenarios/fields_set.h"

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "scenarios/fields_expand.h"
#include "scenarios/suggest.h"

namespace twinbed::scenarios {
namespace {

struct PathPart {
  std::string text;
  bool quoted = false;
};

struct Setting {
  std::vector<PathPart> path;
  std::string_view value;
};

/// Takes "a.b.\"c.d\"=value" apart; false where it has not this form.
bool split_setting(std::string_view text, Setting& out) {
  PathPart part;
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') {
      inside = !inside;
      part.quoted = true;
    } else if (!inside && (c == '.' || c == '=')) {
      if (part.text.empty()) return false;
      out.path.push_back(std::exchange(part, {}));
      if (c == '.') continue;
      out.value = text.substr(i + 1);
      return true;
    } else {
      part.text += c;
    }
  }
  return false;
}

void set_place(YamlNode& node, const Place& place) {
  node.place = place;
  for (YamlNode& item : node.items) set_place(item, place);
  for (YamlEntry& entry : node.entries) {
    entry.place = place;
    set_place(entry.value, place);
  }
}

std::optional<std::size_t> parse_index(std::string_view text) {
  std::size_t index = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (code != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return index;
}

/// Follows one path through a document.
class PathWalk {
 public:
  PathWalk(const std::vector<PathPart>& path, const Place& place) : path_(path), place_(place) {}

  /// The value at the path; null after a problem.
  YamlNode* walk(YamlNode& root) {
    YamlNode* node = &root;
    while (node != nullptr && at_ < path_.size()) {
      switch (node->type) {
        case NodeType::kMap: node = &step_into_map(*node); break;
        case NodeType::kList: node = step_into_list(*node); break;
        case NodeType::kNull: node = step_into_nothing(*node); break;
        case NodeType::kScalar:
          node = fail(in_quotes(so_far()) + " is a single value, it has no part " +
                      in_quotes(path_[at_].text));
          break;
      }
    }
    return node;
  }

  Problem problem() const { return {place_, "", message_}; }

 private:
  YamlNode* fail(std::string message) {
    message_ = std::move(message);
    return nullptr;
  }

  /// The part of the path that is already behind.
  std::string so_far() const {
    std::string text;
    for (std::size_t i = 0; i < at_; ++i) text += (i > 0 ? "." : "") + path_[i].text;
    return text;
  }

  YamlNode& step_into_map(YamlNode& map) {
    // A key of the document may hold dots ("a.png"): the longest one that fits is meant.
    for (std::size_t end = path_.size(); end > at_; --end) {
      std::string key = path_[at_].text;
      for (std::size_t i = at_ + 1; i < end; ++i) key += "." + path_[i].text;
      if (YamlNode* found = map.find(key)) {
        at_ = end;
        return *found;
      }
    }
    YamlEntry& added = map.entries.emplace_back();
    added.key = path_[at_++].text;
    added.place = place_;
    added.value.place = place_;
    return added.value;
  }

  YamlNode* step_into_list(YamlNode& list) {
    const std::string& part = path_[at_].text;
    std::vector<std::string> names;
    for (YamlNode& item : list.items) {
      const YamlNode* name = item.find("name");
      if (name == nullptr) continue;
      if (name->text == part) {
        ++at_;
        return &item;
      }
      names.push_back(name->text);
    }
    if (const std::optional<std::size_t> index = parse_index(part)) {
      if (*index < list.items.size()) {
        ++at_;
        return &list.items[*index];
      }
      return fail(in_quotes(so_far()) + " has no element " + part + ", it has " +
                  std::to_string(list.items.size()) + ", counted from 0");
    }
    if (names.empty()) {
      return fail("the elements of " + in_quotes(so_far()) +
                  " have no names, write an index from 0 instead of " + in_quotes(part));
    }
    return fail("there is no " + in_quotes(part) + " in " + in_quotes(so_far()) +
                suggestion(part, names, "the names"));
  }

  YamlNode* step_into_nothing(YamlNode& nothing) {
    if (at_ > 0 && !path_[at_].quoted && parse_index(path_[at_].text)) {
      return fail(in_quotes(so_far()) + " has no element " + path_[at_].text + ", it is not set");
    }
    nothing.type = NodeType::kMap;
    return &step_into_map(nothing);
  }

  const std::vector<PathPart>& path_;
  Place place_;
  std::size_t at_ = 0;
  std::string message_;
};

/// Whether the setting is for a node that the document does not list: one of several for which an
/// entry with a count stands, perhaps.
bool is_for_unlisted_node(const YamlNode& root, const std::vector<PathPart>& path) {
  const YamlNode* nodes = root.find("nodes");
  if (nodes == nullptr || path.size() < 2 || path[0].text != "nodes") return false;
  const auto has_that_name = [&](const YamlNode& item) {
    const YamlNode* name = item.find("name");
    return name != nullptr && name->text == path[1].text;
  };
  return std::none_of(nodes->items.begin(), nodes->items.end(), has_that_name) &&
         !parse_index(path[1].text);
}

std::optional<Problem> apply(YamlNode& root, const Setting& setting, const Place& place) {
  Parsed value = parse_yaml(setting.value);
  if (!value.ok) {
    value.problem.place = place;
    return value.problem;
  }
  set_place(value.root, place);
  PathWalk walk(setting.path, place);
  YamlNode* target = walk.walk(root);
  if (target == nullptr) return walk.problem();
  *target = std::move(value.root);
  return std::nullopt;
}

}  // namespace

std::optional<Problem> apply_settings(YamlNode& root, const std::vector<std::string>& settings) {
  std::vector<std::pair<Setting, Place>> for_single_nodes;
  for (std::size_t i = 0; i < settings.size(); ++i) {
    const Place place{0, 0, static_cast<int>(i)};
    Setting setting;
    if (!split_setting(settings[i], setting)) {
      return Problem{place, "", "this is not path=value, such as network.link.delay=5 ms"};
    }
    if (is_for_unlisted_node(root, setting.path)) {
      for_single_nodes.emplace_back(std::move(setting), place);
    } else if (auto problem = apply(root, setting, place)) {
      return problem;
    }
  }
  if (auto problem = expand_counts(root)) return problem;
  for (const auto& [setting, place] : for_single_nodes) {
    if (auto problem = apply(root, setting, place)) return problem;
  }
  return for_single_nodes.empty() ? std::nullopt : expand_counts(root);
}

}  // namespace twinbed::scenarios
