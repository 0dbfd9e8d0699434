#include "sim/faults/injector.h"

#include <algorithm>

#include "sim/faults/describe.h"
#include "sim/network/cuts.h"

namespace twinbed::sim {

FaultInjector::FaultInjector(World& world, Network& network,
                             const std::unique_ptr<RadioMedium>& radio,
                             std::vector<std::unique_ptr<Node>>& nodes, RunSink& sink)
    : world_(world),
      network_(network),
      radio_(radio),
      nodes_(nodes),
      sink_(sink),
      select_random_(world.seed, "fault-select") {}

void FaultInjector::schedule(const FaultPlan& plan) {
  RandomStream draw_random(world_.seed, "fault-plan");
  plan_ = draw_plan(plan, draw_random);
  active_.resize(plan_.size());
  for (std::uint32_t index = 0; index < plan_.size(); ++index) {
    if (!plan_[index].on.empty()) {
      waiting_.push_back(index);
      continue;
    }
    const Duration at = plan_[index].at.low;
    world_.schedule(Time{at}, {EventKind::kFaultBegin, 0, index, 0});
    if (plan_[index].lasts) {
      world_.schedule(Time{at + plan_[index].lasts->low}, {EventKind::kFaultEnd, 0, index, 0});
    }
  }
}

std::vector<NodeStatus> FaultInjector::statuses(const Active& active) const {
  std::vector<NodeStatus> out;
  for (const auto& node : nodes_) {
    out.push_back({node->name(), node->role(), node->recorded_role(),
                   node->state() == ProcessState::kDown, node->id() == active.recorder});
  }
  return out;
}

void FaultInjector::on_event(NodeId node, std::string_view type) {
  std::erase_if(waiting_, [&](std::uint32_t index) {
    const FaultSpec& fault = plan_[index];
    Active& active = active_[index];
    if (type != fault.on || world_.now < Time{fault.at.low}) return false;
    if (++active.events_seen < fault.nth) return false;
    active.recorder = node;
    if (fault.lasts) {
      world_.schedule(world_.now + fault.lasts->low, {EventKind::kFaultEnd, 0, index, 0});
    }
    if (fault.action == FaultAction::kCrash) {
      begin(index);
    } else {
      due_.push_back(index);
    }
    return true;
  });
}

void FaultInjector::begin_due() {
  // What begins may start processes, whose handlers record further events.
  for (std::size_t place = 0; place < due_.size(); ++place) begin(due_[place]);
  due_.clear();
}

void FaultInjector::begin(std::uint32_t index) {
  Active& active = active_[index];
  const FaultSpec& fault = plan_[index];
  const std::vector<NodeStatus> nodes = statuses(active);
  active.lasting = true;
  active.begun = world_.now;
  if (fault.action == FaultAction::kPartition && fault.partition != PartitionKind::kMinCut) {
    const PartitionPairs pairs = partition_pairs(fault, nodes, select_random_);
    active.target = pairs.target;
    for (const auto& [from, to] : pairs.blocked) {
      const DeviceIndex a = network_.host_of(NodeId{from});
      const DeviceIndex b = network_.host_of(NodeId{to});
      if (a != b) active.blocked.emplace_back(a, b);  // a host always reaches itself
    }
    std::sort(active.blocked.begin(), active.blocked.end());
    const auto repeated = std::unique(active.blocked.begin(), active.blocked.end());
    active.blocked.erase(repeated, active.blocked.end());
  } else if (fault.action != FaultAction::kLink && fault.action != FaultAction::kPartition &&
             fault.action != FaultAction::kJam) {
    active.nodes = select_nodes(fault.select, nodes, select_random_);
    if (fault.cause == CrashCause::kPowerFailure) {
      active.nodes = on_the_hosts_of(active.nodes, hosts());
    }
    active.target = join_names(active.nodes, nodes);
  }
  // The row of the fault comes before the rows of what it causes.
  if (fault.action == FaultAction::kLink || fault.partition == PartitionKind::kMinCut) {
    active.links = links_between(fault, active);
    active.target = describe_links(active.links, network_.topology());
  }
  record(index, FaultPhase::kBegin, active);
  active.count_before = counter(fault, active);
  apply(fault, active);
}

std::vector<DeviceIndex> FaultInjector::hosts() const {
  std::vector<DeviceIndex> out;
  for (const auto& node : nodes_) out.push_back(network_.host_of(node->id()));
  return out;
}

void FaultInjector::end(std::uint32_t index) {
  Active& active = active_[index];
  const FaultSpec& fault = plan_[index];
  if (!active.lasting) return;
  active.lasting = false;
  active.touched += counter(fault, active) - active.count_before;
  // What is under way now is lost too, when it arrives.
  for (const auto& [from, to] : active.blocked) active.touched += network_.under_way(from, to);
  record(index, FaultPhase::kEnd, active);
  undo(fault, active);
}

void FaultInjector::finish() {
  for (std::uint32_t index = 0; index < active_.size(); ++index) {
    Active& active = active_[index];
    if (!active.lasting) continue;
    active.lasting = false;
    active.touched += counter(plan_[index], active) - active.count_before;
    record(index, FaultPhase::kEnd, active);
  }
}

/// The counter that a fault drives up while it lasts; zero for those that count at once.
std::uint64_t FaultInjector::counter(const FaultSpec& fault, const Active& active) const {
  std::uint64_t sum = 0;
  if (fault.action == FaultAction::kPartition) {
    if (fault.partition == PartitionKind::kMinCut) return network_.reroutes();
    for (const auto& [from, to] : active.blocked) sum += network_.partition_drops(from, to);
  }
  if (fault.action == FaultAction::kLink) {
    for (std::uint32_t link : active.links) sum += network_.crossings(link);
  }
  if (fault.action == FaultAction::kDisk) {
    for (std::uint32_t node : active.nodes) sum += nodes_[node]->storage().touched();
  }
  if (is_radio_fault(fault.action)) {
    sum += radio_.touched(fault, static_cast<std::uint32_t>(&fault - plan_.data()), active.nodes);
  }
  return sum;
}

void FaultInjector::apply(const FaultSpec& fault, Active& active) {
  if (fault.action == FaultAction::kPartition) {
    for (const auto& [from, to] : active.blocked) network_.partitions().block(from, to);
    for (std::uint32_t link : active.links) network_.set_link_up(link, false);
    return;
  }
  if (fault.action == FaultAction::kLink) {
    for (std::uint32_t link : active.links) refresh_link(link);
    return;
  }
  if (is_radio_fault(fault.action)) {
    refresh_radio();
    return;
  }
  std::erase_if(active.nodes, [&](std::uint32_t n) { return !apply_to_node(fault, *nodes_[n]); });
  if (fault.action == FaultAction::kDisk) {
    for (std::uint32_t node : active.nodes) refresh_disk(node);
  } else {
    active.touched += active.nodes.size();
  }
}

void FaultInjector::undo(const FaultSpec& fault, Active& active) {
  for (const auto& [from, to] : active.blocked) {
    network_.partitions().unblock(world_.now, from, to);
  }
  for (std::uint32_t link : active.links) {
    if (fault.action == FaultAction::kPartition) network_.set_link_up(link, true);
    if (fault.action == FaultAction::kLink) refresh_link(link);
  }
  if (is_radio_fault(fault.action)) {
    refresh_radio();
    return;
  }
  for (std::uint32_t node : active.nodes) undo_on_node(fault, *nodes_[node]);
}

/// False where the fault finds nothing to change: what it did not do, its end does not undo.
bool FaultInjector::apply_to_node(const FaultSpec& fault, Node& node) {
  const ProcessState before = node.state();
  switch (fault.action) {
    case FaultAction::kCrash: node.crash(fault.cause); return before != ProcessState::kDown;
    case FaultAction::kStop: node.stop(); return before != ProcessState::kDown;
    case FaultAction::kRestart:
      node.crash();
      if (!fault.with_disk) node.storage().erase();
      node.start();
      return true;
    case FaultAction::kPause: node.pause(); return before == ProcessState::kRunning;
    case FaultAction::kHang: node.hang(); return before == ProcessState::kRunning;
    case FaultAction::kClock:
      node.clock().step(fault.clock.step);
      if (fault.clock.drift_ppm != 0) {
        node.clock().set_drift(world_.now, node.clock().drift_ppb() +
                                               drift_to_ppb(fault.clock.drift_ppm));
        node.reschedule_timers();
      }
      return true;
    default: return true;
  }
}

void FaultInjector::undo_on_node(const FaultSpec& fault, Node& node) {
  switch (fault.action) {
    case FaultAction::kCrash:
    case FaultAction::kStop: node.start(); break;
    case FaultAction::kPause:
    case FaultAction::kHang: node.resume(); break;
    case FaultAction::kClock:
      // The step stays, as a clock that was set wrong stays wrong; the drift ends.
      if (fault.clock.drift_ppm != 0) {
        node.clock().set_drift(world_.now, node.clock().drift_ppb() -
                                               drift_to_ppb(fault.clock.drift_ppm));
        node.reschedule_timers();
      }
      break;
    case FaultAction::kDisk: refresh_disk(static_cast<std::uint32_t>(node.id())); break;
    default: break;
  }
}

std::vector<DeviceIndex> FaultInjector::named_devices(const FaultSpec& fault) const {
  std::vector<DeviceIndex> found;
  const std::vector<Device>& devices = network_.topology().devices;
  for (const std::string& name : fault.link_between.value_or(std::vector<std::string>{})) {
    for (DeviceIndex device = 0; device < devices.size(); ++device) {
      if (devices[device].name == name) found.push_back(device);
    }
    for (const auto& node : nodes_) {
      if (node->name() == name) found.push_back(network_.host_of(node->id()));
    }
  }
  // A node and the host of its own name are one device.
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

/// kMinCut: the fewest links between the two groups' first nodes. kLink without `between`: all
/// links; with it: the links on the path between the two devices, one link where they are joined.
std::vector<std::uint32_t> FaultInjector::links_between(const FaultSpec& fault,
                                                         const Active& active) const {
  const Topology& topology = network_.topology();
  std::vector<std::uint32_t> links;
  if (fault.action == FaultAction::kPartition) {
    RandomStream unused(world_.seed, "min-cut");
    const std::vector<NodeStatus> nodes = statuses(active);
    std::vector<DeviceIndex> ends;
    for (const Selector& group : fault.groups) {
      const std::vector<std::uint32_t> selected = select_nodes(group, nodes, unused);
      if (!selected.empty()) ends.push_back(network_.host_of(NodeId{selected.front()}));
    }
    if (ends.size() == 2) {
      links = min_cut(topology, attachment(topology, ends[0]), attachment(topology, ends[1]));
    }
    return links;
  }
  const std::vector<DeviceIndex> ends = named_devices(fault);
  if (ends.size() != 2) {
    for (std::uint32_t link = 0; link < topology.links.size(); ++link) links.push_back(link);
    return links;
  }
  for (DeviceIndex at = ends[0]; at != ends[1];) {
    const std::optional<std::uint32_t> link = network_.routing().next_link(at, ends[1]);
    if (!link) break;
    links.push_back(*link);
    at = topology.links[*link].a == at ? topology.links[*link].b : topology.links[*link].a;
  }
  return links;
}

/// A link's parameters are the scenario's, worsened by every link fault that lasts.
void FaultInjector::refresh_link(std::uint32_t link) {
  const Link& own = network_.topology().links[link];
  LinkParams forward = own.forward;
  LinkParams backward = own.backward;
  for (std::size_t index = 0; index < active_.size(); ++index) {
    const Active& active = active_[index];
    if (!active.lasting || plan_[index].action != FaultAction::kLink) continue;
    if (std::find(active.links.begin(), active.links.end(), link) == active.links.end()) continue;
    forward = combine(forward, plan_[index].link);
    backward = combine(backward, plan_[index].link);
  }
  network_.set_link(link, forward, backward);
}

/// A disk suffers from every disk fault that lasts.
void FaultInjector::refresh_disk(std::uint32_t node) {
  DiskFault sum;
  for (std::size_t index = 0; index < active_.size(); ++index) {
    const Active& active = active_[index];
    if (!active.lasting || plan_[index].action != FaultAction::kDisk) continue;
    if (std::find(active.nodes.begin(), active.nodes.end(), node) == active.nodes.end()) continue;
    sum = combine(sum, plan_[index].disk);
  }
  nodes_[node]->storage().set_fault(sum);
}

void FaultInjector::refresh_radio() {
  std::vector<LastingRadioFault> lasting;
  for (std::uint32_t index = 0; index < active_.size(); ++index) {
    const Active& active = active_[index];
    if (!active.lasting || !is_radio_fault(plan_[index].action)) continue;
    lasting.push_back({plan_[index], index, active.nodes, active.begun});
  }
  radio_.refresh(lasting);
}

void FaultInjector::record(std::uint32_t index, FaultPhase phase, const Active& active) {
  const FaultSpec& fault = plan_[index];
  const std::string detail = describe_fault(fault);
  FaultRow row;
  row.index = index;
  row.phase = phase;
  row.action = to_string(fault.action);
  row.target = active.target;
  row.detail = detail;
  row.touched = active.touched;
  sink_.fault(world_.now, row);
}

}  // namespace twinbed::sim
