// The faults of a run in mode real: signals to processes, messages to hosts.
#include <signal.h>

#include <algorithm>
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
         action == FaultAction::kDisk || action == FaultAction::kHang;
}

}  // namespace

void RealRun::resolve(const FaultSpec& fault, Active& active) {
  const std::vector<sim::NodeStatus> nodes = statuses(active);
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
  } else if (fault.action != FaultAction::kJam) {
    active.nodes = sim::select_nodes(fault.select, nodes, select_random_);
    if (fault.cause == sim::CrashCause::kPowerFailure) {
      active.nodes = sim::on_the_hosts_of(active.nodes, hosts_);
    }
    active.target = sim::join_names(active.nodes, nodes);
  }
}

/// Whether the fault finds something to change in a node, as in the simulator: what it did not do,
/// its end does not undo.
bool RealRun::can_hit(const FaultSpec& fault, std::uint32_t node) const {
  const Member& member = members_[node];
  switch (fault.action) {
    case FaultAction::kCrash:
    case FaultAction::kStop: return !member.down;
    case FaultAction::kPause:
    case FaultAction::kHang: return !member.down && member.condition == Condition::kRuns;
    default: return true;
  }
}

/// Counts the events for which faults wait, in the order in which they are heard.
void RealRun::hear_recorded(std::uint32_t node, const std::vector<std::uint32_t>& faults) {
  for (const std::uint32_t index : faults) {
    if (index >= plan_.size() || plan_[index].on.empty()) continue;
    if (plan_[index].action == FaultAction::kCrash) members_[node].stands_still = true;
    Active& active = active_[index];
    if (active.recorder || ++active.events_seen < plan_[index].nth) continue;
    active.recorder = node;
    due_.push_back(index);
  }
}

/// As in the simulator: crashes at the event, the other faults when its handler has gone on. While
/// a fault begins, further events may come.
std::string RealRun::begin_due() {
  const auto is_crash = [this](std::size_t index) {
    return plan_[index].action == FaultAction::kCrash;
  };
  for (;;) {
    auto next = std::find_if(due_.begin(), due_.end(), is_crash);
    if (next == due_.end()) {
      let_go_on();
      next = due_.begin();
    }
    if (next == due_.end()) return {};
    const std::size_t index = *next;
    due_.erase(next);
    send_watch();
    if (const std::string problem = begin_fault(index); !problem.empty()) return problem;
  }
}

void RealRun::let_go_on() {
  for (Member& member : members_) {
    if (!member.stands_still) continue;
    member.stands_still = false;
    member.process->send(encode_control({Kind::kGoOn, 0, false, {}, {}}));
  }
}

void RealRun::send_watch_to(std::size_t node) {
  ControlMessage message{Kind::kWatch, 0, false, {}, {}};
  for (std::uint32_t index = 0; index < plan_.size(); ++index) {
    if (!plan_[index].on.empty() && !active_[index].recorder) message.faults.push_back(index);
  }
  members_[node].process->send(encode_control(message));
}

void RealRun::send_watch() {
  for (std::size_t node = 0; node < members_.size(); ++node) {
    if (!members_[node].down && members_[node].ready) send_watch_to(node);
  }
}

