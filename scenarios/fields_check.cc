#include "scenarios/fields_check.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <set>
#include <utility>

#include "core/io/file_name.h"
#include "scenarios/radio_check.h"
#include "scenarios/suggest.h"
#include "scenarios/units.h"

namespace twinbed::scenarios {
namespace {

using Path = std::vector<std::string>;

Path operator/(Path path, std::string part) {
  path.push_back(std::move(part));
  return path;
}
Path operator/(Path path, std::size_t index) { return std::move(path) / std::to_string(index); }

/// Roles change in the course of a run: any node may have any.
bool may_hit(const sim::Selector& select, const NodeSpec& node) {
  return !select.role.empty() || select.nodes.empty() ||
         std::find(select.nodes.begin(), select.nodes.end(), node.name) != select.nodes.end();
}

/// Whether the fault, which begins within one range, may be in force at an instant of the other.
bool may_last_at(const sim::FaultSpec& fault, const sim::DurationRange& begin,
                 const sim::DurationRange& at) {
  return begin.low <= at.high && (!fault.lasts || begin.high + fault.lasts->high > at.low);
}

/// The checks, in the order of the parts of a scenario. Each returns false at the first problem.
class ScenarioCheck {
 public:
  explicit ScenarioCheck(const Scenario& scenario) : scenario_(scenario) {
    for (const NodeSpec& node : scenario.nodes) nodes_.push_back(node.name);
  }

  std::optional<Contradiction> run() {
    if (nodes() && shared_storage() && devices() && network() && links() && workload() &&
        faults()) {
      clocks();
    }
    return std::move(found_);
  }

 private:
  bool fail(Path path, std::string message) {
    found_ = Contradiction{std::move(path), std::move(message)};
    return false;
  }

  bool nodes();
  bool files(const NodeSpec& node, const Path& path);
  bool shared_storage();
  bool shared_nodes(std::size_t index, const Path& path);
  bool devices();
  bool network();
  bool links();
  bool link(const sim::LinkParams& params, const Path& path);
  bool workload();
  bool faults();
  bool clocks();
  bool fault(const sim::FaultSpec& fault, const Path& path);
  bool partition(const sim::FaultSpec& fault, const Path& path);
  bool groups(const sim::FaultSpec& fault, const Path& path);
  bool selector(const sim::Selector& selector, const Path& path);
  bool is_node(const std::string& name, const Path& path);
  bool is_device(const std::string& name, const std::vector<std::string>& known,
                 const Path& path);
  bool is_generated(const std::string& name) const;
  bool different(const std::string& a, const std::string& b, const Path& path);
  bool in_time(const sim::DurationRange& at, const Path& path);
  bool trigger(const sim::FaultSpec& fault, const Path& path);
  bool no_recorder(const sim::Selector& selector, const Path& path);

  /// When the fault may begin: one that waits for an event, at any time from its own.
  sim::DurationRange begin_of(const sim::FaultSpec& fault) const {
    return {fault.at.low, fault.on.empty() ? fault.at.high : scenario_.duration};
  }
  const std::string& host_of(const NodeSpec& node) const {
    return node.host.empty() ? node.name : node.host;
  }

