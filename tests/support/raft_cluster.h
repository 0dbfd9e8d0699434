// A Raft cluster in the simulator, watched by the checker of Raft's promises.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/protocols/raft/server.h"
#include "sim/checkers/checker.h"
#include "sim/simulator.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {

struct RaftClusterOptions {
  std::uint64_t seed = 1;
  std::uint32_t servers = 3;
  sim::LinkParams link{};  ///< of each of the two links on a way
  /// Changes a server's options before it is built.
  std::function<void(raft::Options&)> adjust;
  std::size_t planned_faults = 0;
};

/// The items that the cluster has promised to keep.
class AckedItems final : public RunSink {
 public:
  const std::set<std::string>& items() const { return items_; }

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time, NodeId, const EventType& type, std::span<const Field> fields) override {
    if (type.name == kAckEvent.name) items_.emplace(text_field(fields, "id"));
  }
  void fault(Time, const FaultRow&) override {}

 private:
  std::set<std::string> items_;
};

/// Servers 1 to n are the nodes 0 to n-1.
class RaftCluster {
 public:
  explicit RaftCluster(RaftClusterOptions options)
      : options_(std::move(options)),
        checkers_(options_.planned_faults),
        topology_(star_topology(options_.servers, options_.link)),
        simulator_(options_.seed, topology_, tee_) {
    sim::RunNodes nodes;
    for (std::uint32_t id = 1; id <= options_.servers; ++id) {
      nodes.push_back({NodeId{id - 1}, "node" + std::to_string(id), "server", id});
      peers_.push_back({id, {topology_.devices[id].address, 7001}});
    }
    checkers_.add(*sim::make_checker("raft_safety", {}, nodes));
    tee_.add(checkers_);
    tee_.add(acked_);
    for (std::uint32_t id = 1; id <= options_.servers; ++id) {
      simulator_.add_node({"node" + std::to_string(id), "server", id, {}, 0},
                          [this, id] {
                            return std::make_unique<raft::Server>(server_options(id));
                          });
    }
  }

  sim::Simulator& simulator() { return simulator_; }
  Time now() const { return simulator_.now(); }
  std::uint32_t size() const { return options_.servers; }

  /// Null while the process is down.
  raft::Server* server(raft::ServerId id) {
    return static_cast<raft::Server*>(simulator_.node(NodeId{id - 1}).protocol());
  }
  void crash(raft::ServerId id) { simulator_.node(NodeId{id - 1}).crash(); }
  void restart(raft::ServerId id) { simulator_.node(NodeId{id - 1}).start(); }
  void run_for(Duration duration) { simulator_.run_until(simulator_.now() + duration); }
  bool run_until(const std::function<bool()>& holds, Duration limit) {
    return holds() || simulator_.run_until(holds, simulator_.now() + limit);
  }
  void submit(raft::ServerId id, std::string_view item) {
    simulator_.schedule_command(simulator_.now(), NodeId{id - 1}, as_bytes(item));
  }

  /// The leader with the highest term; kNobody where none leads.
  raft::ServerId leader() {
    raft::ServerId found = raft::kNobody;
    raft::Term term = 0;
    for (raft::ServerId id = 1; id <= size(); ++id) {
      raft::Server* candidate = server(id);
      if (candidate == nullptr || !candidate->node().leads()) continue;
      if (candidate->node().term() <= term) continue;
      found = id;
      term = candidate->node().term();
    }
    return found;
  }
  /// Whether all servers that run follow one of them.
  bool agree() {
    const raft::ServerId common = leader();
    if (common == raft::kNobody) return false;
    for (raft::ServerId id = 1; id <= size(); ++id) {
      if (server(id) != nullptr && server(id)->node().leader() != common) return false;
    }
    return true;
  }
  /// Whether all servers hold the same items, so many.
  bool all_hold(std::size_t count) {
    for (raft::ServerId id = 1; id <= size(); ++id) {
      if (server(id) == nullptr || server(id)->items().size() != count) return false;
      if (server(id)->items() != server(1)->items()) return false;
    }
    return true;
  }

  /// Raft's promises; and a server that has executed everything holds all that was acknowledged.
  void expect_safe() {
    ASSERT_FALSE(simulator_.failure().has_value()) << *simulator_.failure();
    simulator_.finish();
    for (const sim::CheckerOutcome& outcome : checkers_.finish(simulator_.now())) {
      EXPECT_EQ(sim::to_string(outcome.verdict.kind), "valid")
          << "seed " << options_.seed << ", " << outcome.checker << ": "
          << outcome.verdict.explanation;
    }
    const raft::ServerId last = leader();
    if (last == raft::kNobody) return;
    const std::vector<std::string>& held = server(last)->items();
    for (const std::string& item : acked_.items()) {
      EXPECT_NE(std::find(held.begin(), held.end(), item), held.end())
          << "seed " << options_.seed << ": " << item << " was acknowledged and is gone";
    }
  }

 private:
  raft::ServerOptions server_options(raft::ServerId id) const {
    raft::ServerOptions server;
    server.raft.id = id;
    for (const raft::ServerPeer& peer : peers_) server.raft.initial.voters.push_back(peer.id);
    server.raft.election_timeout_min = 150 * kMs;
    server.raft.election_timeout_max = 300 * kMs;
    server.raft.heartbeat = 50 * kMs;
    server.local = peers_[id - 1].endpoint;
    server.peers = peers_;
    if (options_.adjust) options_.adjust(server.raft);
    return server;
  }

  RaftClusterOptions options_;
  sim::CheckerSet checkers_;
  AckedItems acked_;
  TeeSink tee_;
  sim::Topology topology_;
  std::vector<raft::ServerPeer> peers_;
  sim::Simulator simulator_;
};

}  // namespace twinbed::testing
