// The host contract of core/io/protocol.h as one typed test suite that runs over every host.
//
// A host is plugged in by a small adapter, the World, and one line in a test file:
//     INSTANTIATE_TYPED_TEST_SUITE_P(Live, HostContract, LiveWorld);
//
//     struct World {
//       /// Nodes 0 .. count - 1 on a perfect network; they start when the world first runs.
//       World(std::size_t count, NodeFactory factory);
//       /// An endpoint at which this node, and no other, may bind or listen.
//       Endpoint endpoint(NodeId node);
//       void run_for(Duration duration);
//       /// Runs until `done` is true, asked after every handler, or for `limit`; says what `done`
//       /// said last.
//       bool run_until(const std::function<bool()>& done, Duration limit);
//       void command(NodeId node, Bytes command);
//       void crash(NodeId node);    ///< the protocol object is destroyed
//       void restart(NodeId node);  ///< after a crash, with its disk; factory is called again
//       void stop(NodeId node);     ///< in good order
//       void set_hung(NodeId node, bool hung);
//       /// What the protocol of the node has delivered so far.
//       const std::vector<std::string>& delivered(NodeId node);
//       /// "name key=value ..." for each event that a node recorded, integers and text only.
//       const std::vector<std::string>& recorded();
//     };
//
// Times in the tests are lower bounds and generous limits, so that the same bodies hold in virtual
// time and on a busy machine.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/scripted_protocol.h"

namespace twinbed::testing {

template <class World>
class HostContract : public ::testing::Test {
 public:
  /// A world whose node i runs scripts[i]; scripts may be changed until the world runs, and again
  /// before a restart.
  World& make_world(std::size_t count) {
    scripts.resize(count);
    world_ = std::make_unique<World>(count, [this](NodeId node) {
      return std::make_unique<ScriptedProtocol>(scripts[static_cast<std::size_t>(node)], watch);
    });
    return *world_;
  }

  std::vector<Script> scripts;
  ContractWatch watch;
  std::vector<std::string> trace;  ///< of what the test is about

 private:
  std::unique_ptr<World> world_;
};

TYPED_TEST_SUITE_P(HostContract);

inline std::string number(TimerId id) { return std::to_string(static_cast<std::uint32_t>(id)); }

// Timers

TYPED_TEST_P(HostContract, TimerFiresOnceAndNotBeforeItsDeadline) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  Time deadline{};
  Time fired_at{};
  this->scripts[0].start = [&](Context& c) {
    deadline = c.now + 5 * kMs;
    c.timers.set(TimerId{7}, deadline);
  };
  this->scripts[0].timer = [&](Context& c, TimerId id) {
    fired_at = c.now;
    t->trace.push_back(number(id));
  };
  ASSERT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  world.run_for(20 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{"7"});
  EXPECT_GE(fired_at, deadline);
}

TYPED_TEST_P(HostContract, EqualDeadlinesFireInTheOrderInWhichTheyWereSet) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  this->scripts[0].start = [&](Context& c) {
    const Time deadline = c.now + 5 * kMs;
    for (const std::uint32_t id : {3U, 1U, 2U, 9U, 0U}) c.timers.set(TimerId{id}, deadline);
    c.timers.set(TimerId{1}, deadline);  // set anew: now the last of them
  };
  this->scripts[0].timer = [&](Context&, TimerId id) { t->trace.push_back(number(id)); };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 5; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"3", "2", "9", "0", "1"}));
}

TYPED_TEST_P(HostContract, SettingATimerAgainReplacesItAndCancelForgetsIt) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  Time later{};
  this->scripts[0].start = [&](Context& c) {
    later = c.now + 30 * kMs;
    c.timers.set(TimerId{1}, c.now + kMs);
    c.timers.set(TimerId{1}, later);
    c.timers.set(TimerId{2}, c.now + kMs);
    c.timers.cancel(TimerId{2});
    c.timers.cancel(TimerId{3});  // was never set
  };
  this->scripts[0].timer = [&](Context& c, TimerId id) {
    EXPECT_GE(c.now, later);
    t->trace.push_back(number(id));
  };
  ASSERT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  world.run_for(20 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{"1"});
}

