// What the checkers that look at who leads are built on: the state of the run and who led when.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sim/checkers/checker.h"
#include "sim/checkers/options.h"
#include "sim/checkers/run_state.h"

namespace twinbed::sim {

class LeaderChecker : public Checker {
 public:
  /// `servers`: the scenario's role of the servers; empty where the checker does not need them.
  LeaderChecker(const RunNodes& nodes, std::string leader, std::string_view servers)
      : run_(nodes, std::move(leader), servers) {}

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override;
  void fault(Time at, const FaultRow& row) override;

 protected:
  /// The state of the run is the same from the last call on until `at`, when a row may change it.
  virtual void stays(Time /*at*/) {}
  /// The row that may have changed it has been taken in.
  virtual void changed(Time /*at*/) {}
  /// A node recorded that it leads.
  virtual void leads(Time, NodeIndex) {}
  /// A fault took effect; `leaders` are those that it found.
  virtual void fault_began(const SeenFault&, const std::vector<NodeIndex>& /*leaders*/) {}

  RunState run_;
  LeaderTimeline timeline_;
};

/// "from 1 s to 3 s (2 s)"
std::string stretch(Time from, Time to);

/// The option 'servers', the scenario's role of the servers; refused when no node has it.
std::string read_servers(OptionReader& options, const RunNodes& nodes);

}  // namespace twinbed::sim
