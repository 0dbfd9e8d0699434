#include "sim/checkers/fault_log.h"

#include <algorithm>
#include <array>
#include <utility>

namespace twinbed::sim {
namespace {

FaultEffect effect_of(std::string_view action) {
  static constexpr std::array<std::pair<std::string_view, FaultEffect>, 7> kEffects{
      {{"crash", FaultEffect::kCrash},
       {"stop", FaultEffect::kStop},
       {"restart", FaultEffect::kRestart},
       {"pause", FaultEffect::kStall},
       {"hang", FaultEffect::kStall},
       {"partition", FaultEffect::kCut},
       {"clock", FaultEffect::kClock}}};
  for (const auto& [name, effect] : kEffects) {
    if (name == action) return effect;
  }
  return FaultEffect::kOther;
}

/// Whether the parameters say "with_disk": false. They are our own JSON, so a look is enough.
bool loses_disk(std::string_view detail) {
  static constexpr std::string_view kKey = "\"with_disk\"";
  const std::size_t key = detail.find(kKey);
  if (key == std::string_view::npos) return false;
  const std::size_t value = detail.find_first_not_of(" :", key + kKey.size());
  return value != std::string_view::npos && detail.substr(value).starts_with("false");
}

void add_node(std::vector<NodeIndex>& nodes, NodeIndex node) {
  const auto place = std::lower_bound(nodes.begin(), nodes.end(), node);
  if (place == nodes.end() || *place != node) nodes.insert(place, node);
}

bool contains(const std::vector<NodeIndex>& nodes, NodeIndex node) {
  return std::binary_search(nodes.begin(), nodes.end(), node);
}

using Groups = std::vector<std::vector<NodeIndex>>;

/// Whether a partition with these groups keeps two nodes apart. Nodes that share a group are
/// together, nodes that are in none are bridges; a single group is of nodes that reach nobody.
bool keeps_apart(const Groups& groups, NodeIndex a, NodeIndex b) {
  bool has_a = false;
  bool has_b = false;
  for (const std::vector<NodeIndex>& group : groups) {
    const bool a_here = contains(group, a);
    const bool b_here = contains(group, b);
    if (groups.size() == 1) return a_here || b_here;
    if (a_here && b_here) return false;
    has_a |= a_here;
    has_b |= b_here;
  }
  return has_a && has_b;
}

/// Whether cutting these links, each given by the nodes at its ends, keeps two nodes apart: a node
/// that hangs on a cut link is alone, two nodes that it joins directly lose each other.
bool cut_apart(const Groups& links, NodeIndex a, NodeIndex b) {
  return std::any_of(links.begin(), links.end(), [&](const std::vector<NodeIndex>& ends) {
    const bool both = contains(ends, a) && contains(ends, b);
    return both || (ends.size() == 1 && (ends[0] == a || ends[0] == b));
  });
}

bool says_kind(const FaultRow& row, std::string_view kind) {
  return row.detail.find("\"" + std::string(kind) + "\"") != std::string_view::npos;
}

}  // namespace

bool SeenFault::concerns(NodeIndex node) const { return contains(concerned, node); }

bool SeenFault::drops(NodeIndex from, NodeIndex to) const {
  return std::binary_search(dropped.begin(), dropped.end(), std::pair(from, to));
}

FaultLog::FaultLog(const RunNodes& nodes, std::vector<NodeIndex> servers)
    : nodes_(nodes), servers_(std::move(servers)) {}

const SeenFault* FaultLog::row(Time at, const FaultRow& row) {
  if (row.phase == FaultPhase::kEnd) {
    const auto open = std::find_if(faults_.rbegin(), faults_.rend(), [&](const SeenFault& fault) {
      return fault.index == row.index && !fault.end;
    });
    if (open == faults_.rend()) return nullptr;
    open->end = at;
    return &*open;
  }
  SeenFault& fault = faults_.emplace_back();
  fault.index = row.index;
  fault.effect = effect_of(row.action);
  fault.action = row.action;
  fault.target = row.target;
  fault.begin = at;
  fault.with_disk = !loses_disk(row.detail);
  for (const auto& group : read_target(row.target, false)) {
    for (NodeIndex node : group) add_node(fault.nodes, node);
  }
  if (fault.effect == FaultEffect::kCut) read_pairs(row, fault);
  read_concerned(at, fault);
  return &fault;
}

void FaultLog::read_pairs(const FaultRow& row, SeenFault& fault) const {
  const bool links = says_kind(row, "min-cut");
  const Groups groups = read_target(row.target, links);
  // The target of a ring names its members. Each of them still reaches a majority.
  if (says_kind(row, "majorities-ring")) return;
  const bool one_way = groups.size() == 2 && row.target.find("->") != std::string_view::npos;
  for (NodeIndex from = 0; from < nodes_.size(); ++from) {
    for (NodeIndex to = 0; to < nodes_.size(); ++to) {
      if (from == to || (one_way && !contains(groups.front(), from))) continue;
      if (links ? cut_apart(groups, from, to) : keeps_apart(groups, from, to)) {
        fault.dropped.emplace_back(from, to);
      }
    }
  }
}

void FaultLog::read_concerned(Time at, SeenFault& fault) const {
  const bool of_network = fault.effect == FaultEffect::kCut || fault.effect == FaultEffect::kOther;
  const bool everybody = of_network && fault.nodes.empty();
  for (NodeIndex node = 0; node < nodes_.size(); ++node) {
    const bool hit = fault.effect == FaultEffect::kCut ? cut_off(node, at)
                                                       : contains(fault.nodes, node);
    if (hit || everybody) fault.concerned.push_back(node);
  }
}

std::vector<std::vector<NodeIndex>> FaultLog::read_target(std::string_view target,
                                                          bool each_word) const {
  Groups groups(1);
  while (!target.empty()) {
    const std::size_t length = std::min(target.find(' '), target.size());
    const std::string_view word = target.substr(0, length);
    target.remove_prefix(std::min(length + 1, target.size()));
    if (each_word || word == "|" || word == "->") groups.emplace_back();
    for (NodeIndex node : read_word(word)) add_node(groups.back(), node);
  }
  std::erase_if(groups, [](const std::vector<NodeIndex>& group) { return group.empty(); });
  return groups;
}

/// A word is a node's name, or a link's: two device names with a dash between them.
std::vector<NodeIndex> FaultLog::read_word(std::string_view word) const {
  std::vector<NodeIndex> found;
  for (NodeIndex node = 0; node < nodes_.size(); ++node) {
    const std::string& name = nodes_[node].name;
    if (word == name) return {node};
    if (name.empty()) continue;
    if (word.starts_with(name + "-") || word.ends_with("-" + name)) found.push_back(node);
  }
  return found;
}

bool FaultLog::parted(NodeIndex a, NodeIndex b, Time at) const {
  return !hears(a, b, at) || !hears(b, a, at);
}

bool FaultLog::hears(NodeIndex listener, NodeIndex speaker, Time at) const {
  return std::none_of(faults_.begin(), faults_.end(), [&](const SeenFault& fault) {
    return fault.open(at) && fault.drops(speaker, listener);
  });
}

bool FaultLog::cut_off(NodeIndex node, Time at) const {
  if (!contains(servers_, node)) return false;
  const auto in_contact = std::count_if(servers_.begin(), servers_.end(), [&](NodeIndex server) {
    return server == node || !parted(node, server, at);
  });
  return static_cast<std::size_t>(in_contact) < servers_.size() / 2 + 1;
}

Time FaultLog::healed_at(Time run_end) const {
  Time healed{};
  for (const SeenFault& fault : faults_) {
    const bool stays = fault.effect == FaultEffect::kRestart || fault.open_at_end(run_end);
    healed = std::max(healed, stays ? fault.begin : *fault.end);
  }
  return healed;
}

const SeenFault* FaultLog::unhealed(Time run_end) const {
  const auto open = std::find_if(faults_.begin(), faults_.end(), [&](const SeenFault& fault) {
    const bool needs_healing =
        fault.effect == FaultEffect::kCut || fault.effect == FaultEffect::kOther;
    return needs_healing && fault.open_at_end(run_end);
  });
  return open == faults_.end() ? nullptr : &*open;
}

}  // namespace twinbed::sim
