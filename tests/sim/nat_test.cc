// Network address translation as its users see it: the inside dials out, nobody dials in.
//
//     in1 ──┐                      ┌── out1
//           inside ── nat ── wan ──┤
//     in2 ──┘                      └── out2
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::DeviceKind;
using std::chrono::milliseconds;
using std::chrono::seconds;

class NatTest : public ::testing::Test {
 protected:
  static sim::Topology topology() {
    Net net;
    net.hosts({"in1", "in2", "out1", "out2"}).device("inside", DeviceKind::kSwitch);
    net.device("nat", DeviceKind::kNat).device("wan", DeviceKind::kRouter);
    net.link("in1", "inside").link("in2", "inside").link("inside", "nat", {}, true);
    net.link("nat", "wan", link_of(milliseconds(10))).link("wan", "out1").link("wan", "out2");
    return net.build();
  }
  /// Answers every datagram with where it came from.
  void echo(NodeId node) {
    world.script(node).datagram = [this](Context& c, const Datagram& datagram) {
      seen.push_back(datagram.from);
      c.datagrams.send(datagram.socket, datagram.from,
                       as_bytes("hello " + std::string(as_text(datagram.payload))));
    };
  }

  NetWorld world{topology()};
  NodeId in1 = world.add("in1");
  NodeId in2 = world.add("in2");
  NodeId out1 = world.add("out1");
  NodeId out2 = world.add("out2");
  IpAddress outside{0x0a00'0005};  // the fifth device that has an address
  std::vector<Endpoint> seen;      // senders, as an echoing node saw them
};

TEST_F(NatTest, TheInsideGetsAnswersAndIsSeenByTheAddressOfTheNat) {
  echo(out1);
  world.send_at(milliseconds(1), in1, world.endpoint(out1), "one");
  world.send_at(milliseconds(2), in1, world.endpoint(out1), "two");
  world.run(seconds(1));
  ASSERT_EQ(world.received(in1).size(), 2U);
  EXPECT_EQ(world.received(in1)[0].text, "hello one");
  EXPECT_EQ(world.received(in1)[0].from, world.endpoint(out1));
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].address, outside);
  EXPECT_EQ(seen[0], seen[1]);  // the mapping lasts
  EXPECT_EQ(world.drops().nat, 0U);
}

TEST_F(NatTest, TwoInsideHostsWithEqualPortsDoNotClash) {
  echo(out1);
  world.send_at(milliseconds(1), in1, world.endpoint(out1), "from in1");
  world.send_at(milliseconds(1), in2, world.endpoint(out1), "from in2");
  world.run(seconds(1));
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0].address, seen[1].address);
  EXPECT_NE(seen[0].port, seen[1].port);
  ASSERT_EQ(world.received(in1).size(), 1U);
  ASSERT_EQ(world.received(in2).size(), 1U);
  EXPECT_EQ(world.received(in1)[0].text, "hello from in1");
  EXPECT_EQ(world.received(in2)[0].text, "hello from in2");
}

// RFC 4787 section 4.1: the mapping is reused for packets to any destination.
TEST_F(NatTest, AllDestinationsSeeTheSameOutsidePort) {
  echo(out1);
  echo(out2);
  world.send_at(milliseconds(1), in1, world.endpoint(out1), "x");
  world.send_at(milliseconds(1), in1, world.endpoint(out2), "x");
  world.run(seconds(1));
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(seen[0], seen[1]);
  EXPECT_EQ(world.received(in1).size(), 2U);
}

TEST_F(NatTest, ADatagramFromOutsideThatNobodyAskedForIsDropped) {
  world.send_at(milliseconds(1), out1, {outside, 1024}, "to the outside address");
  world.send_at(milliseconds(2), out1, world.endpoint(in1), "to the inside address");
  world.run(seconds(1));
  EXPECT_TRUE(world.received(in1).empty());
  EXPECT_EQ(world.drops().nat, 2U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

// RFC 4787 section 5: address and port-dependent filtering.
TEST_F(NatTest, OnlyTheEndpointThatWasAddressedMayAnswer) {
  echo(out1);
  world.script(out1).start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, 7001});
    c.datagrams.bind(SocketId{2}, {kAnyAddress, 7002});
  };
  world.send_at(milliseconds(1), in1, world.endpoint(out1), "asked");
  world.run(milliseconds(100));
  ASSERT_EQ(seen.size(), 1U);
  ASSERT_EQ(world.received(in1).size(), 1U);
  world.send_at(milliseconds(200), out2, seen[0], "another host");
  world.send_at(milliseconds(200), out1, seen[0], "another port", SocketId{2});
  world.run(milliseconds(300));
  EXPECT_EQ(world.received(in1).size(), 1U);
  EXPECT_EQ(world.drops().nat, 2U);
  world.send_at(milliseconds(400), in1, world.endpoint(out2), "asked too");
  world.send_at(milliseconds(500), out2, seen[0], "now it passes");
  world.run(seconds(1));
  ASSERT_EQ(world.received(in1).size(), 2U);
  EXPECT_EQ(world.received(in1)[1].text, "now it passes");
}

