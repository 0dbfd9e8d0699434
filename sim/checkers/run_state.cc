#include "sim/checkers/run_state.h"

#include <algorithm>

namespace twinbed::sim {
namespace {

std::vector<NodeIndex> find_servers(const RunNodes& nodes, std::string_view server_role) {
  std::vector<NodeIndex> servers;
  for (NodeIndex node = 0; node < nodes.size(); ++node) {
    if (nodes[node].role.empty() || nodes[node].role == server_role) servers.push_back(node);
  }
  return servers;
}

}  // namespace

RunState::RunState(const RunNodes& nodes, std::string leader_role, std::string_view server_role)
    : nodes_(nodes),
      leader_role_(std::move(leader_role)),
      servers_(find_servers(nodes, server_role)),
      states_(nodes.size()),
      faults_(nodes, servers_) {
  for (NodeIndex node = 0; node < nodes_.size(); ++node) index_[nodes_[node].id] = node;
}

std::optional<NodeIndex> RunState::find(NodeId id) const {
  const auto found = index_.find(id);
  if (found == index_.end()) return std::nullopt;
  return found->second;
}

std::optional<NodeIndex> RunState::named(const Field& field) const {
  const auto* number = std::get_if<std::int64_t>(&field.value);
  const auto* text = std::get_if<std::string_view>(&field.value);
  for (NodeIndex node = 0; node < nodes_.size(); ++node) {
    const RunNode& candidate = nodes_[node];
    const std::int64_t own_number =
        candidate.number.value_or(static_cast<std::int64_t>(candidate.id));
    if (number != nullptr && *number == own_number) return node;
    if (text != nullptr && *text == candidate.name) return node;
  }
  return std::nullopt;
}

LeaderView RunState::view_of(Time at, std::span<const Field> fields) const {
  LeaderView view;
  view.since = at;
  const Field* leader = find_field(fields, "leader");
  if (leader == nullptr) return view;
  view.node = named(*leader);
  if (view.node) {
    view.name = name(*view.node);
  } else if (const auto* text = std::get_if<std::string_view>(&leader->value)) {
    view.name = *text;
  } else if (const std::int64_t number = int_field(fields, "leader", -1); number >= 0) {
    view.name = "number " + std::to_string(number);
  }
  return view;
}

Noted RunState::event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) {
  const bool is_role = type.name == kRoleEvent.name;
  if (!is_role && type.name != kLeaderViewEvent.name) return {};
  const std::optional<NodeIndex> index = find(node);
  if (!index) return {};
  NodeState& state = states_[*index];
  if (!state.up) {
    if (state.stopped) return {};
    state.up = true;
    state.down_by.reset();
    state.up_since = at;
  }
  if (!is_role) {
    state.view = view_of(at, fields);
    return {Noted::Kind::kView, *index};
  }
  any_role_ = true;
  state.role = text_field(fields, "role");
  const Field* term = find_field(fields, "term");
  const auto* number = term != nullptr ? std::get_if<std::int64_t>(&term->value) : nullptr;
  state.term = number != nullptr ? std::optional(*number) : std::nullopt;
  return {Noted::Kind::kRole, *index};
}

void RunState::forget(NodeState& state) {
  state.role.clear();
  state.term.reset();
  state.view.reset();
  state.stalled_by.reset();
  ++state.incarnation;
}

void RunState::begin_fault(Time at, const SeenFault& fault) {
  for (NodeIndex node : fault.nodes) {
    NodeState& state = states_[node];
    switch (fault.effect) {
      case FaultEffect::kCrash:
      case FaultEffect::kStop:
        if (!state.up) break;
        forget(state);
        state.up = false;
        state.down_by = fault.index;
        state.stopped = fault.effect == FaultEffect::kStop;
        break;
      case FaultEffect::kRestart:
        forget(state);
        state.up = true;
        state.down_by.reset();
        state.stopped = false;
        state.up_since = at;
        if (!fault.with_disk) ++state.disk_losses;
        break;
      case FaultEffect::kStall:
        if (state.up && !state.stalled_by) state.stalled_by = fault.index;
        break;
      case FaultEffect::kCut:
      case FaultEffect::kClock:
      case FaultEffect::kOther:
        break;
    }
  }
}

void RunState::end_fault(Time at, const SeenFault& fault) {
  for (NodeIndex node : fault.nodes) {
    NodeState& state = states_[node];
    if (state.stalled_by == fault.index) {
      state.stalled_by.reset();
      state.resumed_at = at;
    }
    if (state.down_by != fault.index) continue;
    state.down_by.reset();
    state.up = true;
    state.stopped = false;
    state.up_since = at;
  }
}

const SeenFault* RunState::fault(Time at, const FaultRow& row) {
  const SeenFault* seen = faults_.row(at, row);
  if (seen == nullptr) return nullptr;
  if (row.phase == FaultPhase::kBegin) {
    begin_fault(at, *seen);
  } else {
    end_fault(at, *seen);
  }
  return seen;
}

bool RunState::is_server(NodeIndex node) const {
  return std::binary_search(servers_.begin(), servers_.end(), node);
}

bool RunState::runs(NodeIndex node) const {
  return states_[node].up && !states_[node].stalled_by;
}

bool RunState::runs_at_end(NodeIndex node, Time run_end) const {
  const NodeState& state = states_[node];
  return runs(node) && state.up_since != run_end && state.resumed_at != run_end;
}

bool RunState::lacks_majority(NodeIndex node, Time at) const {
  const auto in_contact = std::count_if(servers_.begin(), servers_.end(), [&](NodeIndex server) {
    return server == node || (runs(server) && !faults_.parted(node, server, at));
  });
  return static_cast<std::size_t>(in_contact) < servers_.size() / 2 + 1;
}

Time RunState::runs_since(NodeIndex node) const {
  const NodeState& state = states_[node];
  return std::max(state.up_since.value_or(Time{}), state.resumed_at.value_or(Time{}));
}

std::vector<NodeIndex> RunState::leaders() const {
  std::vector<NodeIndex> leaders;
  for (NodeIndex node = 0; node < states_.size(); ++node) {
    if (holds_lead(node) && runs(node)) leaders.push_back(node);
  }
  return leaders;
}

std::string RunState::names(std::span<const NodeIndex> nodes) const {
  std::string text;
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    if (i > 0) text += i + 1 == nodes.size() ? " and " : ", ";
    text += name(nodes[i]);
  }
  return text;
}

void LeaderTimeline::update(Time at, const RunState& run) {
  std::vector<NodeIndex> leaders = run.leaders();
  if (leaders == changes_.back().leaders) return;
  changes_.push_back({at, std::move(leaders)});
}

std::vector<LeaderSpan> LeaderTimeline::spans(Time end) const {
  std::vector<LeaderSpan> spans;
  for (std::size_t i = 0; i < changes_.size(); ++i) {
    const Time to = i + 1 < changes_.size() ? std::min(changes_[i + 1].at, end) : end;
    if (changes_[i].at >= to) continue;
    if (!spans.empty() && spans.back().leaders == changes_[i].leaders) {
      spans.back().to = to;
    } else {
      spans.push_back({changes_[i].at, to, changes_[i].leaders});
    }
  }
  return spans;
}

}  // namespace twinbed::sim
