// Carries out a fault plan in a simulation.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random_stream.h"
#include "core/io/run_sink.h"
#include "sim/faults/radio_faults.h"
#include "sim/faults/select.h"
#include "sim/network/network.h"
#include "sim/node.h"

namespace twinbed::sim {

class FaultInjector {
 public:
  FaultInjector(World& world, Network& network, const std::unique_ptr<RadioMedium>& radio,
                std::vector<std::unique_ptr<Node>>& nodes, RunSink& sink);

  /// Draws the ranges of the plan from the seed and schedules its faults, or makes them wait for
  /// their events. Once.
  void schedule(const FaultPlan& plan);
  /// The plan as drawn; alone it replays the run.
  const FaultPlan& drawn() const { return plan_; }

  void begin(std::uint32_t index);
  void end(std::uint32_t index);
  /// A node's handler has recorded an event. A crash that waited for it begins at once, within the
  /// handler; any other fault is due.
  void on_event(NodeId node, std::string_view type);
  /// Begins the faults that are due, once the handler's requests have been carried out.
  void begin_due();
  /// The run is over: faults that still last are recorded with what they touched.
  void finish();

 private:
  /// What a fault that lasts has done, so that it can be undone.
  struct Active {
    bool lasting = false;
    std::uint32_t events_seen = 0;       // of the type that the fault waits for, in time
    std::optional<NodeId> recorder;      // of the event that it waited for
    std::string target;
    std::vector<std::uint32_t> nodes;    // those in which it changed something
    std::vector<NodePair> blocked;       // of hosts, each once
    std::vector<std::uint32_t> links;
    Time begun{};
    std::uint64_t touched = 0;           // when counted at once
    std::uint64_t count_before = 0;      // of the counter that the fault drives up
  };

  std::vector<NodeStatus> statuses(const Active& active) const;
  std::vector<DeviceIndex> hosts() const;
  void apply(const FaultSpec& fault, Active& active);
  void undo(const FaultSpec& fault, Active& active);
  bool apply_to_node(const FaultSpec& fault, Node& node);
  void undo_on_node(const FaultSpec& fault, Node& node);
  std::vector<DeviceIndex> named_devices(const FaultSpec& fault) const;
  std::vector<std::uint32_t> links_between(const FaultSpec& fault, const Active& active) const;
  void refresh_link(std::uint32_t link);
  void refresh_disk(std::uint32_t node);
  void refresh_radio();
  std::uint64_t counter(const FaultSpec& fault, const Active& active) const;
  void record(std::uint32_t index, FaultPhase phase, const Active& active);

  World& world_;
  Network& network_;
  RadioFaults radio_;
  std::vector<std::unique_ptr<Node>>& nodes_;
  RunSink& sink_;
  RandomStream select_random_;
  FaultPlan plan_;
  std::vector<Active> active_;
  std::vector<std::uint32_t> waiting_;  // those whose event has not come
  std::vector<std::uint32_t> due_;
};

}  // namespace twinbed::sim
