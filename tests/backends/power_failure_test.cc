// What a live host sees of a peer whose host loses its power: silence, and a reset once the peer is
// back and something is sent on an old stream.
#include <gtest/gtest.h>

#include "tests/support/live_world.h"

namespace twinbed::testing {
namespace {

using Lines = std::vector<std::string>;

constexpr StreamId kStream{1};
constexpr SocketId kSocket{1};

/// Node 1 will lose its power; node 0 writes down what it hears in `heard`.
class PowerFailureTest : public ::testing::Test {
 protected:
  PowerFailureTest() {
    scripts_[1].start = [this](Context& c) {
      c.streams.listen(ListenerId{1}, world_.endpoint(kNode1));
      c.datagrams.bind(kSocket, world_.endpoint(kNode1));
    };
    scripts_[1].stream = [this](Context& c, const StreamEvent& e) {
      if (e.kind == StreamEventKind::kAccepted) c.streams.write(e.stream, as_bytes("hello"));
      heard_by_1_.emplace_back(to_string(e.kind));
    };
    scripts_[0].start = [this](Context& c) {
      c.datagrams.bind(kSocket, world_.endpoint(kNode0));
    };
    scripts_[0].stream = [this](Context&, const StreamEvent& e) {
      if (e.kind != StreamEventKind::kDrained) heard_.emplace_back(to_string(e.kind));
    };
    scripts_[0].datagram = [this](Context&, const Datagram& d) {
      heard_.push_back("datagram " + std::string(as_text(d.payload)));
    };
    scripts_[0].command = [this](Context& c, Bytes command) {
      if (as_text(command) == "open") c.streams.open(kStream, world_.endpoint(kNode1));
      if (as_text(command) == "write") c.streams.write(kStream, as_bytes("x"));
    };
    scripts_[1].command = [this](Context& c, Bytes) {
      c.datagrams.send(kSocket, world_.endpoint(kNode0), as_bytes("last words"));
    };
  }

  void open_stream() {
    world_.run_for(20 * kMs);
    tell(kNode0, "open");
    ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 2; }, kLong));
    ASSERT_EQ(heard_, (Lines{"opened", "data"}));
  }
  void tell(NodeId node, std::string_view command) { world_.command(node, as_bytes(command)); }
  /// As the runner does it: everybody is told, then the process is killed.
  void cut_power() {
    world_.host(kNode0).set_without_power({kNode1});
    world_.host(kNode1).set_without_power({kNode1});
    world_.run_for(5 * kMs);
    world_.crash(kNode1);
  }
  void restore_power() {
    world_.restart(kNode1);
    world_.host(kNode0).set_without_power({});
  }

  Lines heard_;
  Lines heard_by_1_;
  Script scripts_[2];
  ContractWatch watch_;
  LiveWorld world_{2, [this](NodeId node) {
                     return std::make_unique<ScriptedProtocol>(
                         scripts_[static_cast<std::size_t>(node)], watch_);
                   }};
};

TEST_F(PowerFailureTest, TheEndOfTheProcessIsNotHeard) {
  open_stream();
  cut_power();
  world_.run_for(300 * kMs);
  EXPECT_EQ(heard_, (Lines{"opened", "data"}));
  EXPECT_EQ(heard_by_1_, (Lines{"accepted", "drained"})) << "its own host is cut off, too";
}

TEST_F(PowerFailureTest, AnIdleStreamIsResetByTheFirstBytesAfterTheReturn) {
  open_stream();
  cut_power();
  world_.run_for(20 * kMs);
  restore_power();
  world_.run_for(300 * kMs);
  EXPECT_EQ(heard_, (Lines{"opened", "data"})) << "nobody has used the stream";
  tell(kNode0, "write");
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 3; }, kLong));
  EXPECT_EQ(heard_[2], "reset");
  tell(kNode0, "open");
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 5; }, kLong));
  EXPECT_EQ(heard_[4], "data") << "the host that is back serves again";
}

TEST_F(PowerFailureTest, BytesThatWaitAreResetAtTheirNextTimeout) {
  open_stream();
  cut_power();
  tell(kNode0, "write");
  world_.run_for(50 * kMs);
  restore_power();
  world_.run_for(50 * kMs);
  EXPECT_EQ(heard_.size(), 2U) << "before the retransmission time-out of 200 ms";
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 3; }, kLong));
  EXPECT_EQ(heard_[2], "reset");
}

TEST_F(PowerFailureTest, AConnectionAttemptWaitsForTheReturn) {
  world_.run_for(20 * kMs);
  cut_power();
  tell(kNode0, "open");
  world_.run_for(50 * kMs);
  EXPECT_EQ(heard_, Lines{});
  EXPECT_EQ(world_.host(kNode0).counters().sockets.connects_held, 1U);
  restore_power();
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 2; }, kLong));  // the SYN after 1 s
  EXPECT_EQ(heard_, (Lines{"opened", "data"}));
}

TEST_F(PowerFailureTest, AHostThatKnowsOfItsEndSendsNothing) {
  world_.run_for(20 * kMs);
  world_.host(kNode1).set_without_power({kNode1});
  tell(kNode1, "speak");
  world_.run_for(50 * kMs);
  EXPECT_EQ(heard_, Lines{});
  world_.host(kNode1).set_without_power({});
  tell(kNode1, "speak");
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 1; }, kLong));
  EXPECT_EQ(heard_, Lines{"datagram last words"});
}

TEST_F(PowerFailureTest, APartitionBesideItHealsOnItsOwn) {
  open_stream();
  world_.block({{kNode0, kNode1}, {kNode1, kNode0}});
  world_.host(kNode0).set_without_power({kNode1});
  world_.host(kNode0).set_without_power({});
  tell(kNode0, "write");
  world_.run_for(500 * kMs);
  EXPECT_EQ(heard_.size(), 2U) << "the partition lasts";
  world_.block({});
  ASSERT_TRUE(world_.run_until([this] { return heard_.size() == 3; }, kLong));
  EXPECT_EQ(heard_[2], "reset");
}

}  // namespace
}  // namespace twinbed::testing