TYPED_TEST_P(HostContract, PastDeadlineFiresAfterTheHandlerAndTimeDoesNotRunBack) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  Time set_at{};
  this->scripts[0].timer = [&](Context& c, TimerId id) {
    t->trace.push_back("timer " + number(id));
    if (id == TimerId{1}) {
      set_at = c.now;
      c.timers.set(TimerId{2}, c.now - 5 * kMs);
      t->trace.push_back("set");
    } else {
      EXPECT_GE(c.now, set_at);
    }
  };
  this->scripts[0].start = [&](Context& c) { c.timers.set(TimerId{1}, c.now + 10 * kMs); };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 3; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"timer 1", "set", "timer 2"}));
}

TYPED_TEST_P(HostContract, ATimerThatAlwaysSetsItselfInThePastStarvesNobody) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  std::uint64_t rounds = 0;
  this->scripts[0].start = [&](Context& c) {
    c.timers.set(TimerId{1}, c.now);
    c.storage.read(StorageToken{5}, "missing", 0, 10);
  };
  this->scripts[0].timer = [&](Context& c, TimerId) {
    // A microsecond ahead, as virtual time would stand still at `now`.
    if (++rounds < 100'000) c.timers.set(TimerId{1}, c.now + Duration{1000});
  };
  this->scripts[0].storage = [&](Context&, const StorageResult&) { t->trace.push_back("answer"); };
  EXPECT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  EXPECT_LT(rounds, 100'000U);
}

// Requests and the application

TYPED_TEST_P(HostContract, RequestsCopyTheirArguments) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  this->scripts[0].start = [&](Context& c) {
    std::string text = "kept";
    std::string name = "file";
    c.application.deliver(as_bytes(text));
    c.storage.write(name, 0, as_bytes(text));
    c.storage.read(StorageToken{1}, name, 0, 100);
    text.assign(4, 'x');
    name.assign(4, 'y');
  };
  this->scripts[0].storage = [&](Context&, const StorageResult& r) {
    t->trace.emplace_back(as_text(r.data));
  };
  ASSERT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  EXPECT_EQ(this->trace[0], "kept");
  EXPECT_EQ(world.delivered(kNode0), std::vector<std::string>{"kept"});
}

TYPED_TEST_P(HostContract, CommandsArriveInOrderAndAreAnsweredByDeliveries) {
  auto& world = this->make_world(2);
  for (Script& script : this->scripts) {
    script.command = [](Context& c, Bytes command) {
      c.application.deliver(as_bytes("got " + std::string(as_text(command))));
    };
  }
  world.run_for(kMs);
  world.command(kNode1, as_bytes("a"));
  world.command(kNode1, as_bytes("b"));
  ASSERT_TRUE(world.run_until([&] { return world.delivered(kNode1).size() == 2; }, kLong));
  EXPECT_EQ(world.delivered(kNode1), (std::vector<std::string>{"got a", "got b"}));
  EXPECT_TRUE(world.delivered(kNode0).empty());
}

TYPED_TEST_P(HostContract, RecordingReachesTheSinkAndChangesNothing) {
  static constexpr EventType kEvent{"contract.event", "an event of this test"};
  TestFixture* t = this;
  auto& world = this->make_world(2);
  for (std::size_t i = 0; i < 2; ++i) {
    this->scripts[i].start = [&, i](Context& c) {
      if (i == 1) {
        const std::string text = "hello";
        c.recorder.event(kEvent, {{"n", std::int64_t{5}}, {"text", text}});
      }
      c.timers.set(TimerId{1}, c.now + kMs);
    };
    this->scripts[i].timer = [&, i](Context&, TimerId) { t->trace.push_back(std::to_string(i)); };
  }
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  EXPECT_EQ(world.recorded(), std::vector<std::string>{"contract.event n=5 text=hello"});
}

TYPED_TEST_P(HostContract, StopCallsOnStopCarriesOutItsRequestsAndIsTheLastCall) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  this->scripts[0].start = [](Context& c) { c.timers.set(TimerId{1}, c.now + 50 * kMs); };
  this->scripts[0].timer = [&](Context&, TimerId) { t->trace.push_back("timer"); };
  this->scripts[0].stop = [&](Context& c) {
    t->trace.push_back("stop");
    c.application.deliver(as_bytes("bye"));
  };
  world.run_for(kMs);
  world.stop(kNode0);
  ASSERT_TRUE(world.run_until([&] { return !world.delivered(kNode0).empty(); }, kLong));
  world.run_for(100 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{"stop"});
  EXPECT_EQ(world.delivered(kNode0), std::vector<std::string>{"bye"});
}