TEST_F(NatTest, PortsThatHaveComeRoundForgetTheirOldestMapping) {
  sim::Nat nat;
  sim::Packet packet;
  packet.to = {IpAddress{0x0b00'0001}, 80};
  const auto dial = [&](std::uint32_t inside) {
    packet.from = {IpAddress{0x0a00'0000 + inside}, 5000};
    packet.source = inside;
    nat.translate_out(0, outside, packet);
    return packet.from.port;
  };
  const auto answered_to = [&](std::uint16_t port) {
    sim::Packet answer;
    answer.from = packet.to;
    answer.to = {outside, port};
    sim::DeviceIndex host = 0;
    EXPECT_TRUE(nat.translate_in(0, answer, host));
    return host;
  };
  constexpr std::uint32_t kPorts = 65536 - 1024;
  EXPECT_EQ(dial(1), 1024);
  for (std::uint32_t inside = 2; inside <= kPorts; ++inside) dial(inside);
  EXPECT_EQ(answered_to(1024), 1U);
  EXPECT_EQ(answered_to(65535), kPorts);
  EXPECT_EQ(dial(kPorts + 1), 1024);
  EXPECT_EQ(answered_to(1024), kPorts + 1);
  EXPECT_EQ(dial(1), 1025);  // its mapping was taken; it gets the next port
}

TEST_F(NatTest, InsideHostsReachEachOtherWithoutTheNat) {
  world.send_at(milliseconds(1), in1, world.endpoint(in2), "neighbour");
  world.run(seconds(1));
  ASSERT_EQ(world.received(in2).size(), 1U);
  EXPECT_EQ(world.received(in2)[0].from, world.endpoint(in1));
}

TEST_F(NatTest, TheInsideDialsOutOverTcpAndBothSidesTalk) {
  Endpoint peer;
  world.script(out1).stream = [&](Context& c, const StreamEvent& event) {
    if (event.kind == StreamEventKind::kAccepted) peer = event.peer;
    if (event.kind == StreamEventKind::kData) {
      c.streams.write(event.stream, as_bytes("echo " + std::string(as_text(event.data))));
      c.streams.close(event.stream);
    }
  };
  for (const NodeId node : {in1, in2}) {
    world.at(milliseconds(1), node, [&](Context& c) {
      c.streams.open(StreamId{1}, world.endpoint(out1));
      c.streams.write(StreamId{1}, as_bytes("hi"));
    });
  }
  world.run(seconds(10));
  EXPECT_EQ(world.streams(in1), "opened, drained, data echo hi, closed");
  EXPECT_EQ(world.streams(in2), "opened, drained, data echo hi, closed");
  EXPECT_EQ(peer.address, outside);
  EXPECT_EQ(world.simulator.network().tcp().open_connections(), 0U);
}

TEST_F(NatTest, ARefusalPassesTheNat) {
  world.at(milliseconds(1), in1,
           [&](Context& c) { c.streams.open(StreamId{1}, world.endpoint(out1, 9)); });
  world.run(seconds(1));
  EXPECT_EQ(world.streams(in1), "failed refused");
}

TEST_F(NatTest, AStreamFromOutsideTimesOut) {
  world.at(milliseconds(1), out1, [&](Context& c) {
    c.streams.open(StreamId{1}, {outside, 7001});
    c.streams.open(StreamId{2}, world.endpoint(in1));
  });
  world.run(seconds(200));
  EXPECT_EQ(world.streams(out1), "failed timed out, failed timed out");
  EXPECT_EQ(world.streams(in1), "");
  EXPECT_EQ(world.drops().nat, 14U);  // two SYN and their repetitions
}

}  // namespace
}  // namespace twinbed::testing
