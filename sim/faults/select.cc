#include "sim/faults/select.h"

#include <algorithm>
#include <numeric>

#include "sim/network/cuts.h"

namespace twinbed::sim {
namespace {

bool matches(const Selector& selector, const NodeStatus& node) {
  if (std::find(selector.nodes.begin(), selector.nodes.end(), node.name) != selector.nodes.end()) {
    return true;
  }
  if (selector.role.empty()) return false;
  if (node.is_recorder && selector.role == kRecorderRole) return true;
  if (node.down) return selector.role == "crashed" || selector.role == node.role;
  return selector.role == node.recorded_role || selector.role == node.role;
}

void block_both(PartitionPairs& out, std::uint32_t a, std::uint32_t b) {
  out.blocked.emplace_back(a, b);
  out.blocked.emplace_back(b, a);
}

/// Nodes of different groups are parted; nodes of no group reach everybody.
void part_groups(const std::vector<std::vector<std::uint32_t>>& groups,
                 const std::vector<NodeStatus>& nodes, PartitionPairs& out) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (i > 0) out.target += " | ";
    out.target += join_names(groups[i], nodes);
    for (std::size_t j = i + 1; j < groups.size(); ++j) {
      for (std::uint32_t a : groups[i]) {
        for (std::uint32_t b : groups[j]) block_both(out, a, b);
      }
    }
  }
}

void isolate(const std::vector<std::uint32_t>& selected, const std::vector<NodeStatus>& nodes,
             PartitionPairs& out) {
  out.target = join_names(selected, nodes);
  for (std::uint32_t a : selected) {
    for (std::uint32_t b = 0; b < nodes.size(); ++b) {
      const bool both = std::binary_search(selected.begin(), selected.end(), b);
      if (b != a && (!both || a < b)) block_both(out, a, b);
    }
  }
}

/// Everybody but the bridge is in one of two halves, in the order of the scenario.
void bridge(const std::vector<std::uint32_t>& selected, const std::vector<NodeStatus>& nodes,
            PartitionPairs& out) {
  const std::uint32_t middle =
      selected.empty() ? static_cast<std::uint32_t>(nodes.size() / 2) : selected.front();
  std::vector<std::vector<std::uint32_t>> halves(2);
  for (std::uint32_t node = 0; node < nodes.size(); ++node) {
    if (node == middle) continue;
    halves[halves[0].size() < nodes.size() / 2 ? 0 : 1].push_back(node);
  }
  part_groups(halves, nodes, out);
}

void part_ring(std::vector<std::uint32_t> members, const std::vector<NodeStatus>& nodes,
               PartitionPairs& out) {
  if (members.empty()) {
    members.resize(nodes.size());
    std::iota(members.begin(), members.end(), 0U);
  }
  out.target = join_names(members, nodes);
  const auto may_talk = majorities_ring(static_cast<std::uint32_t>(members.size()));
  for (std::size_t from = 0; from < members.size(); ++from) {
    for (std::size_t to = 0; to < members.size(); ++to) {
      if (!may_talk[from][to]) out.blocked.emplace_back(members[from], members[to]);
    }
  }
}

/// Whether it does nothing to nobody. A bridge and a ring have a meaning without a selection.
bool must_select(const FaultSpec& fault) {
  if (fault.action == FaultAction::kPartition) return fault.partition == PartitionKind::kIsolate;
  return fault.action != FaultAction::kLink;
}

DurationRange draw(const DurationRange& range, Random& random) {
  const Duration drawn = random.between(range.low, range.high);
  return {drawn, drawn};
}

}  // namespace

std::string join_names(const std::vector<std::uint32_t>& selected,
                       const std::vector<NodeStatus>& nodes) {
  std::string text;
  for (std::uint32_t node : selected) text += (text.empty() ? "" : " ") + nodes[node].name;
  return text;
}

std::vector<std::uint32_t> select_nodes(const Selector& selector,
                                        const std::vector<NodeStatus>& nodes, Random& random) {
  const bool everybody = selector.nodes.empty() && selector.role.empty();
  std::vector<std::uint32_t> selected;
  for (std::uint32_t node = 0; node < nodes.size(); ++node) {
    if (everybody ? selector.count > 0 : matches(selector, nodes[node])) selected.push_back(node);
  }
  if (selector.count > 0 && selected.size() > selector.count) {
    shuffle(std::span(selected), random);
    selected.resize(selector.count);
    std::sort(selected.begin(), selected.end());
  }
  return selected;
}

std::vector<std::uint32_t> on_the_hosts_of(const std::vector<std::uint32_t>& selected,
                                           const std::vector<DeviceIndex>& hosts) {
  std::vector<std::uint32_t> found;
  for (std::uint32_t node = 0; node < hosts.size(); ++node) {
    const bool shares_host =
        std::any_of(selected.begin(), selected.end(),
                    [&](std::uint32_t other) { return hosts[other] == hosts[node]; });
    if (shares_host) found.push_back(node);
  }
  return found;
}

PartitionPairs partition_pairs(const FaultSpec& fault, const std::vector<NodeStatus>& nodes,
                               Random& random) {
  PartitionPairs out;
  std::vector<std::vector<std::uint32_t>> groups;
  for (const Selector& group : fault.groups) groups.push_back(select_nodes(group, nodes, random));
  const std::vector<std::uint32_t> selected = select_nodes(fault.select, nodes, random);
  switch (fault.partition) {
    case PartitionKind::kGroups: part_groups(groups, nodes, out); break;
    case PartitionKind::kOneWay:
      if (groups.size() != 2) break;
      out.target = join_names(groups[0], nodes) + " -> " + join_names(groups[1], nodes);
      for (std::uint32_t from : groups[0]) {
        for (std::uint32_t to : groups[1]) out.blocked.emplace_back(from, to);
      }
      break;
    case PartitionKind::kIsolate: isolate(selected, nodes, out); break;
    case PartitionKind::kBridge: bridge(selected, nodes, out); break;
    case PartitionKind::kMajoritiesRing: part_ring(selected, nodes, out); break;
    case PartitionKind::kMinCut: break;
  }
  return out;
}

FaultPlan draw_plan(const FaultPlan& plan, Random& random) {
  FaultPlan drawn = plan;
  for (FaultSpec& fault : drawn) {
    fault.at = draw(fault.at, random);
    if (fault.lasts) fault.lasts = draw(*fault.lasts, random);
    const bool hits_recorder = !fault.on.empty() && fault.select.empty() && must_select(fault);
    if (hits_recorder) fault.select.role = kRecorderRole;
  }
  return drawn;
}

}  // namespace twinbed::sim
