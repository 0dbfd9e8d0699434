#include "sim/checkers/measures.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/checkers/item_ledger.h"
#include "sim/checkers/run_state.h"
#include "sim/checkers/traffic_ledger.h"

namespace twinbed::sim {
namespace {

/// A moment, and the node that made it.
struct Mark {
  Time at{};
  NodeIndex node = 0;
};

/// A leader as a fault found it.
struct FormerLeader {
  NodeIndex node = 0;
  bool was_cut_off = false;
};

/// One leader's fault and what followed.
struct Failover {
  Time at{};
  NodeIndex fallen = 0;
  std::uint32_t fault = 0;
  bool keeps_state = false;  ///< pause, hang, partition: it may come back as the leader it was
  bool closed = false;       ///< nothing that happens from here on belongs to it
  std::optional<Mark> detected{};
  std::optional<Mark> elected{};
  std::vector<NodeIndex> successors{};
  std::vector<Mark> viewed{};

  bool in_view(NodeIndex server) const {
    return std::any_of(viewed.begin(), viewed.end(),
                       [&](const Mark& mark) { return mark.node == server; });
  }
  bool is_successor(NodeIndex node) const {
    return std::find(successors.begin(), successors.end(), node) != successors.end();
  }
};

}  // namespace

struct RunMeasures::State {
  State(const RunNodes& nodes, std::string leader_role, std::string_view server_role)
      : run(nodes, std::move(leader_role), server_role) {}

  void note_role(Time at, NodeIndex node);
  void note_execution(NodeId node);
  void note_suspicion(Time at, NodeId node, std::span<const Field> fields);
  void begin_failovers(const SeenFault& fault, const std::vector<FormerLeader>& leaders);
  void end_failovers(const SeenFault& fault);
  void follow(Time at);
  void follow_one(Time at, Failover& failover) const;

  void failover_figures(Time end, std::vector<Measurement>& out) const;
  void view_figures(Time end, const Failover& failover, std::vector<Measurement>& out) const;
  void image_figures(std::vector<Measurement>& out) const;
  void leader_figures(Time end, std::vector<Measurement>& out) const;
  void traffic_figures(Time end, std::vector<Measurement>& out) const;