  const Scenario& scenario_;
  std::vector<std::string> nodes_;
  std::vector<std::string> devices_;  ///< those that the scenario lists
  std::vector<std::string> places_;   ///< and with them hosts and nodes: where a fault may strike
  std::optional<Contradiction> found_;
};

bool ScenarioCheck::nodes() {
  std::set<std::string> names;
  std::map<std::pair<std::string, std::uint16_t>, std::string> listeners;
  for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
    const NodeSpec& node = scenario_.nodes[i];
    const Path path = Path{"nodes"} / i;
    if (!names.insert(node.name).second) {
      return fail(path / "name",
                  "two nodes are named " + in_quotes(node.name) + ", give each a name of its own");
    }
    if (node.port != 0) {
      const auto [other, added] = listeners.try_emplace({host_of(node), node.port}, node.name);
      if (!added) {
        return fail(path / "port", "nodes " + in_quotes(other->second) + " and " +
                                       in_quotes(node.name) + " both listen at port " +
                                       std::to_string(node.port) + " of host " +
                                       in_quotes(host_of(node)) + ", give one another port");
      }
    }
    if (!files(node, path / "files")) return false;
  }
  return true;
}

bool ScenarioCheck::files(const NodeSpec& node, const Path& path) {
  for (const auto& [name, source] : node.files) {
    if (is_plain_file_name(name)) continue;
    return fail(path / name, in_quotes(name) + " is no name for a file in a node's storage, " +
                                 "write a relative path without '.' and '..'");
  }
  return true;
}

bool ScenarioCheck::shared_storage() {
  for (std::size_t i = 0; i < scenario_.shared_storage.size(); ++i) {
    const Path path = Path{"shared_storage"} / i;
    const std::string& directory = scenario_.shared_storage[i].path;
    if (!directory.ends_with('/') ||
        !is_plain_file_name(directory.substr(0, directory.size() - 1))) {
      return fail(path / "path", in_quotes(directory) + " is no directory in a node's storage, " +
                                     "write a relative path that ends in '/', such as 'images/'");
    }
    if (!shared_nodes(i, path)) return false;
  }
  return true;
}

/// Each node is there, once, and sees no other directory at this place.
bool ScenarioCheck::shared_nodes(std::size_t index, const Path& path) {
  const SharedStorageSpec& shared = scenario_.shared_storage[index];
  std::set<std::string> seen;
  for (std::size_t i = 0; i < shared.nodes.size(); ++i) {
    const std::string& name = shared.nodes[i];
    const Path at = path / "nodes" / i;
    if (!is_node(name, at)) return false;
    if (!seen.insert(name).second) {
      return fail(at, "node " + in_quotes(name) + " is named twice, once is enough");
    }
    for (std::size_t j = 0; j < index; ++j) {
      const SharedStorageSpec& other = scenario_.shared_storage[j];
      const bool is_inside =
          shared.path.starts_with(other.path) || other.path.starts_with(shared.path);
      if (!is_inside || std::find(other.nodes.begin(), other.nodes.end(), name) ==
                            other.nodes.end()) {
        continue;
      }
      return fail(at, "node " + in_quotes(name) + " would see two shared directories at " +
                          in_quotes(shared.path) + ", give one of them another path");
    }
  }
  return true;
}

bool ScenarioCheck::devices() {
  std::set<std::string> names;
  std::map<IpAddress, std::string> addresses;
  const std::vector<sim::Device>& devices = scenario_.network.devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    const sim::Device& device = devices[i];
    const Path path = Path{"network", "devices"} / i;
    if (!names.insert(device.name).second) {
      return fail(path / "name", "two devices are named " + in_quotes(device.name) +
                                     ", give each a name of its own");
    }
    if (!device.address.is_any() &&
        !addresses.try_emplace(device.address, device.name).second) {
      return fail(path / "address", "devices " + in_quotes(addresses[device.address]) + " and " +
                                        in_quotes(device.name) + " both have the address " +
                                        to_string(device.address) + ", give one of them another");
    }
  }
  devices_.assign(names.begin(), names.end());
  for (std::size_t i = 0; i < scenario_.nodes.size(); ++i) {
    const NodeSpec& node = scenario_.nodes[i];
    for (const sim::Device& device : devices) {
      if (device.name != host_of(node) || device.kind == sim::DeviceKind::kHost) continue;
      return fail(Path{"nodes"} / i / (node.host.empty() ? "name" : "host"),
                  "node " + in_quotes(node.name) + " cannot run on " + in_quotes(device.name) +
                      ", which is not a host; name a device of kind host");
    }
    names.insert(host_of(node));
    names.insert(node.name);
  }
  places_.assign(names.begin(), names.end());
  return true;
}

bool ScenarioCheck::network() {
  const NetworkSpec& network = scenario_.network;
  if (!network.generator.empty() && !network.file.empty()) {
    return fail({"network", "file"},
                "the network has both a generator and a file, leave one of them out");
  }
  if (network.generator.empty() && !network.generator_options.empty()) {
    return fail({"network", "generator_options"},
                "there are generator_options but no generator, add one or leave them out");
  }
  return link(network.link, {"network", "link"});
}

