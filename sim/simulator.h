// The simulator: a deterministic world of nodes, network and faults under one seed.
//
//     Simulator simulator(seed, std::move(topology), sink);
//     simulator.add_node({"node1", "server", host}, [] { return std::make_unique<MyProtocol>(); });
//     simulator.set_faults(plan);
//     simulator.run_until(Time{std::chrono::seconds(60)});
//
// The same seed and set-up give the same events in the same order, to the bit, on every machine;
// fingerprint() is a hash of all of them. Many simulators may live in one process, each used from
// one thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/io/run_sink.h"
#include "sim/faults/injector.h"
#include "sim/fingerprint.h"
#include "sim/network/network.h"
#include "sim/node.h"
#include "sim/world.h"

namespace twinbed::sim {

struct NodeOptions {
  std::string name;
  std::string role;          ///< the scenario's word for it
  DeviceIndex host = 0;      ///< in the topology
  Duration clock_offset{};   ///< of the wall clock
  double drift_ppm = 0;      ///< of both clocks
};

class Simulator {
 public:
  /// There is no default seed. The sink outlives the simulator.
  Simulator(std::uint64_t seed, Topology topology, RunSink& sink);
  ~Simulator();
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  /// Adds a node that starts at time 0, in the order in which nodes are added.
  NodeId add_node(const NodeOptions& options, ProtocolFactory factory);
  /// Gives the world its air. Once, before the first event.
  void set_radio(const std::function<std::unique_ptr<RadioMedium>(World&)>& make);
  /// Puts a file on a node's disk.
  void put_file(NodeId node, std::string_view name, Bytes content);
  /// Calls the node's on_command at a time.
  void schedule_command(Time at, NodeId node, Bytes command);
  /// Draws and schedules a fault plan; once, after all nodes are added.
  void set_faults(const FaultPlan& plan) { faults_.schedule(plan); }
  const FaultPlan& drawn_faults() const { return faults_.drawn(); }
  /// Gets what protocols hand to their user.
  void on_deliver(std::function<void(NodeId, Bytes)> receiver) {
    on_deliver_ = std::move(receiver);
  }

  /// Executes the next event; false when there is none or the run has failed.
  bool step();
  /// Executes all events up to and including this time, and moves the clock there, never back.
  void run_until(Time end);
  /// Executes events until the predicate holds after one of them; false if `limit` came first.
  bool run_until(const std::function<bool()>& predicate, Time limit);
  /// Records the faults that still last, and what became of radio frames. Call once, after the last
  /// event.
  void finish();

  Time now() const { return world_.now; }
  /// When step() would be; kNever when nothing is left to do.
  Time next_event_at() { return world_.queue.next_time(); }
  std::uint64_t seed() const { return world_.seed; }
  const Fingerprint& fingerprint() const { return fingerprint_; }
  std::uint64_t events_executed() const { return events_executed_; }
  /// One sentence when the run could not go on: the scenario is at fault.
  const std::optional<std::string>& failure() const { return failure_; }
  Node& node(NodeId id) { return *nodes_[static_cast<std::size_t>(id)]; }
  std::size_t node_count() const { return nodes_.size(); }
  /// Payloads of packets and commands that are not yet released.
  std::size_t payloads_in_use() const { return world_.payloads.in_use(); }
  Network& network() { return network_; }
  /// Null where nobody has a radio.
  RadioMedium* radio() { return radio_.get(); }
  /// From here on each event is put into words before it is executed, so that two runs can be
  /// compared.
  void describe_events() { describing_ = true; }
  const std::string& last_description() const { return last_description_; }

 private:
  void dispatch(const Event& event);
  std::uint64_t payload_hash(const Event& event) const;
  std::string describe(const Event& event) const;
  void hand_out_deliveries();
  void hand_out_frames();
  void record_cards();

  World world_;
  RunSink& sink_;
  Network network_;
  std::unique_ptr<RadioMedium> radio_;
  RequestBuffer requests_;  // of all nodes, so that it stays in the processor's cache
  std::vector<std::unique_ptr<Node>> nodes_;
  FaultInjector faults_;
  Fingerprint fingerprint_;
  std::function<void(NodeId, Bytes)> on_deliver_;
  std::optional<std::string> failure_;
  std::uint64_t events_executed_ = 0;
  bool describing_ = false;
  std::string last_description_;
};

}  // namespace twinbed::sim
