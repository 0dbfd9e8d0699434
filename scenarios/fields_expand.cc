#include "scenarios/fields_expand.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"
#include "scenarios/numbered.h"

namespace twinbed::scenarios {
namespace {

/// Of the document that results, reckoned as below: it must be one that parse_yaml takes.
constexpr std::size_t kMaxBytes = std::size_t{4} << 20;
/// What a value or key costs beside its text: its part of the limit on values, and more than the
/// punctuation that it is written with.
constexpr std::size_t kValueBytes = 20;

std::size_t cost_of(const YamlNode& node) {
  std::size_t bytes = node.text.size() + kValueBytes;
  for (const YamlNode& item : node.items) bytes += cost_of(item);
  for (const YamlEntry& entry : node.entries) {
    bytes += entry.key.size() + kValueBytes + cost_of(entry.value);
  }
  return bytes;
}

void remove_entry(YamlNode& map, std::string_view key) {
  std::erase_if(map.entries, [&](const YamlEntry& entry) { return entry.key == key; });
}

class Expansion {
 public:
  explicit Expansion(YamlNode& root) : root_(root), bytes_(cost_of(root)) {}

  std::optional<Problem> run() {
    if (nodes() && shared_storage() && workload()) faults();
    return std::move(problem_);
  }

 private:
  bool fail(const Place& place, std::string message) {
    problem_ = Problem{place, "", std::move(message)};
    return false;
  }

  /// The parts of a list of the document; none where there is no such list.
  std::vector<YamlNode>& items_of(std::string_view key) {
    YamlNode* list = root_.find(key);
    return list == nullptr ? nothing_ : list->items;
  }

  /// Takes further copies of a part from the limit.
  bool spend(std::size_t cost, std::size_t copies, const Place& place) {
    bytes_ += cost * copies;
    return bytes_ <= kMaxBytes ||
           fail(place, "the scenario has more than 4 MiB with every node, file and command of this "
                       "count written out, lower it");
  }

  bool read_count(const YamlNode& node, std::uint32_t& count) {
    Reader reader;
    reader.enter("count");
    if (copies_kind().read(reader, node, count)) return true;
    problem_ = reader.problem();
    return false;
  }

  bool nodes();
  bool copies_of(YamlNode& node, std::vector<YamlNode>& out);
  bool files(YamlNode& files);
  bool copies_of(const YamlEntry& file, std::vector<YamlEntry>& out);
  bool shared_storage();
  bool workload();
  bool faults();
  bool members(YamlNode* names);