// Hanging

TYPED_TEST_P(HostContract, AHungNodeTakesItsInputAndLosesIt) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  const Endpoint server = world.endpoint(kNode1);
  const std::size_t more_than_buffers_hold = 24U << 20;
  bool is_drained = false;
  this->scripts[1].start = [&](Context& c) {
    c.datagrams.bind(SocketId{1}, server);
    c.streams.listen(ListenerId{1}, server);
  };
  this->scripts[1].command = [&](Context& c, Bytes command) {
    t->trace.push_back("command " + std::string(as_text(command)));
    c.timers.set(TimerId{1}, c.now + 20 * kMs);
    c.storage.read(StorageToken{1}, "missing", 0, 10);
  };
  this->scripts[1].timer = [&](Context&, TimerId) { t->trace.push_back("timer"); };
  this->scripts[1].storage = [&](Context&, const StorageResult&) { t->trace.push_back("answer"); };
  this->scripts[1].datagram = [&](Context&, const Datagram& d) {
    t->trace.push_back("datagram " + std::string(as_text(d.payload)));
  };
  this->scripts[1].stream = [&](Context&, const StreamEvent& e) {
    t->trace.emplace_back(to_string(e.kind));
  };
  this->scripts[0].start = [&](Context& c) {
    c.datagrams.bind(SocketId{1}, world.endpoint(kNode0));
  };
  this->scripts[0].command = [&](Context& c, Bytes command) {
    c.datagrams.send(SocketId{1}, server, command);
    if (as_text(command) == "2") c.streams.write(StreamId{1}, Buffer(more_than_buffers_hold));
    if (as_text(command) == "1") c.streams.open(StreamId{1}, server);
  };
  this->scripts[0].stream = [&](Context&, const StreamEvent& e) {
    is_drained = is_drained || e.kind == StreamEventKind::kDrained;
  };
  world.run_for(20 * kMs);
  world.command(kNode0, as_bytes("1"));
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  world.command(kNode1, as_bytes("1"));
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 3; }, kLong));
  std::sort(this->trace.begin(), this->trace.end());
  EXPECT_EQ(this->trace, (std::vector<std::string>{"accepted", "command 1", "datagram 1"}));

  // With a timer set and an answer under way, which wait. All that comes now is taken and lost.
  this->trace.clear();
  world.set_hung(kNode1, true);
  world.command(kNode0, as_bytes("2"));
  world.command(kNode1, as_bytes("2"));
  ASSERT_TRUE(world.run_until([&] { return is_drained; }, kLong)) << "what came was not read";
  world.run_for(50 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{});

  world.set_hung(kNode1, false);
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  world.run_for(50 * kMs);
  std::sort(this->trace.begin(), this->trace.end());
  EXPECT_EQ(this->trace, (std::vector<std::string>{"answer", "timer"}));
  this->trace.clear();
  world.command(kNode1, as_bytes("3"));
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 3; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"command 3", "answer", "timer"}));
}

TYPED_TEST_P(HostContract, AHungNodeIsStoppedInGoodOrder) {
  auto& world = this->make_world(1);
  this->scripts[0].stop = [&](Context& c) { c.application.deliver(as_bytes("bye")); };
  world.run_for(kMs);
  world.set_hung(kNode0, true);
  world.run_for(kMs);
  world.stop(kNode0);
  ASSERT_TRUE(world.run_until([&] { return !world.delivered(kNode0).empty(); }, kLong));
  EXPECT_EQ(world.delivered(kNode0), std::vector<std::string>{"bye"});
}

// Datagrams

TYPED_TEST_P(HostContract, DatagramsCarryTheirBytesAndTheirSender) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  const Endpoint a = world.endpoint(kNode0);
  const Endpoint b = world.endpoint(kNode1);
  this->scripts[1].start = [&](Context& c) { c.datagrams.bind(SocketId{4}, b); };
  this->scripts[1].datagram = [&](Context& c, const Datagram& d) {
    EXPECT_EQ(d.socket, SocketId{4});
    EXPECT_EQ(d.from, a);
    c.datagrams.send(d.socket, d.from, as_bytes("echo " + std::string(as_text(d.payload))));
  };
  this->scripts[0].start = [&](Context& c) {
    c.datagrams.bind(SocketId{2}, a);
    c.timers.set(TimerId{1}, c.now + 20 * kMs);
  };
  this->scripts[0].timer = [&](Context& c, TimerId) {
    c.datagrams.send(SocketId{2}, b, as_bytes("x"));
    c.datagrams.send(SocketId{2}, b, Bytes{});
    c.datagrams.send(SocketId{2}, b, Buffer(kMaxDatagramBytes + 1));  // dropped
    c.datagrams.send(SocketId{2}, b, as_bytes("last"));
  };
  this->scripts[0].datagram = [&](Context&, const Datagram& d) {
    EXPECT_EQ(d.socket, SocketId{2});
    EXPECT_EQ(d.from, b);
    t->trace.emplace_back(as_text(d.payload));
  };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 3; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"echo x", "echo ", "echo last"}));
}