  RunState run;
  LeaderTimeline timeline;
  ItemLedger ledger;
  TrafficLedger traffic;
  std::vector<Failover> failovers;
  std::optional<NodeIndex> last_leader;
  std::map<NodeIndex, Time> leads_since;
  std::optional<Mark> first_leader;
  std::optional<std::int64_t> first_term;
  std::size_t changes = 0;
};

RunMeasures::RunMeasures(const RunNodes& nodes, std::string leader_role,
                                 std::string server_role)
    : state_(std::make_unique<State>(nodes, std::move(leader_role), server_role)) {}

RunMeasures::~RunMeasures() = default;

void RunMeasures::State::note_role(Time at, NodeIndex node) {
  timeline.update(at, run);
  if (!run.holds_lead(node)) return;
  leads_since[node] = at;
  const std::optional<NodeIndex> previous = std::exchange(last_leader, node);
  if (previous && *previous != node) ++changes;
  // A fallen leader that is itself elected again ends its failover; one that is still cut off
  // merely repeats what it believes.
  if (run.faults().cut_off(node, at)) return;
  for (Failover& failover : failovers) {
    if (failover.fallen == node) failover.closed = true;
  }
}

void RunMeasures::State::note_execution(NodeId id) {
  const std::optional<NodeIndex> node = run.find(id);
  if (first_leader || !node || !run.holds_lead(*node)) return;
  first_leader = Mark{leads_since[*node], *node};
  first_term = run.state(*node).term;
}

void RunMeasures::State::note_suspicion(Time at, NodeId node, std::span<const Field> fields) {
  const std::optional<NodeIndex> who = run.find(node);
  const Field* suspect = find_field(fields, "suspect");
  if (!who || suspect == nullptr || !run.is_server(*who) || !run.runs(*who)) return;
  const std::optional<NodeIndex> whom = run.named(*suspect);
  for (Failover& failover : failovers) {
    if (failover.closed || failover.detected || whom != failover.fallen) continue;
    if (*who != failover.fallen) failover.detected = Mark{at, *who};
  }
}

void RunMeasures::State::begin_failovers(const SeenFault& fault,
                                             const std::vector<FormerLeader>& leaders) {
  const bool takes_down = fault.effect == FaultEffect::kCrash ||
                          fault.effect == FaultEffect::kStop ||
                          fault.effect == FaultEffect::kRestart;
  const bool hides = fault.effect == FaultEffect::kStall || fault.effect == FaultEffect::kCut;
  if (!takes_down && !hides) return;
  for (Failover& failover : failovers) {
    if (takes_down && fault.concerns(failover.fallen)) failover.keeps_state = false;
  }
  std::vector<Failover> begun;
  for (const auto& [leader, was_cut_off] : leaders) {
    // Who is cut off already does not fall again by being hidden once more.
    if (!fault.concerns(leader) || (hides && was_cut_off)) continue;
    Failover& failover = begun.emplace_back();
    failover.at = fault.begin;
    failover.fallen = leader;
    failover.fault = fault.index;
    failover.keeps_state = hides;
  }
  if (begun.empty()) return;
  for (Failover& failover : failovers) failover.closed = true;
  failovers.insert(failovers.end(), begun.begin(), begun.end());
}

void RunMeasures::State::end_failovers(const SeenFault& fault) {
  std::erase_if(failovers, [&](const Failover& failover) {
    return failover.fault == fault.index && failover.keeps_state && !failover.detected &&
           !failover.elected;
  });
}

void RunMeasures::State::follow(Time at) {
  for (Failover& failover : failovers) {
    if (!failover.closed) follow_one(at, failover);
  }
}

void RunMeasures::State::follow_one(Time at, Failover& failover) const {
  for (NodeIndex leader : run.leaders()) {
    if (leader == failover.fallen || !run.is_server(leader)) continue;
    if (!failover.elected) failover.elected = Mark{at, leader};
    if (!failover.is_successor(leader)) failover.successors.push_back(leader);
  }
  for (NodeIndex server : run.servers()) {
    if (server == failover.fallen || !run.runs(server) || failover.in_view(server)) continue;
    const auto& view = run.state(server).view;
    const bool leads = run.holds_lead(server) && failover.is_successor(server);
    const bool sees = view && view->node && failover.is_successor(*view->node);
    if (leads || sees) failover.viewed.push_back({at, server});
  }
}

void RunMeasures::event(Time at, NodeId node, const EventType& type,
                        std::span<const Field> fields) {
  state_->traffic.event(node, type, fields);
  if (type.name == kSuspectEvent.name) {
    state_->note_suspicion(at, node, fields);
    return;
  }
  if (type.name == "raft.apply") {
    state_->note_execution(node);
    return;
  }
  const Noted noted = state_->run.event(at, node, type, fields);
  if (noted.kind == Noted::Kind::kNothing) {
    state_->ledger.event(at, node, type, fields, state_->run);
    return;
  }
  if (noted.kind == Noted::Kind::kRole) state_->note_role(at, noted.node);
  state_->follow(at);
}

void RunMeasures::fault(Time at, const FaultRow& row) {
  std::vector<FormerLeader> leaders;
  for (NodeIndex leader : state_->run.leaders()) {
    leaders.push_back({leader, state_->run.faults().cut_off(leader, at)});
  }
  const SeenFault* seen = state_->run.fault(at, row);
  state_->timeline.update(at, state_->run);
  if (seen == nullptr) return;
  if (row.phase == FaultPhase::kBegin) {
    state_->begin_failovers(*seen, leaders);
  } else {
    state_->end_failovers(*seen);
  }
  state_->follow(at);
}

void RunMeasures::State::view_figures(Time end, const Failover& failover,
                                          std::vector<Measurement>& out) const {
  for (const Mark& mark : failover.viewed) {
    out.push_back({kFailoverView, to_seconds(mark.at - failover.at), run.id(mark.node)});
  }
  const bool all = std::all_of(run.servers().begin(), run.servers().end(), [&](NodeIndex server) {
    return server == failover.fallen || failover.in_view(server) || !run.runs_at_end(server, end);
  });
  if (all && !failover.viewed.empty()) {
    out.push_back({kFailoverView, to_seconds(failover.viewed.back().at - failover.at)});
  }
}

void RunMeasures::State::failover_figures(Time end, std::vector<Measurement>& out) const {
  for (const Failover& failover : failovers) {
    if (const auto& mark = failover.detected) {
      out.push_back({kFailoverDetect, to_seconds(mark->at - failover.at), run.id(mark->node)});
    }
    if (const auto& mark = failover.elected) {
      out.push_back({kFailoverElect, to_seconds(mark->at - failover.at), run.id(mark->node)});
    }
    view_figures(end, failover, out);
  }
}

void RunMeasures::State::image_figures(std::vector<Measurement>& out) const {
  if (ledger.items().empty()) return;
  std::size_t submitted = 0;
  std::size_t acknowledged = 0;
  std::size_t stored = 0;
  std::size_t lost = 0;
  for (const auto& [id, item] : ledger.items()) {
    const bool kept = !holders(item, run).empty();
    submitted += item.submitted_at ? 1 : 0;
    acknowledged += item.acked_at ? 1 : 0;
    stored += kept ? 1 : 0;
    lost += item.submitted_at && !kept ? 1 : 0;
  }
  out.push_back({kImagesSubmitted, static_cast<double>(submitted)});
  out.push_back({kImagesAcknowledged, static_cast<double>(acknowledged)});
  out.push_back({kImagesStored, static_cast<double>(stored)});
  out.push_back({kImagesLost, static_cast<double>(lost)});
}

void RunMeasures::State::leader_figures(Time end, std::vector<Measurement>& out) const {
  if (!run.any_role()) return;
  Duration dual{};
  for (const LeaderSpan& span : timeline.spans(end)) {
    if (span.leaders.size() > 1) dual += span.to - span.from;
  }
  out.push_back({kLeadersDual, to_seconds(dual)});
  out.push_back({kLeadersChanges, static_cast<double>(changes)});
  if (!first_leader) return;
  const NodeId first = run.id(first_leader->node);
  out.push_back({kLeadersFirst, to_seconds(first_leader->at - Time{}), first});
  if (first_term) out.push_back({kLeadersFirstTerm, static_cast<double>(*first_term), first});
}

void RunMeasures::State::traffic_figures(Time end, std::vector<Measurement>& out) const {
  const TrafficFigures found =
      traffic.figures(Duration{}, end - Time{} - TrafficLedger::kSettle);
  if (found.sent == 0) return;
  out.push_back({kTrafficLost, found.loss()});
  out.push_back({kTrafficPause, to_seconds(found.pause)});
  if (found.received > 0) out.push_back({kTrafficDelay, to_seconds(found.delay)});
}

std::vector<Measurement> RunMeasures::finish(Time end) {
  std::vector<Measurement> figures;
  state_->failover_figures(end, figures);
  state_->image_figures(figures);
  state_->leader_figures(end, figures);
  state_->traffic_figures(end, figures);
  return figures;
}

}  // namespace twinbed::sim
