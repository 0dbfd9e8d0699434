// The faults of a run in mode real: signals to processes, messages to hosts.
#include <signal.h>

#include <filesystem>

#include "scenarios/real_run.h"
#include "sim/faults/describe.h"

namespace twinbed::scenarios {
namespace {

using Kind = ControlMessage::Kind;
using sim::FaultAction;
using sim::FaultSpec;

/// Whether the hosts themselves carry it out, told by its number in the plan.
bool is_for_hosts(FaultAction action) {
  return action == FaultAction::kLink || action == FaultAction::kClock ||
         action == FaultAction::kDisk;
}

}  // namespace

void RealRun::resolve(const FaultSpec& fault, Active& active) {
  const std::vector<sim::NodeStatus> nodes = statuses();
  if (fault.action == FaultAction::kPartition) {
    if (fault.partition != sim::PartitionKind::kMinCut) {
      sim::PartitionPairs pairs = sim::partition_pairs(fault, nodes, select_random_);
      active.blocked = std::move(pairs.blocked);
      active.target = std::move(pairs.target);
      return;
    }
    std::vector<std::uint32_t> ends;
    for (const sim::Selector& group : fault.groups) {
      const auto selected = sim::select_nodes(group, nodes, select_random_);
      if (!selected.empty()) ends.push_back(selected.front());
    }
    if (ends.size() != 2) return;
    active.blocked = paths_.parted_by(paths_.min_cut(ends[0], ends[1]));
    active.target = sim::join_names(ends, nodes);
  } else if (fault.action == FaultAction::kLink) {
    for (std::uint32_t node = 0; node < nodes.size(); ++node) active.nodes.push_back(node);
    active.target = fault.link_between ? (*fault.link_between)[0] + "-" + (*fault.link_between)[1]
                                       : "all links";
  } else {
    active.nodes = sim::select_nodes(fault.select, nodes, select_random_);
    active.target = sim::join_names(active.nodes, nodes);
  }
}

std::string RealRun::begin_fault(std::size_t index) {
  const FaultSpec& fault = plan_[index];
  Active& active = active_[index];
  active.lasting = true;
  resolve(fault, active);
  record(index, FaultPhase::kBegin, run_now());
  if (fault.action == FaultAction::kPartition) {
    send_blocked();
    active.touched_before = touched_now();
    return {};
  }
  for (std::uint32_t node : active.nodes) {
    if (is_for_hosts(fault.action)) {
      Member& member = members_[node];
      if (member.down) continue;
      member.process->send(
          encode_control({Kind::kFault, static_cast<std::int64_t>(index), true, {}, {}}));
      ++active.touched;
    } else if (const std::string problem = apply_to_node(fault, node, active); !problem.empty()) {
      return problem;
    }
  }
  return {};
}

std::string RealRun::end_fault(std::size_t index) {
  const FaultSpec& fault = plan_[index];
  Active& active = active_[index];
  if (!active.lasting) return {};
  active.lasting = false;
  record(index, FaultPhase::kEnd, run_now());
  if (fault.action == FaultAction::kPartition) {
    send_blocked();
    return {};
  }
  for (std::uint32_t node : active.nodes) {
    Member& member = members_[node];
    if (is_for_hosts(fault.action)) {
      if (member.down) continue;
      member.process->send(
          encode_control({Kind::kFault, static_cast<std::int64_t>(index), false, {}, {}}));
    } else if (const std::string problem = undo_on_node(fault, node); !problem.empty()) {
      return problem;
    }
  }
  return {};
}

std::string RealRun::apply_to_node(const FaultSpec& fault, std::uint32_t node, Active& active) {
  Member& member = members_[node];
  if (fault.action == FaultAction::kRestart) {
    kill_node(node, SIGKILL);
    if (!fault.with_disk) {
      std::error_code code;
      std::filesystem::remove_all(
          real_.work_directory + "/" + scenario_.nodes[node].name + ".files", code);
    }
    ++active.touched;
    return spawn(node);
  }
  if (member.down) return {};
  ++active.touched;
  if (fault.action == FaultAction::kCrash) kill_node(node, SIGKILL);
  if (fault.action == FaultAction::kStop) kill_node(node, SIGTERM);
  if (fault.action == FaultAction::kPause) member.process->signal(SIGSTOP);
  return {};
}

std::string RealRun::undo_on_node(const FaultSpec& fault, std::uint32_t node) {
  if (fault.action == FaultAction::kCrash || fault.action == FaultAction::kStop) {
    if (!members_[node].down) return {};
    kill_node(node, SIGKILL);
    return spawn(node);
  }
  if (fault.action == FaultAction::kPause) members_[node].process->signal(SIGCONT);
  return {};
}

void RealRun::kill_node(std::uint32_t node, int signal) {
  Member& member = members_[node];
  if (!member.process) return;
  member.down = true;
  member.ready = false;
  member.role.clear();
  member.process->signal(signal);
  if (signal == SIGKILL) member.process.reset();
}

void RealRun::send_blocked_to(std::size_t node) {
  ControlMessage message{Kind::kBlocked, 0, false, {}, {}};
  for (const Active& active : active_) {
    if (!active.lasting) continue;
    message.pairs.insert(message.pairs.end(), active.blocked.begin(), active.blocked.end());
  }
  members_[node].process->send(encode_control(message));
}

void RealRun::send_blocked() {
  for (std::size_t node = 0; node < members_.size(); ++node) {
    if (!members_[node].down && members_[node].ready) send_blocked_to(node);
  }
}

void RealRun::record(std::size_t index, FaultPhase phase, Time at) {
  const FaultSpec& fault = plan_[index];
  Active& active = active_[index];
  if (phase == FaultPhase::kEnd && fault.action == FaultAction::kPartition) {
    active.touched = touched_now() - active.touched_before;
  }
  const std::string detail = sim::describe_fault(fault);
  FaultRow row;
  row.index = static_cast<std::uint32_t>(index);
  row.phase = phase;
  row.action = sim::to_string(fault.action);
  row.target = active.target;
  row.detail = detail;
  row.touched = active.touched;
  store_.sink().fault(at, row);
}

}  // namespace twinbed::scenarios
