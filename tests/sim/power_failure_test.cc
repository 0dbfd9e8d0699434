// A crash of the cause power-failure: the host is silent, and knows nothing when it is back.
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::FaultAction;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

sim::FaultSpec power_failure(Duration at, std::vector<std::string> nodes,
                             std::optional<Duration> lasts = std::nullopt) {
  sim::FaultSpec fault = fault_of(FaultAction::kCrash, at, std::move(nodes), lasts);
  fault.cause = sim::CrashCause::kPowerFailure;
  return fault;
}

/// Host a will lose its power; b is the world around it.
class PowerFailureTest : public ::testing::Test {
 protected:
  void open_at(Duration when, StreamId stream) {
    world.at(when, b, [=, to = world.endpoint(a)](Context& c) { c.streams.open(stream, to); });
  }
  void write_at(Duration when, StreamId stream) {
    world.at(when, b, [=](Context& c) { c.streams.write(stream, as_bytes("x")); });
  }
  std::size_t connections() { return world.simulator.network().tcp().open_connections(); }

  NetWorld world{line_of_two(link_of(milliseconds(1)))};
  NodeId a = world.add("a");
  NodeId b = world.add("b");
};

TEST_F(PowerFailureTest, PeersHearNothingAndRunIntoTheirTimeouts) {
  open_at(milliseconds(10), StreamId{1});
  world.simulator.set_faults({power_failure(seconds(1), {"a"})});
  write_at(seconds(2), StreamId{1});
  open_at(seconds(3), StreamId{2});
  world.send_at(seconds(4), b, world.endpoint(a), "unheard");
  world.run(seconds(100));
  EXPECT_EQ(world.streams(b), "opened, drained") << "a dead host has spoken";
  EXPECT_GE(world.drops().no_power, 10U);
  EXPECT_EQ(world.drops().no_socket, 0U);
  world.run(seconds(140));
  EXPECT_EQ(world.streams(b), "opened, drained, failed timed out");  // 127 s, as Linux
  world.run(seconds(1200));
  EXPECT_EQ(world.streams(b), "opened, drained, failed timed out, reset");
  EXPECT_EQ(connections(), 0U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST_F(PowerFailureTest, AHostThatIsBackResetsWhatItDoesNotKnow) {
  open_at(milliseconds(10), StreamId{1});
  open_at(milliseconds(20), StreamId{2});
  world.simulator.set_faults({power_failure(seconds(1), {"a"}, seconds(4))});
  write_at(seconds(2), StreamId{1});
  world.run(milliseconds(4999));
  EXPECT_EQ(world.streams(b), "opened, opened, drained");
  world.run(seconds(12));  // the retransmission after the return
  EXPECT_EQ(world.streams(b), "opened, opened, drained, reset");
  world.run(seconds(60));
  EXPECT_EQ(world.streams(b), "opened, opened, drained, reset") << "nobody has used stream 2";
  write_at(seconds(60), StreamId{2});
  world.run(seconds(61));
  EXPECT_EQ(world.streams(b), "opened, opened, drained, reset, drained, reset");
  EXPECT_EQ(connections(), 0U);
}

TEST_F(PowerFailureTest, TheHostServesAgainWhenItIsBack) {
  world.simulator.set_faults({power_failure(seconds(1), {"a"}, seconds(1))});
  world.send_at(milliseconds(1500), b, world.endpoint(a), "too early");
  world.send_at(milliseconds(2500), b, world.endpoint(a), "in time");
  open_at(milliseconds(2500), StreamId{1});
  world.run(seconds(3));
  ASSERT_EQ(world.received(a).size(), 1U);
  EXPECT_EQ(world.received(a)[0].text, "in time");
  EXPECT_EQ(world.streams(b), "opened");
  EXPECT_EQ(world.sink.faults, (Lines{"crash begin a touched 0", "crash end a touched 1"}));
}

TEST_F(PowerFailureTest, ARestartSwitchesTheHostOn) {
  world.simulator.set_faults({power_failure(seconds(1), {"a"}),
                              fault_of(FaultAction::kRestart, seconds(2), {"a"})});
  world.send_at(milliseconds(2500), b, world.endpoint(a), "hello");
  world.run(seconds(3));
  EXPECT_EQ(world.received(a).size(), 1U);
}

TEST_F(PowerFailureTest, WhatHasLeftTheHostArrives) {
  world.send_at(milliseconds(1000), a, world.endpoint(b), "last words");
  world.simulator.set_faults({power_failure(milliseconds(1000) + Duration{500'000}, {"a"})});
  world.run(seconds(3));
  ASSERT_EQ(world.received(b).size(), 1U);
  EXPECT_EQ(world.received(b)[0].text, "last words");
}

TEST_F(PowerFailureTest, UnsyncedWritesAreGone) {
  Lines answers;
  world.script(a).storage = [&](Context&, const StorageResult& result) {
    answers.push_back(std::string(to_string(result.status)) + " " +
                      std::string(as_text(result.data)));
  };
  world.at(milliseconds(100), a, [](Context& c) {
    c.storage.write("safe", 0, as_bytes("safe"));
    c.storage.sync(StorageToken{1}, "safe");
    c.storage.write("unsafe", 0, as_bytes("unsafe"));
  });
  world.simulator.set_faults({power_failure(seconds(1), {"a"}, seconds(1))});
  world.at(seconds(3), a, [](Context& c) {
    c.storage.read(StorageToken{2}, "safe", 0, 100);
    c.storage.read(StorageToken{3}, "unsafe", 0, 100);
  });
  world.run(seconds(4));
  EXPECT_EQ(answers, (Lines{"ok ", "ok safe", "not found "}));
}

TEST(PowerFailure, TakesAllNodesOfTheHost) {
  NetWorld world{line_of_two(link_of(milliseconds(1)))};
  const NodeId first = world.add("a", "first", "server");
  const NodeId second = world.add("a", "second", "server");
  const NodeId other = world.add("b");
  world.script(second).start = [](Context& c) { c.datagrams.bind(SocketId{1}, {kAnyAddress, 9}); };
  world.simulator.set_faults({power_failure(seconds(1), {"first"}, seconds(2))});
  world.send_at(seconds(2), other, world.endpoint(second, 9), "unheard");
  world.send_at(seconds(4), other, world.endpoint(second, 9), "heard");
  world.run(seconds(2));
  EXPECT_EQ(world.simulator.node(second).state(), sim::ProcessState::kDown);
  world.run(seconds(5));
  EXPECT_EQ(world.simulator.node(first).state(), sim::ProcessState::kRunning);
  ASSERT_EQ(world.received(second).size(), 1U);
  EXPECT_EQ(world.received(second)[0].text, "heard");
  EXPECT_EQ(world.sink.faults,
            (Lines{"crash begin first second touched 0", "crash end first second touched 2"}));
}

}  // namespace
}  // namespace twinbed::testing