  YamlNode& root_;
  std::size_t bytes_;
  std::map<std::string, std::vector<std::string>> groups_;  ///< entries with a count: their nodes
  std::vector<YamlNode> nothing_;
  std::optional<Problem> problem_;
};

bool Expansion::nodes() {
  std::vector<YamlNode>& nodes = items_of("nodes");
  std::vector<YamlNode> out;
  for (YamlNode& node : nodes) {
    YamlNode* files_of_node = node.find("files");
    if (files_of_node != nullptr && !files(*files_of_node)) return false;
    if (!copies_of(node, out)) return false;
  }
  nodes = std::move(out);
  for (const YamlNode& node : nodes) {
    const YamlNode* name = node.find("name");
    if (name == nullptr || !groups_.contains(name->text)) continue;
    return fail(name->place, in_quotes(name->text) + " is the name of a node and of an entry with "
                                 "a count, give each a name of its own");
  }
  return true;
}

bool Expansion::copies_of(YamlNode& node, std::vector<YamlNode>& out) {
  const YamlNode* count_node = node.find("count");
  const YamlNode* name_node = node.find("name");
  std::string name;
  Reader ignored;
  if (count_node == nullptr || name_node == nullptr ||
      !name_kind().read(ignored, *name_node, name)) {
    out.push_back(std::move(node));
    return true;
  }
  std::uint32_t count = 0;
  const Place place = count_node->place;
  if (!read_count(*count_node, count)) return false;
  const auto [group, added] = groups_.try_emplace(name);
  if (!added) {
    return fail(name_node->place, "two entries with a count are named " + in_quotes(name) +
                                      ", give each a name of its own");
  }
  remove_entry(node, "count");
  if (!spend(cost_of(node), count - 1, place)) return false;
  for (std::uint32_t number = 1; number <= count; ++number) {
    YamlNode& copy = out.emplace_back(node);
    copy.find("name")->text = group->second.emplace_back(name + std::to_string(number));
  }
  return true;
}

bool Expansion::files(YamlNode& files) {
  std::vector<YamlEntry> out;
  for (const YamlEntry& file : files.entries) {
    if (!copies_of(file, out)) return false;
  }
  std::set<std::string> names;
  for (const YamlEntry& file : out) {
    if (names.insert(file.key).second) continue;
    return fail(file.place, "two files are named " + in_quotes(file.key) +
                                ", give each a name of its own");
  }
  files.entries = std::move(out);
  return true;
}

bool Expansion::copies_of(const YamlEntry& file, std::vector<YamlEntry>& out) {
  const YamlNode* count_node = file.value.find("count");
  if (count_node == nullptr) {
    out.push_back(file);
    return true;
  }
  std::uint32_t count = 0;
  if (!read_count(*count_node, count)) return false;
  if (numbered(file.key, 1) == file.key) {
    return fail(file.place, "the files of a count need names of their own, write {n} into " +
                                in_quotes(file.key) + ", which becomes their number");
  }
  const std::size_t cost = file.key.size() + cost_of(file.value);
  if (!spend(cost, count - 1, count_node->place)) return false;
  for (std::uint32_t number = 1; number <= count; ++number) {
    YamlEntry& copy = out.emplace_back(file);
    copy.key = numbered(file.key, number);
    remove_entry(copy.value, "count");
  }
  return true;
}

bool Expansion::shared_storage() {
  for (YamlNode& directory : items_of("shared_storage")) {
    if (!members(directory.find("nodes"))) return false;
  }
  return true;
}

bool Expansion::workload() {
  std::vector<YamlNode>& commands = items_of("workload");
  std::vector<YamlNode> out;
  for (YamlNode& command : commands) {
    const YamlNode* node = command.find("node");
    const auto group = node == nullptr ? groups_.end() : groups_.find(node->text);
    if (group == groups_.end()) {
      out.push_back(std::move(command));
      continue;
    }
    if (!spend(cost_of(command), group->second.size() - 1, node->place)) return false;
    for (const std::string& name : group->second) {
      YamlNode& copy = out.emplace_back(command);
      copy.find("node")->text = name;
    }
  }
  commands = std::move(out);
  return true;
}

bool Expansion::faults() {
  for (YamlNode& fault : items_of("faults")) {
    if (!members(fault.find("select"))) return false;
    YamlNode* groups = fault.find("groups");
    if (groups == nullptr) continue;
    for (YamlNode& group : groups->items) {
      if (!members(&group)) return false;
    }
  }
  return true;
}

/// In a list of names, or in the list `nodes` of a selector.
bool Expansion::members(YamlNode* names) {
  if (names != nullptr && names->type == NodeType::kMap) names = names->find("nodes");
  if (names == nullptr) return true;
  std::vector<YamlNode> out;
  for (YamlNode& item : names->items) {
    const auto group = groups_.find(item.text);
    if (group == groups_.end()) {
      out.push_back(std::move(item));
      continue;
    }
    if (!spend(cost_of(item), group->second.size() - 1, item.place)) return false;
    for (const std::string& name : group->second) {
      out.emplace_back(item).text = name;
    }
  }
  names->items = std::move(out);
  return true;
}

}  // namespace

std::optional<Problem> expand_counts(YamlNode& root) { return Expansion(root).run(); }

}  // namespace twinbed::scenarios
