// A Raft cluster in the simulator, watched by the checker of Raft's promises.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "core/protocols/raft/records.h"
#include "core/protocols/raft/server.h"
#include "sim/checkers/checker.h"
#include "sim/simulator.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {

struct RaftClusterOptions {
  std::uint64_t seed = 1;
  std::uint32_t servers = 3;  ///< the members in the beginning
  std::uint32_t spares = 0;   ///< servers that run and may be made members
  sim::LinkParams link{};  ///< of each of the two links on a way
  /// Changes a server's options before it is built.
  std::function<void(raft::Options&)> adjust;
  std::size_t planned_faults = 0;
};

/// The items that the cluster has promised to keep, and how many changes of members it has begun.
class AckedItems final : public RunSink {
 public:
  const std::set<std::string>& items() const { return items_; }
  std::size_t changes() const { return changes_; }

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time, NodeId, const EventType& type, std::span<const Field> fields) override {
    if (type.name == kAckEvent.name) items_.emplace(text_field(fields, "id"));
    changes_ += type.name == raft::kMembersEvent.name && text_field(fields, "why").empty();
  }
  void fault(Time, const FaultRow&) override {}

 private:
  std::set<std::string> items_;
  std::size_t changes_ = 0;
};

/// Servers 1 to n are the nodes 0 to n-1, the spares are the last of them.
class RaftCluster {
 public:
  explicit RaftCluster(RaftClusterOptions options)
      : options_(std::move(options)),
        checkers_(options_.planned_faults),
        topology_(star_topology(size(), options_.link)),
        simulator_(options_.seed, topology_, tee_) {
    sim::RunNodes nodes;
    for (std::uint32_t id = 1; id <= size(); ++id) {
      nodes.push_back({NodeId{id - 1}, "node" + std::to_string(id), "server", id});
      peers_.push_back({id, {topology_.devices[id].address, 7001}});
    }
    checkers_.add(*sim::make_checker("raft_safety", {}, nodes));
    tee_.add(checkers_);
    tee_.add(acked_);
    for (std::uint32_t id = 1; id <= size(); ++id) {
      simulator_.add_node({"node" + std::to_string(id), "server", id, {}, 0},
                          [this, id] {
                            return std::make_unique<raft::Server>(server_options(id));
                          });
    }
  }

  sim::Simulator& simulator() { return simulator_; }
  Time now() const { return simulator_.now(); }
  std::size_t changes() const { return acked_.changes(); }
  std::uint32_t size() const { return options_.servers + options_.spares; }

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
  /// The members as the leader has them, voters before learners; none while nobody leads.
  std::vector<raft::ServerId> members() {
    const raft::ServerId leading = leader();
    if (leading == raft::kNobody) return {};
    const raft::Configuration& now = server(leading)->node().log().configuration();
    std::vector<raft::ServerId> all = now.voters;
    all.insert(all.end(), now.learners.begin(), now.learners.end());
    return all;
  }
  /// Whether all members that run follow one server.
  bool agree() {
    const raft::ServerId common = leader();
    if (common == raft::kNobody) return false;
    for (const raft::ServerId id : members()) {
      if (server(id) != nullptr && server(id)->node().leader() != common) return false;
    }
    return true;
  }
  /// A line for each server, for messages of failed tests.
  std::string describe() {
    std::string text;
    for (raft::ServerId id = 1; id <= size(); ++id) {
      text += "\n  server " + std::to_string(id) + ": ";
      const raft::Server* known = server(id);
      text += known == nullptr ? "down" : describe(known->node());
    }
    return text;
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
  static std::string describe(const raft::Node& node) {
    std::string text = std::string(to_string(node.role())) + " in term " +
                       std::to_string(node.term()) + ", follows " +
                       std::to_string(node.leader()) + ", last entry " +
                       std::to_string(node.log().last_index()) + " of term " +
                       std::to_string(node.log().last_term()) + ", committed " +
                       std::to_string(node.commit_index()) + ", voters";
    for (const raft::ServerId voter : node.log().configuration().voters) {
      text += " " + std::to_string(voter);
    }
    return text + (node.failure().empty() ? "" : ", failed: " + node.failure());
  }

  raft::ServerOptions server_options(raft::ServerId id) const {
    raft::ServerOptions server;
    server.raft.id = id;
    for (raft::ServerId voter = 1; voter <= options_.servers; ++voter) {
      server.raft.initial.voters.push_back(voter);
    }
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