bool ScenarioCheck::links() {
  const std::vector<NetworkSpec::NamedLink>& links = scenario_.network.links;
  for (std::size_t i = 0; i < links.size(); ++i) {
    const Path path = Path{"network", "links"} / i;
    if (!is_device(links[i].a, devices_, path / "a") ||
        !is_device(links[i].b, devices_, path / "b") ||
        !different(links[i].a, links[i].b, path / "b") ||
        (links[i].params && !link(*links[i].params, path / "params"))) {
      return false;
    }
  }
  return true;
}

bool ScenarioCheck::link(const sim::LinkParams& params, const Path& path) {
  const bool by_table = params.distribution == sim::JitterDistribution::kTable;
  if (by_table && params.jitter_table.empty()) {
    return fail(path / "distribution", "distribution 'table' needs a jitter_table, add one");
  }
  if (!by_table && !params.jitter_table.empty()) {
    return fail(path / "jitter_table",
                "a jitter_table needs 'distribution: table', add that or leave the table out");
  }
  if (by_table && params.jitter != Duration{}) {
    return fail(path / "jitter", "jitter means nothing with 'distribution: table', leave it out");
  }
  return true;
}

bool ScenarioCheck::workload() {
  for (std::size_t i = 0; i < scenario_.workload.size(); ++i) {
    const WorkloadItem& item = scenario_.workload[i];
    const Path path = Path{"workload"} / i;
    if (!is_node(item.node, path / "node") || !in_time(item.at, path / "at")) return false;
    if (item.every && item.count == 1) {
      return fail(path / "every", "'every' repeats nothing without a count above 1, add one");
    }
    if (!item.every && item.count > 1) {
      return fail(path / "count", "a count needs 'every', add for example 'every: 1 s'");
    }
    if (!item.every) continue;
    if (*item.every > (scenario_.duration - item.at.high) / (item.count - 1)) {
      return fail(path / "count",
                  "the last of " + std::to_string(item.count) + " repetitions comes after the " +
                      "end of the scenario at " + format_duration(scenario_.duration) +
                      ", lower the count or lengthen the duration");
    }
  }
  return true;
}

bool ScenarioCheck::faults() {
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    if (!fault(scenario_.faults[i], Path{"faults"} / i)) return false;
  }
  return true;
}