TYPED_TEST_P(HostContract, SocketBoundToTheAnyAddressIsReachableAndAClosedOneIsNot) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  const Endpoint a = world.endpoint(kNode0);
  const Endpoint b = world.endpoint(kNode1);
  this->scripts[1].start = [&](Context& c) {
    c.datagrams.bind(SocketId{1}, Endpoint{kAnyAddress, b.port});
  };
  this->scripts[1].datagram = [&](Context& c, const Datagram& d) {
    t->trace.emplace_back(as_text(d.payload));
    c.datagrams.close(SocketId{1});
  };
  this->scripts[0].start = [&](Context& c) {
    c.datagrams.bind(SocketId{1}, a);
    c.timers.set(TimerId{1}, c.now + 20 * kMs);
  };
  this->scripts[0].timer = [&](Context& c, TimerId id) {
    c.datagrams.send(SocketId{1}, b, as_bytes(number(id)));
    if (id == TimerId{1}) c.timers.set(TimerId{2}, c.now + 20 * kMs);
  };
  ASSERT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  world.run_for(100 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{"1"});
}

// Streams

TYPED_TEST_P(HostContract, StreamOpensCarriesBytesBothWaysAndCloses) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  const Endpoint server = world.endpoint(kNode1);
  std::string received[2];
  std::vector<std::string> events[2];
  this->scripts[1].start = [&](Context& c) { c.streams.listen(ListenerId{3}, server); };
  this->scripts[1].stream = [&](Context& c, const StreamEvent& e) {
    if (e.kind == StreamEventKind::kAccepted) {
      EXPECT_EQ(e.listener, ListenerId{3});
      EXPECT_EQ(e.peer.address, world.endpoint(kNode0).address);
      EXPECT_GE(static_cast<std::uint32_t>(e.stream), kFirstAcceptedStream);
    }
    if (e.kind == StreamEventKind::kData) {
      received[1] += as_text(e.data);
      if (received[1].size() < 10) return;
      c.streams.write(e.stream, as_bytes("answer"));
      c.streams.close(e.stream);
      return;
    }
    events[1].emplace_back(to_string(e.kind));
  };
  this->scripts[0].start = [&](Context& c) { c.timers.set(TimerId{1}, c.now + 20 * kMs); };
  this->scripts[0].timer = [&](Context& c, TimerId) {
    c.streams.open(StreamId{8}, server);
    c.streams.write(StreamId{8}, as_bytes("early"));  // waits for the connection
  };
  this->scripts[0].stream = [&](Context& c, const StreamEvent& e) {
    EXPECT_EQ(e.stream, StreamId{8});
    if (e.kind == StreamEventKind::kOpened) {
      EXPECT_EQ(e.peer, server);
      c.streams.write(e.stream, as_bytes("later"));
    }
    if (e.kind == StreamEventKind::kData) {
      received[0] += as_text(e.data);
    } else if (e.kind != StreamEventKind::kDrained) {
      t->trace.emplace_back(to_string(e.kind));
    }
  };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  world.run_for(20 * kMs);
  EXPECT_EQ(this->trace, (std::vector<std::string>{"opened", "closed"}));
  EXPECT_EQ(received[1], "earlylater");
  EXPECT_EQ(received[0], "answer");
  EXPECT_EQ(events[1], std::vector<std::string>{"accepted"}) << "no event may follow close";
}

