// What the rows of a run say about its nodes at the present row: who is up, who leads, who believes
// whom to lead. The leader checkers and the measures stand on it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/io/run_sink.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/fault_log.h"

namespace twinbed::sim {

/// Whom a node takes for the leader.
struct LeaderView {
  std::string name;                 ///< empty: nobody
  std::optional<NodeIndex> node{};  ///< absent: nobody, or one who is not in the table
  Time since{};
};

struct NodeState {
  bool up = true;
  bool stopped = false;  ///< down because it was asked to; what it still records does not revive it
  std::optional<Time> up_since{};  ///< absent: from the start of the run
  // By index in the drawn plan. A fault that finds nothing to change is not noted, as its end does
  // not undo what it did not do.
  std::optional<std::uint32_t> down_by{};     ///< the crash or stop that took it down
  std::optional<std::uint32_t> stalled_by{};  ///< the fault that pauses or hangs it
  std::optional<Time> resumed_at{};
  std::string role;  ///< as recorded; empty: none since it started
  std::optional<std::int64_t> term{};
  std::optional<LeaderView> view{};  ///< absent: none recorded since it started
  std::uint32_t incarnation = 0;     ///< rises with every crash, stop and restart
  std::uint32_t disk_losses = 0;
};

/// What an event row changed.
struct Noted {
  enum class Kind : std::uint8_t { kNothing, kRole, kView } kind = Kind::kNothing;
  NodeIndex node = 0;
};

class RunState {
 public:
  /// Nodes whose scenario role is `server_role`, or empty, are the servers.
  RunState(const RunNodes& nodes, std::string leader_role, std::string_view server_role);

  /// Takes in a row; nothing is noted of events other than roles and views, and of unknown nodes.
  Noted event(Time at, NodeId node, const EventType& type, std::span<const Field> fields);
  /// Takes in a row. Returns the fault that began or ended; null for the end of one that never
  /// began.
  const SeenFault* fault(Time at, const FaultRow& row);

  std::optional<NodeIndex> find(NodeId id) const;
  /// The node that an event's field names: by the protocol's number for it, or by its name.
  std::optional<NodeIndex> named(const Field& field) const;

  std::size_t size() const { return states_.size(); }
  NodeId id(NodeIndex node) const { return nodes_[node].id; }
  const std::string& name(NodeIndex node) const { return nodes_[node].name; }
  const NodeState& state(NodeIndex node) const { return states_[node]; }
  const std::vector<NodeIndex>& servers() const { return servers_; }
  bool is_server(NodeIndex node) const;
  const FaultLog& faults() const { return faults_; }
  bool any_role() const { return any_role_; }

  /// Up, and neither paused nor hung.
  bool runs(NodeIndex node) const;
  /// The same at the end of the run, for which faults that were never lifted still last.
  bool runs_at_end(NodeIndex node, Time run_end) const;
  /// Whether this node, at the time of the present row, has no two-way contact to a majority of
  /// the servers that run, itself counted: partitions, or what befell the others.
  bool lacks_majority(NodeIndex node, Time at) const;
  bool holds_lead(NodeIndex node) const { return states_[node].role == leader_role_; }
  /// From when on the node runs without a break; the start of the run where it always did.
  Time runs_since(NodeIndex node) const;
  /// The nodes that run and hold the leader's role, ascending.
  std::vector<NodeIndex> leaders() const;
  /// "node1", "node1 and node3", "node1, node2 and node3".
  std::string names(std::span<const NodeIndex> nodes) const;

 private:
  void begin_fault(Time at, const SeenFault& fault);
  void end_fault(Time at, const SeenFault& fault);
  void forget(NodeState& state);
  LeaderView view_of(Time at, std::span<const Field> fields) const;

  const RunNodes nodes_;
  const std::string leader_role_;
  std::vector<NodeIndex> servers_;
  std::vector<NodeState> states_;
  std::map<NodeId, NodeIndex> index_;
  FaultLog faults_;
  bool any_role_ = false;
};

/// A stretch of time during which the same nodes led.
struct LeaderSpan {
  Time from{};
  Time to{};
  std::vector<NodeIndex> leaders;
};

/// Who led when. Feed it every row of the run state's.
class LeaderTimeline {
 public:
  /// After each row that may have changed who leads.
  void update(Time at, const RunState& run);

  /// The whole run up to its end: no gaps, no empty stretches, neighbours differ.
  std::vector<LeaderSpan> spans(Time end) const;

 private:
  struct Change {
    Time at{};
    std::vector<NodeIndex> leaders;
  };
  std::vector<Change> changes_{Change{}};
};

}  // namespace twinbed::sim