/// At -1,000,000 ppm a clock stands still. One drift cannot do that, the sum of several can: it is
/// lowest when one of the faults begins.
bool ScenarioCheck::clocks() {
  const std::vector<sim::FaultSpec>& faults = scenario_.faults;
  for (std::size_t i = 0; i < faults.size(); ++i) {
    if (faults[i].clock.drift_ppm >= 0) continue;
    for (const NodeSpec& node : scenario_.nodes) {
      double sum_ppm = node.clock.drift_ppm;
      for (const sim::FaultSpec& other : faults) {
        const bool counts = other.clock.drift_ppm < 0 && may_hit(other.select, node) &&
                            may_hit(faults[i].select, node) &&
                            may_last_at(other, begin_of(other), begin_of(faults[i]));
        if (counts) sum_ppm += other.clock.drift_ppm;
      }
      if (sum_ppm > -999'999) continue;
      return fail(Path{"faults"} / i / "clock" / "drift",
                  "the drifts of node " + in_quotes(node.name) + " at that time add up to " +
                      std::to_string(static_cast<std::int64_t>(sum_ppm)) +
                      " ppm, and its clock would stand still or run back; keep the sum above "
                      "-1000000 ppm");
    }
  }
  return true;
}

bool ScenarioCheck::fault(const sim::FaultSpec& fault, const Path& path) {
  if (!in_time(fault.at, path / "at") || !selector(fault.select, path / "select") ||
      !trigger(fault, path)) {
    return false;
  }
  if (fault.lasts && fault.lasts->high > scenario_.duration) {
    return fail(path / "for", "for '" + format_duration_range(*fault.lasts) +
                                  "' is longer than the scenario, leave it out to have the fault "
                                  "last until the end");
  }
  if (fault.lasts && fault.lasts->low == Duration{}) {
    return fail(path / "for", "a fault for 0 s does nothing, give it some time");
  }
  switch (fault.action) {
    case sim::FaultAction::kPartition: return partition(fault, path);
    case sim::FaultAction::kLink:
      if (fault.link == sim::LinkParams{}) {
        return fail(path / "link", "the link fault changes nothing, add for example 'loss: 20 %'");
      }
      if (!link(fault.link, path / "link")) return false;
      if (!fault.link_between) return true;
      for (std::size_t i = 0; i < 2; ++i) {
        if (!is_device((*fault.link_between)[i], places_, path / "between" / i)) return false;
      }
      return different(fault.link_between->front(), fault.link_between->back(),
                       path / "between" / 1);
    case sim::FaultAction::kClock:
      if (fault.clock == sim::ClockFault{}) {
        return fail(path / "clock", "the clock fault changes nothing, add a step or a drift");
      }
      break;
    case sim::FaultAction::kDisk:
      if (fault.disk == sim::DiskFault{}) {
        return fail(path / "disk", "the disk fault changes nothing, add for example "
                                   "'disk: {full: true}'");
      }
      break;
    case sim::FaultAction::kRestart:
      if (fault.disk != sim::DiskFault{}) {
        return fail(path / "disk", "a restart takes 'disk: keep' or 'disk: wipe'");
      }
      break;
    default: break;
  }
  if (fault.action == sim::FaultAction::kJam) return true;
  if (!fault.select.empty() || !fault.on.empty()) return true;
  return fail(path, "nobody is selected for this " + std::string(to_string(fault.action)) +
                        ", add 'select' with names of nodes or {role: leader}");
}

bool ScenarioCheck::trigger(const sim::FaultSpec& fault, const Path& path) {
  if (!fault.on.empty()) return true;
  if (fault.nth > 1) {
    return fail(path / "nth", "nth counts events, and this fault waits for none; name one with "
                              "'on', or leave nth out");
  }
  if (!no_recorder(fault.select, path / "select")) return false;
  for (std::size_t i = 0; i < fault.groups.size(); ++i) {
    if (!no_recorder(fault.groups[i], path / "groups" / i)) return false;
  }
  return true;
}

bool ScenarioCheck::no_recorder(const sim::Selector& selector, const Path& path) {
  if (selector.role != sim::kRecorderRole) return true;
  return fail(path / "role", "role 'recorder' is the node that recorded the event of 'on', and "
                             "this fault waits for none; name one with 'on', or select another "
                             "role");
}

bool ScenarioCheck::partition(const sim::FaultSpec& fault, const Path& path) {
  using P = sim::PartitionKind;
  const P kind = fault.partition;
  const std::string word = "kind " + in_quotes(to_string(kind));
  const bool in_groups = kind == P::kGroups || kind == P::kOneWay || kind == P::kMinCut;
  if (in_groups && !fault.select.empty()) {
    return fail(path / "select", word + " takes groups, not select");
  }
  if (!in_groups && !fault.groups.empty()) {
    return fail(path / "groups", word + " takes select, not groups");
  }
  if (in_groups) return groups(fault, path);
  if (kind == P::kIsolate && fault.select.empty() && fault.on.empty()) {
    return fail(path, word + " needs 'select', add names of nodes or {role: leader}");
  }
  return true;
}

bool ScenarioCheck::groups(const sim::FaultSpec& fault, const Path& path) {
  using P = sim::PartitionKind;
  const std::string word = "kind " + in_quotes(to_string(fault.partition));
  if (fault.groups.empty()) {
    return fail(path, word + " needs 'groups', add for example 'groups: [[node1], [node2]]'");
  }
  if (fault.groups.size() < 2 || (fault.partition != P::kGroups && fault.groups.size() > 2)) {
    return fail(path / "groups",
                word + (fault.partition == P::kGroups ? " takes at least two groups, not "
                                                      : " takes exactly two groups, not ") +
                    std::to_string(fault.groups.size()));
  }
  std::map<std::string, std::size_t> group_of;
  for (std::size_t i = 0; i < fault.groups.size(); ++i) {
    const sim::Selector& group = fault.groups[i];
    const Path at = path / "groups" / i;
    if (group.empty()) return fail(at, "this group is empty, add names of nodes");
    if (!selector(group, at)) return false;
    for (std::size_t j = 0; j < group.nodes.size(); ++j) {
      const auto [other, added] = group_of.try_emplace(group.nodes[j], i);
      if (!added) {
        return fail(at / "nodes" / j, "node " + in_quotes(group.nodes[j]) +
                                          " is in two groups, leave it in one of them");
      }
    }
    if (fault.partition == P::kMinCut && group.count != 1 && group.nodes.size() != 1) {
      return fail(at, "kind 'min-cut' takes groups of one node each, name one");
    }
  }
  return true;
}

bool ScenarioCheck::selector(const sim::Selector& selector, const Path& path) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < selector.nodes.size(); ++i) {
    const Path at = path / "nodes" / i;
    if (!is_node(selector.nodes[i], at)) return false;
    if (!seen.insert(selector.nodes[i]).second) {
      return fail(at, "node " + in_quotes(selector.nodes[i]) + " is named twice, once is enough");
    }
  }
  const std::size_t pool =
      selector.nodes.empty() || !selector.role.empty() ? nodes_.size() : selector.nodes.size();
  if (selector.count <= pool) return true;
  return fail(path / "count", "count " + std::to_string(selector.count) + " is more than the " +
                                  std::to_string(pool) + " nodes to draw from, lower it");
}

