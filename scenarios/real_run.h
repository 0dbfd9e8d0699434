// A run in mode real on this machine: processes, timeline, faults.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/sqlite/store.h"
#include "backends/testbed/child_process.h"
#include "backends/testbed/loopback_claim.h"
#include "core/base/random_stream.h"
#include "scenarios/build_network.h"
#include "scenarios/node/control.h"
#include "scenarios/node_paths.h"
#include "scenarios/real_air.h"
#include "scenarios/real_capture.h"
#include "scenarios/run.h"
#include "scenarios/workload.h"
#include "sim/faults/select.h"

namespace twinbed::scenarios {

/// Starts a process for each node, carries out workload and faults at their times, and ends the
/// processes. It talks to them over their control channels (scenarios/node/control.h).
///
///     start all ──► all ready ──► common start ──► timeline ──► stop all ──► their stores
///
/// Crashes are SIGKILL, pauses SIGSTOP and SIGCONT. Partitions are kept in each host (LiveHost), as
/// are hangs and link, clock and disk faults. Before a power failure kills the processes of a host,
/// the other hosts are told to hear nothing from it any more.
///
/// Where there are radios, the air is one more process (scenarios/real_air.h), which is told of the
/// faults of radios as hosts are told of theirs.
///
/// A node tells of the events for which faults wait, and the runner counts them. Where a crash
/// waits, the node stands still at that step until the runner, a fraction of a millisecond later,
/// kills it or lets it go on; any other fault begins while the node goes on.
class RealRun {
 public:
  RealRun(const Scenario& scenario, const ScenarioFiles& files, const BuiltNetwork& network,
          const RunOptions& options, const RealOptions& real, backends::Store& store);

  const sim::FaultPlan& drawn() const { return plan_; }
  /// Runs to the end; the result is why it failed, empty when it went through.
  std::string execute();
  /// The stores that the node processes wrote.
  const std::vector<std::string>& databases() const { return databases_; }
  /// Run time at the end.
  Time ended_at() const { return ended_at_; }

 private:
  enum class Condition : std::uint8_t { kRuns, kPaused, kHung };
  struct Member {
    std::unique_ptr<backends::ChildProcess> process;
    Condition condition = Condition::kRuns;
    bool has_power = true;       // its host
    std::string role;            // as last recorded
    bool down = true;            // not running, on purpose
    bool ready = false;
    bool stands_still = false;   // at an event for which a crash waits
    std::uint32_t starts = 0;
    std::uint64_t touched = 0;   // as last reported
    bool owes_report = false;
  };
  enum class Action : std::uint8_t { kCommand, kFaultBegin, kFaultEnd };
  struct Item {
    Action action{};
    std::size_t index = 0;       // into the workload or the plan
  };
  /// What a fault that lasts has done.
  struct Active {
    bool lasting = false;
    std::uint32_t events_seen = 0;          // of the type that the fault waits for
    std::optional<std::uint32_t> recorder;  // of the event that it waited for
    std::string target;
    std::vector<std::uint32_t> nodes;
    std::vector<sim::NodePair> blocked;
    std::uint64_t touched = 0;
    std::uint64_t touched_before = 0;
  };

  void build_timeline();
  std::string claim_addresses();
  std::string open_capture();
  std::string write_scenario();
  std::string start_air();
  std::string start_all();
  std::string spawn(std::size_t node);
  std::string follow_timeline();
  /// Listens to the nodes for a moment, at most until an instant, and begins the faults whose
  /// events have come; the result is why the run cannot go on.
  std::string listen_before(Time limit);
  std::string listen_once(int timeout_ms);
  void hear(std::size_t node, const ControlMessage& message);
  std::string carry_out(const Item& item);
  void hear_recorded(std::uint32_t node, const std::vector<std::uint32_t>& faults);
  std::string begin_due();
  void let_go_on();
  void send_watch();
  void send_watch_to(std::size_t node);
  void give_command(const ScheduledCommand& command);
  std::string begin_fault(std::size_t index);
  std::string end_fault(std::size_t index);
  void resolve(const sim::FaultSpec& fault, Active& active);
  bool can_hit(const sim::FaultSpec& fault, std::uint32_t node) const;
  void cut_power(const std::vector<std::uint32_t>& nodes);
  void restore_power(std::uint32_t node);
  void tell_host(std::uint32_t node, std::size_t fault, bool begins);
  void tell_restarted(std::uint32_t node);
  std::string apply_to_node(const sim::FaultSpec& fault, std::uint32_t node, Active& active);
  std::string undo_on_node(const sim::FaultSpec& fault, std::uint32_t node);
  void kill_node(std::uint32_t node, int signal);
  void send_blocked();
  void send_blocked_to(std::size_t node);
  std::uint64_t touched_now();
  void record(std::size_t index, FaultPhase phase, Time at);
  void stop_all();
  std::vector<sim::NodeStatus> statuses(const Active& active) const;
  Time run_now() const;

  const Scenario& scenario_;
  const ScenarioFiles& files_;
  const RunOptions& options_;
  const RealOptions& real_;
  backends::Store& store_;
  NodePaths paths_;
  std::vector<sim::DeviceIndex> hosts_;  // by node
  sim::FaultPlan plan_;
  RandomStream select_random_;
  std::vector<ScheduledCommand> workload_;
  std::multimap<Time, Item> timeline_;  // what is still to come
  std::optional<backends::LoopbackClaim> loopback_;  // held until the processes have ended
  std::unique_ptr<RealCapture> capture_;  // null: nobody wants one
  std::unique_ptr<RealAir> air_;  // null: there are no radios
  std::vector<Member> members_;
  std::vector<Active> active_;
  std::vector<std::size_t> due_;  // faults whose events have come
  std::vector<std::string> databases_;
  std::string scenario_file_;
  std::int64_t start_ns_ = 0;  // CLOCK_MONOTONIC; 0 until the common start
  Time ended_at_{};
};

}  // namespace twinbed::scenarios