TYPED_TEST_P(HostContract, OpeningAnEndpointWhereNobodyListensIsRefused) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  this->scripts[0].start = [&](Context& c) {
    c.streams.open(StreamId{1}, world.endpoint(kNode1));
    c.streams.write(StreamId{1}, as_bytes("lost"));
  };
  this->scripts[0].stream = [&](Context& c, const StreamEvent& e) {
    t->trace.push_back(std::string(to_string(e.kind)) + " " + std::string(to_string(e.failure)));
    // The id is free again at once.
    if (t->trace.size() == 1) c.streams.open(StreamId{1}, world.endpoint(kNode1));
  };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"failed refused", "failed refused"}));
}

TYPED_TEST_P(HostContract, DrainedComesOnceTheBytesAreUnderWay) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  const std::size_t size = 300'000;
  std::size_t received = 0;
  this->scripts[1].start = [&](Context& c) {
    c.streams.listen(ListenerId{1}, world.endpoint(kNode1));
  };
  this->scripts[1].stream = [&](Context&, const StreamEvent& e) { received += e.data.size(); };
  this->scripts[0].start = [&](Context& c) { c.timers.set(TimerId{1}, c.now + 20 * kMs); };
  this->scripts[0].timer = [&](Context& c, TimerId) {
    c.streams.open(StreamId{1}, world.endpoint(kNode1));
  };
  this->scripts[0].stream = [&](Context& c, const StreamEvent& e) {
    t->trace.emplace_back(to_string(e.kind));
    const bool again = e.kind == StreamEventKind::kOpened || t->trace.size() == 2;
    if (again) c.streams.write(e.stream, Buffer(size));
  };
  ASSERT_TRUE(world.run_until([&] { return received == 2 * size && t->trace.size() == 3; }, kLong));
  EXPECT_EQ(this->trace, (std::vector<std::string>{"opened", "drained", "drained"}));
}

TYPED_TEST_P(HostContract, ACrashEndsTheStreamsOfThePeer) {
  TestFixture* t = this;
  auto& world = this->make_world(2);
  bool is_open = false;
  this->scripts[1].start = [&](Context& c) {
    c.streams.listen(ListenerId{1}, world.endpoint(kNode1));
  };
  this->scripts[0].start = [&](Context& c) { c.timers.set(TimerId{1}, c.now + 20 * kMs); };
  this->scripts[0].timer = [&](Context& c, TimerId) {
    c.streams.open(StreamId{1}, world.endpoint(kNode1));
    c.streams.write(StreamId{1}, as_bytes("x"));
  };
  this->scripts[0].stream = [&](Context&, const StreamEvent& e) {
    is_open = is_open || e.kind == StreamEventKind::kDrained;
    if (e.kind == StreamEventKind::kClosed || e.kind == StreamEventKind::kReset) {
      t->trace.push_back("ended");
    }
  };
  ASSERT_TRUE(world.run_until([&] { return is_open; }, kLong));
  world.crash(kNode1);
  ASSERT_TRUE(world.run_until([&] { return !t->trace.empty(); }, kLong));
  world.run_for(20 * kMs);
  EXPECT_EQ(this->trace, std::vector<std::string>{"ended"});
}

// Storage

TYPED_TEST_P(HostContract, StorageAnswersByTokenWithWhatWasWritten) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  this->scripts[0].start = [&](Context& c) {
    c.storage.write("dir/a", 2, as_bytes("cd"));
    c.storage.read(StorageToken{1}, "dir/a", 0, 100);
    c.storage.write("dir/a", 0, as_bytes("AB"));
    c.storage.read(StorageToken{2}, "dir/a", 1, 2);
    c.storage.read(StorageToken{3}, "dir/a", 50, 2);
    c.storage.read(StorageToken{4}, "dir/b", 0, 2);
    c.storage.sync(StorageToken{5}, "dir/a");
    c.storage.rename("dir/a", "b");
    c.storage.read(StorageToken{6}, "b", 0, 100);
    c.storage.read(StorageToken{7}, "dir/a", 0, 100);
    c.storage.remove("b");
    c.storage.remove("b");
    c.storage.read(StorageToken{8}, "b", 0, 100);
  };
  this->scripts[0].storage = [&](Context&, const StorageResult& r) {
    t->trace.push_back(std::to_string(static_cast<std::uint64_t>(r.token)) + " " +
                       std::string(to_string(r.status)) + " " +
                       std::to_string(r.data.size()) + " " + std::string(as_text(r.data)));
  };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 8; }, kLong));
  std::sort(this->trace.begin(), this->trace.end());
  const std::string zeros(2, '\0');
  EXPECT_EQ(this->trace, (std::vector<std::string>{
                             "1 ok 4 " + zeros + "cd", "2 ok 2 Bc", "3 ok 0 ", "4 not found 0 ",
                             "5 ok 0 ", "6 ok 4 ABcd", "7 not found 0 ", "8 not found 0 "}));
}