bool ScenarioCheck::is_node(const std::string& name, const Path& path) {
  if (std::find(nodes_.begin(), nodes_.end(), name) != nodes_.end()) return true;
  return fail(path, "there is no node " + in_quotes(name) + suggestion(name, nodes_, "the nodes"));
}

bool ScenarioCheck::is_device(const std::string& name, const std::vector<std::string>& known,
                              const Path& path) {
  if (is_generated(name) || std::find(known.begin(), known.end(), name) != known.end()) {
    return true;
  }
  return fail(path, "there is no node or device " + in_quotes(name) +
                        suggestion(name, known, "the names"));
}

/// Whether the name may be one that the network gets only when it is built. A file may hold any
/// name; a generator numbers routers and hosts; where no switch is listed, one is added.
bool ScenarioCheck::is_generated(const std::string& name) const {
  const NetworkSpec& network = scenario_.network;
  if (!network.file.empty()) return true;
  if (network.generator.empty() || network.generator == "star") return name == "switch";
  const auto found = network.generator_options.find("prefix");
  const std::string* prefix = found == network.generator_options.end()
                                  ? nullptr
                                  : std::get_if<std::string>(&found->second);
  return name.starts_with("router") || name.starts_with(prefix == nullptr ? "node" : *prefix);
}

bool ScenarioCheck::different(const std::string& a, const std::string& b, const Path& path) {
  if (a != b) return true;
  return fail(path, "both ends of the link are " + in_quotes(a) + ", name two different ones");
}

bool ScenarioCheck::in_time(const sim::DurationRange& at, const Path& path) {
  if (at.high < scenario_.duration) return true;
  return fail(path, "at '" + format_duration_range(at) +
                        "' is not before the end of the scenario at " +
                        format_duration(scenario_.duration) +
                        ", move it or lengthen the duration");
}

}  // namespace

std::optional<Contradiction> find_contradiction(const Scenario& scenario) {
  if (auto found = ScenarioCheck(scenario).run()) return found;
  return find_radio_contradiction(scenario);
}

Place find_place(const YamlNode& root, const std::vector<std::string>& path) {
  const YamlNode* node = &root;
  for (const std::string& part : path) {
    const YamlNode* next = node->find(part);
    if (node->type == NodeType::kList) {
      std::size_t index = 0;
      const auto [end, code] = std::from_chars(part.data(), part.data() + part.size(), index);
      // A selector may be written as the plain list of its nodes: then "nodes" leads nowhere else.
      if (code != std::errc{}) continue;
      next = index < node->items.size() ? &node->items[index] : nullptr;
    }
    if (next == nullptr) break;
    node = next;
  }
  return node->place;
}

}  // namespace twinbed::scenarios
