// Rows of a run written by hand, for the tests of the checkers.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <initializer_list>
#include <string_view>

#include "sim/checkers/checker.h"

namespace twinbed::sim {

/// Three servers, which call each other 1 to 3, and a client.
inline const RunNodes kNodes{{NodeId{0}, "node1", "server", 1},
                      {NodeId{1}, "node2", "server", 2},
                      {NodeId{2}, "node3", "server", 3},
                      {NodeId{3}, "client", "client"}};
inline constexpr NodeId kClient{3};

inline Time at(double seconds) { return time_from_ns(static_cast<std::int64_t>(seconds * 1e9)); }

/// The rows of a run, in the words of the tests: servers are 1 to 3, times are seconds.
class Rows {
 public:
  explicit Rows(RunSink& sink) : sink_(sink) {}

  void role(double time, int server, std::string_view role, std::int64_t term = 1) {
    event(time, id(server), kRoleEvent, {{"role", role}, {"term", term}});
  }
  void lead(double time, int server, std::int64_t term = 1) { role(time, server, "leader", term); }
  void follow(double time, int server) { role(time, server, "follower"); }
  void view(double time, int server, std::int64_t leader) {
    event(time, id(server), kLeaderViewEvent, {{"leader", leader}, {"term", std::int64_t{1}}});
  }
  void submit(double time, std::string_view item) {
    event(time, kClient, kSubmitEvent, {{"id", item}});
  }
  void ack(double time, std::string_view item) { event(time, kClient, kAckEvent, {{"id", item}}); }
  void store(double time, int server, std::string_view item, std::string_view hash = "cafe") {
    event(time, id(server), kStoreEvent,
          {{"id", item}, {"bytes", std::int64_t{9}}, {"hash", hash}});
  }
  void begin(double time, std::uint32_t index, std::string_view action, std::string_view target,
             std::string_view detail = "{}") {
    sink_.fault(at(time), {index, FaultPhase::kBegin, action, target, detail, 0});
  }
  void end(double time, std::uint32_t index, std::uint64_t touched = 1) {
    sink_.fault(at(time), {index, FaultPhase::kEnd, "", "", "", touched});
  }
  void event(double time, NodeId node, const EventType& type, std::initializer_list<Field> fields) {
    sink_.event(at(time), node, type, {fields.begin(), fields.size()});
  }
  /// Three servers that follow node 3 from the first second on.
  void settled() {
    for (int server = 1; server <= 2; ++server) follow(0.1, server);
    lead(1, 3);
    for (int server = 1; server <= 3; ++server) view(1, server, 3);
  }

 private:
  static NodeId id(int server) { return NodeId{static_cast<std::uint32_t>(server - 1)}; }
  RunSink& sink_;
};

/// The verdict of a checker on some rows and a run that ends after so many seconds.
inline Verdict judge(std::string_view name, const CheckerOptions& options, double end,
                     const std::function<void(Rows&)>& write) {
  Result<std::unique_ptr<Checker>> checker = make_checker(name, options, kNodes);
  if (!checker) return {VerdictKind::kUnknown, "not made: " + checker.error()};
  EXPECT_EQ((*checker)->name(), name);
  Rows rows(**checker);
  write(rows);
  return (*checker)->finish(at(end));
}

/// Compares a verdict by its word, and shows its explanation where that differs.
inline ::testing::AssertionResult is_verdict(VerdictKind kind, const Verdict& verdict) {
  if (verdict.kind == kind) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << to_string(verdict.kind) << ": " << verdict.explanation;
}
#define EXPECT_VERDICT(kind, verdict) EXPECT_TRUE(is_verdict(VerdictKind::kind, verdict))

}  // namespace twinbed::sim