std::string RealRun::begin_fault(std::size_t index) {
  const FaultSpec& fault = plan_[index];
  Active& active = active_[index];
  active.lasting = true;
  resolve(fault, active);
  const Time now = run_now();
  if (!fault.on.empty() && fault.lasts) {
    timeline_.insert({now + fault.lasts->low, {Action::kFaultEnd, index}});
  }
  record(index, FaultPhase::kBegin, now);
  if (fault.action == FaultAction::kPartition) {
    send_blocked();
    active.touched_before = touched_now();
    return {};
  }
  if (sim::is_radio_fault(fault.action)) {
    if (air_) air_->begin_fault(index, active.nodes);
    return {};
  }
  std::erase_if(active.nodes, [&](std::uint32_t node) { return !can_hit(fault, node); });
  if (fault.cause == sim::CrashCause::kPowerFailure) cut_power(active.nodes);
  for (std::uint32_t node : active.nodes) {
    if (is_for_hosts(fault.action)) {
      if (members_[node].down) continue;
      if (fault.action == FaultAction::kHang) members_[node].condition = Condition::kHung;
      tell_host(node, index, true);
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
  if (sim::is_radio_fault(fault.action)) return {};  // to count what it touched was to end it
  for (std::uint32_t node : active.nodes) {
    Member& member = members_[node];
    if (is_for_hosts(fault.action)) {
      if (member.condition == Condition::kHung && fault.action == FaultAction::kHang) {
        member.condition = Condition::kRuns;
      }
      tell_host(node, index, false);
    } else if (const std::string problem = undo_on_node(fault, node); !problem.empty()) {
      return problem;
    }
  }
  return {};
}

void RealRun::tell_host(std::uint32_t node, std::size_t fault, bool begins) {
  if (members_[node].down) return;
  members_[node].process->send(
      encode_control({Kind::kFault, static_cast<std::int64_t>(fault), begins, {}, {}}));
}

/// A new process does not know what goes wrong around it. A hang before it was ready is for it, one
/// before it was started was not.
void RealRun::tell_restarted(std::uint32_t node) {
  send_blocked_to(node);
  for (std::size_t index = 0; index < active_.size(); ++index) {
    const Active& active = active_[index];
    const FaultAction action = plan_[index].action;
    if (!active.lasting || !is_for_hosts(action) ||
        std::find(active.nodes.begin(), active.nodes.end(), node) == active.nodes.end()) {
      continue;
    }
    if (action == FaultAction::kHang && members_[node].condition != Condition::kHung) continue;
    tell_host(node, index, true);
  }
}

/// The hosts fall silent before their processes die, so that no peer sees what their kernels do for
/// dead processes.
void RealRun::cut_power(const std::vector<std::uint32_t>& nodes) {
  for (std::uint32_t node : nodes) members_[node].has_power = false;
  send_blocked();
  (void)touched_now();  // whoever has answered has heard of it
}

/// A process starts on the node's host.
void RealRun::restore_power(std::uint32_t node) {
  for (std::size_t other = 0; other < members_.size(); ++other) {
    if (hosts_[other] == hosts_[node]) members_[other].has_power = true;
  }
  send_blocked();
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
  if (fault.action == FaultAction::kPause) {
    member.condition = Condition::kPaused;
    member.process->signal(SIGSTOP);
  }
  return {};
}

std::string RealRun::undo_on_node(const FaultSpec& fault, std::uint32_t node) {
  if (fault.action == FaultAction::kCrash || fault.action == FaultAction::kStop) {
    if (!members_[node].down) return {};
    kill_node(node, SIGKILL);
    return spawn(node);
  }
  Member& member = members_[node];
  if (fault.action == FaultAction::kPause && member.condition == Condition::kPaused) {
    member.condition = Condition::kRuns;
    member.process->signal(SIGCONT);
  }
  return {};
}

void RealRun::kill_node(std::uint32_t node, int signal) {
  Member& member = members_[node];
  if (!member.process) return;
  member.down = true;
  member.ready = false;
  member.condition = Condition::kRuns;
  member.role.clear();
  member.process->signal(signal);
  if (signal == SIGTERM) member.process->signal(SIGCONT);  // one that is paused hears of it, too
  if (signal != SIGKILL) return;
  member.stands_still = false;
  member.process.reset();
}

void RealRun::send_blocked_to(std::size_t node) {
  ControlMessage message{Kind::kBlocked, 0, false, {}, {}};
  for (const Active& active : active_) {
    if (!active.lasting) continue;
    message.pairs.insert(message.pairs.end(), active.blocked.begin(), active.blocked.end());
  }
  for (std::uint32_t other = 0; other < members_.size(); ++other) {
    if (!members_[other].has_power) message.off.push_back(other);
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
  if (phase == FaultPhase::kEnd && sim::is_radio_fault(fault.action) && air_) {
    active.touched = air_->end_fault(index);
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