TYPED_TEST_P(HostContract, NamesThatLeaveTheStorageAreNotFound) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  const std::vector<std::string> names = {"../x", "a/../../x", "/etc/passwd", "a//b",
                                          "",     "a/",        ".."};
  this->scripts[0].start = [&](Context& c) {
    for (const std::string& name : names) {
      c.storage.write(name, 0, as_bytes("x"));
      c.storage.read(StorageToken{1}, name, 0, 10);
      c.storage.sync(StorageToken{2}, name);
    }
  };
  this->scripts[0].storage = [&](Context&, const StorageResult& r) {
    t->trace.emplace_back(to_string(r.status));
  };
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2 * names.size(); }, kLong));
  EXPECT_EQ(this->trace, std::vector<std::string>(2 * names.size(), "not found"));
}

TYPED_TEST_P(HostContract, AfterACrashOnlyWhatWasSyncedIsLeft) {
  TestFixture* t = this;
  auto& world = this->make_world(1);
  int starts = 0;
  bool is_synced = false;
  this->scripts[0].start = [&](Context& c) {
    if (++starts == 1) {
      c.storage.write("log", 0, as_bytes("safe"));
      c.storage.sync(StorageToken{1}, "log");
      c.timers.set(TimerId{1}, c.now + 500 * kMs);  // must not survive the crash
    } else {
      c.storage.read(StorageToken{2}, "log", 0, 100);
      c.storage.read(StorageToken{3}, "other", 0, 100);
    }
  };
  this->scripts[0].timer = [&](Context&, TimerId) { t->trace.push_back("timer"); };
  this->scripts[0].storage = [&](Context& c, const StorageResult& r) {
    if (r.token == StorageToken{1}) {
      EXPECT_EQ(r.status, StorageStatus::kOk);
      c.storage.write("log", 4, as_bytes(" unsafe"));
      c.storage.write("other", 0, as_bytes("unsafe"));
      is_synced = true;
    } else {
      t->trace.push_back(std::string(to_string(r.status)) + " " + std::string(as_text(r.data)));
    }
  };
  ASSERT_TRUE(world.run_until([&] { return is_synced; }, kLong));
  world.run_for(kMs);
  world.crash(kNode0);
  world.run_for(kMs);
  world.restart(kNode0);
  ASSERT_TRUE(world.run_until([&] { return t->trace.size() == 2; }, kLong));
  world.run_for(600 * kMs);
  EXPECT_EQ(this->trace, (std::vector<std::string>{"ok safe", "not found "}));
  EXPECT_EQ(starts, 2);
}

REGISTER_TYPED_TEST_SUITE_P(HostContract, TimerFiresOnceAndNotBeforeItsDeadline,
                            EqualDeadlinesFireInTheOrderInWhichTheyWereSet,
                            SettingATimerAgainReplacesItAndCancelForgetsIt,
                            PastDeadlineFiresAfterTheHandlerAndTimeDoesNotRunBack,
                            ATimerThatAlwaysSetsItselfInThePastStarvesNobody,
                            RequestsCopyTheirArguments,
                            CommandsArriveInOrderAndAreAnsweredByDeliveries,
                            RecordingReachesTheSinkAndChangesNothing,
                            StopCallsOnStopCarriesOutItsRequestsAndIsTheLastCall,
                            AHungNodeTakesItsInputAndLosesIt, AHungNodeIsStoppedInGoodOrder,
                            DatagramsCarryTheirBytesAndTheirSender,
                            SocketBoundToTheAnyAddressIsReachableAndAClosedOneIsNot,
                            StreamOpensCarriesBytesBothWaysAndCloses,
                            OpeningAnEndpointWhereNobodyListensIsRefused,
                            DrainedComesOnceTheBytesAreUnderWay, ACrashEndsTheStreamsOfThePeer,
                            StorageAnswersByTokenWithWhatWasWritten,
                            NamesThatLeaveTheStorageAreNotFound,
                            AfterACrashOnlyWhatWasSyncedIsLeft);

}  // namespace twinbed::testing
