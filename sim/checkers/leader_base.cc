#include "sim/checkers/leader_base.h"

#include <algorithm>

namespace twinbed::sim {

void LeaderChecker::event(Time at, NodeId node, const EventType& type,
                          std::span<const Field> fields) {
  if (type.name != kRoleEvent.name && type.name != kLeaderViewEvent.name) return;
  stays(at);
  const Noted noted = run_.event(at, node, type, fields);
  if (noted.kind == Noted::Kind::kNothing) return;
  timeline_.update(at, run_);
  changed(at);
  if (noted.kind == Noted::Kind::kRole && run_.holds_lead(noted.node)) leads(at, noted.node);
}

void LeaderChecker::fault(Time at, const FaultRow& row) {
  stays(at);
  const std::vector<NodeIndex> leaders = run_.leaders();
  const SeenFault* seen = run_.fault(at, row);
  timeline_.update(at, run_);
  changed(at);
  if (seen != nullptr && row.phase == FaultPhase::kBegin) fault_began(*seen, leaders);
}

std::string stretch(Time from, Time to) {
  return "from " + format_time(from) + " to " + format_time(to) + " (" +
         format_duration(to - from) + ")";
}

std::string read_servers(OptionReader& options, const RunNodes& nodes) {
  const std::string servers = options.text("servers", "server");
  std::vector<std::string_view> roles;
  for (const RunNode& node : nodes) {
    if (node.role.empty() || node.role == servers) return servers;
    if (std::find(roles.begin(), roles.end(), node.role) == roles.end()) roles.push_back(node.role);
  }
  options.refuse("the checker '" + std::string(options.checker()) +
                 "' finds no node with the role '" + servers +
                 "'; the roles of this scenario are " + quoted_list(roles) +
                 ", and its option 'servers' says which one is meant");
  return servers;
}

}  // namespace twinbed::sim
