// The simulated network from one socket to the other: ways, delays, ports, and all that is lost.
#include <gmock/gmock.h>

#include <bit>

#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::DeviceKind;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::vector<std::string> texts(const std::vector<NetWorld::Received>& received) {
  std::vector<std::string> out;
  for (const auto& item : received) out.push_back(item.text);
  return out;
}

TEST(Network, ADatagramReachesEveryHostOverEveryShapeOfNetwork) {
  Net star;
  star.device("switch", DeviceKind::kSwitch).hosts({"a", "b", "c"});
  for (const char* host : {"a", "b", "c"}) star.link(host, "switch");
  Net line;  // hosts do not forward: what lies between them are routers
  line.hosts({"a", "b", "c"}).device("r1", DeviceKind::kRouter).device("r2", DeviceKind::kRouter);
  line.link("a", "r1").link("r1", "r2").link("r2", "b").link("r2", "c");
  Net subnets;
  subnets.hosts({"a", "b", "c"}).device("s1", DeviceKind::kSwitch);
  subnets.device("s2", DeviceKind::kSwitch).device("router", DeviceKind::kRouter);
  subnets.link("a", "s1").link("b", "s1").link("c", "s2").link("s1", "router");
  subnets.link("s2", "router");
  for (Net* net : {&star, &line, &subnets}) {
    NetWorld world(net->build());
    const std::vector<NodeId> nodes = {world.add("a"), world.add("b"), world.add("c")};
    for (const NodeId from : nodes) {
      for (const NodeId to : nodes) {
        world.send_at(milliseconds(1), from, world.endpoint(to),
                      "from " + std::to_string(static_cast<std::uint32_t>(from)));
      }
    }
    world.run(seconds(1));
    for (const NodeId node : nodes) {
      EXPECT_THAT(texts(world.received(node)),
                  ::testing::UnorderedElementsAre("from 0", "from 1", "from 2"));
      for (const auto& item : world.received(node)) EXPECT_EQ(item.from.port, NetWorld::kPort);
    }
    EXPECT_EQ(world.simulator.network().packets_sent(), 9U);
    EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
  }
}

TEST(Network, APacketNeverLeadsThroughAHost) {
  NetWorld world(Net().hosts({"a", "middle", "b"}).link("a", "middle").link("middle", "b").build());
  const NodeId a = world.add("a");
  const NodeId middle = world.add("middle");
  const NodeId b = world.add("b");
  world.send_at(milliseconds(1), a, world.endpoint(b), "through");
  world.send_at(milliseconds(1), a, world.endpoint(middle), "to");
  world.run(seconds(1));
  EXPECT_TRUE(world.received(b).empty());
  EXPECT_EQ(texts(world.received(middle)), std::vector<std::string>{"to"});
  EXPECT_EQ(world.drops().no_route, 1U);
}

// 100 bytes and 28 of IPv4 and UDP headers are 1,024 bits: 1 ms at 1.024 Mbit/s.
TEST(Network, TheDelaysOfALongWayAddUpExactly) {
  sim::LinkParams slow = link_of(milliseconds(3));
  slow.bandwidth_bps = 1'024'000;
  Net net;
  net.hosts({"a", "b"}).device("r1", DeviceKind::kRouter).device("r2", DeviceKind::kRouter);
  net.link("a", "r1", link_of(Duration{1})).link("r1", "r2", slow);
  net.link("r2", "b", link_of(microseconds(20)));
  NetWorld world(net.build());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(seconds(1), a, world.endpoint(b), std::string(100, 'x'));
  world.send_at(seconds(1), a, world.endpoint(b), std::string(100, 'y'));
  world.run(seconds(2));
  ASSERT_EQ(world.received(b).size(), 2U);
  const Time first = Time{seconds(1)} + Duration{1} + milliseconds(4) + microseconds(20);
  EXPECT_EQ(world.received(b)[0].at, first);
  EXPECT_EQ(world.received(b)[1].at, first + milliseconds(1));  // it waited behind the first
}

TEST(Network, EachDirectionOfALinkHasItsOwnDelay) {
  sim::Topology topology = line_of_two();
  topology.links[0].forward.delay = milliseconds(5);
  topology.links[0].backward.delay = milliseconds(50);
  NetWorld world(topology);
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(seconds(1), a, world.endpoint(b), "there");
  world.send_at(seconds(1), b, world.endpoint(a), "back");
  world.run(seconds(2));
  EXPECT_EQ(world.received(b).at(0).at, Time{milliseconds(1005)});
  EXPECT_EQ(world.received(a).at(0).at, Time{milliseconds(1050)});
}

TEST(Network, NodesOfOneHostReachEachOtherInNoTimeByTheirPorts) {
  NetWorld world(line_of_two(link_of(seconds(1))));
  const NodeId first = world.add("a", "first", "server");
  const NodeId second = world.add("a", "second", "server");
  world.script(second).start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, 7002});
    c.datagrams.bind(SocketId{2}, {kAnyAddress, 7003});
  };
  SocketId came_in{};
  world.script(second).datagram = [&](Context& c, const Datagram& datagram) {
    came_in = datagram.socket;
    c.datagrams.send(datagram.socket, datagram.from, as_bytes("answer"));
  };
  world.send_at(milliseconds(5), first, world.endpoint(second, 7003), "question");
  world.send_at(milliseconds(6), first, world.endpoint(first), "to myself");
  world.run(seconds(1));
  EXPECT_EQ(came_in, SocketId{2});
  EXPECT_EQ(texts(world.received(first)), (std::vector<std::string>{"answer", "to myself"}));
  EXPECT_EQ(world.received(first)[0].at, Time{milliseconds(5)});
  EXPECT_EQ(world.received(first)[0].from, world.endpoint(second, 7003));
}

TEST(Network, APortThatIsTakenOnAHostEndsTheRunWithASentence) {
  NetWorld world(line_of_two());
  world.add("a", "first", "server");
  world.add("a", "second", "server");
  world.run(seconds(1));
  ASSERT_TRUE(world.simulator.failure().has_value());
  EXPECT_EQ(*world.simulator.failure(),
            "node second: port 7001 of host a is already in use by node number 0; give each node "
            "of a host a port of its own");
  EXPECT_FALSE(world.simulator.step());
  EXPECT_EQ(world.simulator.now(), Time{});
}

TEST(Network, AnAddressOfAnotherHostCannotBeBound) {
  NetWorld world(line_of_two());
  const NodeId a = world.add("a");
  world.script(a).start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {IpAddress{0x0a00'0002}, 7001});
  };
  world.run(seconds(1));
  EXPECT_EQ(world.simulator.failure().value_or(""),
            "node a: the address 10.0.0.2 is not one of host a, which has 10.0.0.1");
}

TEST(Network, UdpAndTcpHavePortsOfTheirOwnAndAClosedPortIsFreeAgain) {
  NetWorld world(line_of_two());
  const NodeId first = world.add("a", "first", "server");
  const NodeId second = world.add("a", "second", "server");
  const NodeId far = world.add("b");
  world.script(first).start = [](Context& c) { c.datagrams.bind(SocketId{1}, {kAnyAddress, 80}); };
  world.script(second).start = [](Context& c) {
    c.streams.listen(ListenerId{1}, {kAnyAddress, 80});
  };
  world.at(milliseconds(1), far, [&](Context& c) {
    c.datagrams.send(SocketId{1}, world.endpoint(first, 80), as_bytes("datagram"));
    c.streams.open(StreamId{1}, world.endpoint(first, 80));
  });
  world.at(seconds(1), first, [](Context& c) { c.datagrams.close(SocketId{1}); });
  world.at(seconds(2), second, [](Context& c) {
    c.datagrams.bind(SocketId{5}, {kAnyAddress, 80});
  });
  world.send_at(milliseconds(1500), far, world.endpoint(first, 80), "to nobody");
  world.send_at(milliseconds(2500), far, world.endpoint(first, 80), "to the second");
  world.run(seconds(3));
  EXPECT_FALSE(world.simulator.failure().has_value());
  EXPECT_EQ(texts(world.received(first)), std::vector<std::string>{"datagram"});
  EXPECT_EQ(texts(world.received(second)), std::vector<std::string>{"to the second"});
  EXPECT_EQ(world.streams(second), "accepted");
  EXPECT_EQ(world.drops().no_socket, 1U);
}

TEST(Network, SendingFromAnUnboundSocketTakesAFreePortThatAnswersReach) {
  NetWorld world(line_of_two());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  // The first ephemeral ports are taken already: by number, and by a listener.
  world.script(a).start = [](Context& c) {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, 49152});
    c.streams.listen(ListenerId{1}, {kAnyAddress, 49153});
  };
  world.script(b).datagram = [](Context& c, const Datagram& datagram) {
    c.datagrams.send(datagram.socket, datagram.from,
                     as_bytes(std::to_string(datagram.from.port)));
  };
  for (std::uint32_t socket = 11; socket < 14; ++socket) {
    world.send_at(milliseconds(socket), a, world.endpoint(b), "x", SocketId{socket});
    world.send_at(milliseconds(20 + socket), a, world.endpoint(b), "again", SocketId{socket});
  }
  world.run(seconds(1));
  EXPECT_EQ(texts(world.received(a)), (std::vector<std::string>{"49154", "49155", "49156", "49154",
                                                                "49155", "49156"}));
}

TEST(Network, WhatCannotArriveIsDroppedAndCountedByItsReason) {
  NetWorld world(Net().hosts({"a", "b", "alone"}).link("a", "b").build());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  const NodeId alone = world.add("alone");
  world.send_at(milliseconds(1), a, world.endpoint(b), std::string(kMaxDatagramBytes, 'x'));
  world.send_at(milliseconds(2), a, world.endpoint(b), std::string(kMaxDatagramBytes + 1, 'x'));
  world.send_at(milliseconds(3), a, {IpAddress{0x0b00'0001}, 7001}, "no such address");
  world.send_at(milliseconds(4), a, world.endpoint(alone), "no way");
  world.send_at(milliseconds(5), a, world.endpoint(b, 9), "nobody there");
  world.run(seconds(1));
  EXPECT_EQ(world.received(b).size(), 1U);
  EXPECT_EQ(world.received(b)[0].text.size(), kMaxDatagramBytes);
  EXPECT_EQ(world.drops().too_large, 1U);
  EXPECT_EQ(world.drops().no_route, 2U);
  EXPECT_EQ(world.drops().no_socket, 1U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

// RFC 1812 section 5.3.1: a packet whose time to live runs out is dropped. 64 is what Linux sends.
TEST(Network, APacketPassesSixtyThreeDevicesAndNotSixtyFour) {
  for (const std::uint32_t devices : {63U, 64U}) {
    Net net;
    net.hosts({"a", "b"});
    std::string last = "a";
    for (std::uint32_t i = 0; i < devices; ++i) {
      const std::string next = "r" + std::to_string(i);
      net.device(next, DeviceKind::kRouter).link(last, next);
      last = next;
    }
    net.link(last, "b");
    NetWorld world(net.build());
    const NodeId a = world.add("a");
    const NodeId b = world.add("b");
    world.send_at(milliseconds(1), a, world.endpoint(b), "far");
    world.run(seconds(1));
    EXPECT_EQ(world.received(b).size(), devices == 63 ? 1U : 0U);
    EXPECT_EQ(world.drops().no_route, devices == 63 ? 0U : 1U);
  }
}

TEST(Network, ALossyLinkCountsWhatItLoses) {
  sim::LinkParams link;
  link.loss = 0.5;
  NetWorld world(line_of_two(link));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  for (int i = 0; i < 200; ++i) world.send_at(milliseconds(i), a, world.endpoint(b), "x");
  world.run(seconds(1));
  EXPECT_EQ(world.received(b).size() + world.drops().loss, 200U);
  EXPECT_GT(world.drops().loss, 60U);
  EXPECT_LT(world.drops().loss, 140U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST(Network, ACorruptedDatagramDiffersInOneBit) {
  sim::LinkParams link;
  link.corrupt = 1;
  NetWorld world(line_of_two(link));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  const std::string sent = "a payload of some length";
  for (int i = 0; i < 50; ++i) world.send_at(milliseconds(i), a, world.endpoint(b), sent);
  world.send_at(milliseconds(60), a, world.endpoint(b), "");
  world.run(seconds(1));
  ASSERT_EQ(world.received(b).size(), 51U);
  std::vector<std::string> seen;
  for (std::size_t i = 0; i < 50; ++i) {
    const std::string& got = world.received(b)[i].text;
    ASSERT_EQ(got.size(), sent.size());
    int bits = 0;
    for (std::size_t k = 0; k < sent.size(); ++k) {
      bits += std::popcount(static_cast<std::uint8_t>(got[k] ^ sent[k]));
    }
    EXPECT_EQ(bits, 1);
    seen.push_back(got);
  }
  std::sort(seen.begin(), seen.end());
  EXPECT_GT(std::unique(seen.begin(), seen.end()) - seen.begin(), 20);  // not always the same bit
  EXPECT_EQ(world.received(b)[50].text, "");  // there was no bit to flip
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST(Network, ACorruptedSegmentFailsItsChecksum) {
  sim::LinkParams link;
  link.corrupt = 1;
  NetWorld world(line_of_two(link));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.at(milliseconds(1), a, [&](Context& c) { c.streams.open(StreamId{1}, world.endpoint(b)); });
  world.run(seconds(200));
  EXPECT_EQ(world.streams(a), "failed timed out");
  EXPECT_EQ(world.drops().checksum, 7U);  // the SYN and its six repetitions
}

TEST(Network, ADuplicatedDatagramArrivesTwice) {
  sim::LinkParams link = link_of(milliseconds(3));
  link.duplicate = 1;
  NetWorld world(line_of_two(link));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(milliseconds(1), a, world.endpoint(b), "twice");
  world.run(seconds(1));
  EXPECT_EQ(texts(world.received(b)), (std::vector<std::string>{"twice", "twice"}));
  EXPECT_EQ(world.received(b)[1].at, Time{milliseconds(4)});
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST(Network, AQueueThatIsFullDropsTheTail) {
  sim::LinkParams link;
  link.bandwidth_bps = 8'000;  // a byte in 1 ms
  link.queue_bytes = 300;      // beside the one that is being sent: room for three of 100 bytes
  NetWorld world(line_of_two(link));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.at(milliseconds(1), a, [&](Context& c) {
    for (char name = 'a'; name <= 'f'; ++name) {
      c.datagrams.send(SocketId{1}, world.endpoint(b), as_bytes(std::string(72, name)));
    }
  });
  world.run(seconds(10));
  std::string order;
  for (const auto& item : world.received(b)) order += item.text[0];
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(world.drops().queue, 3U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

/// a - r1 - b by two ways of equal shape, the one over r1 shorter.
sim::Topology ring() {
  Net net;
  net.hosts({"a", "b"}).device("r1", DeviceKind::kRouter).device("r2", DeviceKind::kRouter);
  net.link("a", "r1", link_of(milliseconds(1))).link("r1", "b", link_of(milliseconds(1)));
  net.link("a", "r2", link_of(milliseconds(5))).link("r2", "b", link_of(milliseconds(5)));
  return net.build();
}

TEST(Network, PacketsGoRoundALinkThatIsDownAndComeBackToItLater) {
  NetWorld world(ring());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(milliseconds(100), a, world.endpoint(b), "short");
  world.send_at(milliseconds(200), a, world.endpoint(b), "long");
  world.send_at(milliseconds(300), a, world.endpoint(b), "short again");
  world.run(milliseconds(150));
  world.simulator.network().set_link_up(1, false);
  world.run(milliseconds(250));
  EXPECT_EQ(world.simulator.network().reroutes(), 1U);
  world.simulator.network().set_link_up(1, true);
  world.run(seconds(1));
  ASSERT_EQ(texts(world.received(b)), (std::vector<std::string>{"short", "long", "short again"}));
  EXPECT_EQ(world.received(b)[0].at, Time{milliseconds(102)});
  EXPECT_EQ(world.received(b)[1].at, Time{milliseconds(210)});
  EXPECT_EQ(world.received(b)[2].at, Time{milliseconds(302)});
  EXPECT_EQ(world.simulator.network().reroutes(), 1U);
}

TEST(Network, WithoutAnotherWayALinkThatIsDownDropsAndWhatIsOnItArrives) {
  NetWorld world(line_of_two(link_of(milliseconds(10))));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(milliseconds(100), a, world.endpoint(b), "on the wire");
  world.send_at(milliseconds(106), a, world.endpoint(b), "too late");
  world.run(milliseconds(105));
  world.simulator.network().set_link_up(0, false);
  world.run(seconds(1));
  EXPECT_EQ(texts(world.received(b)), std::vector<std::string>{"on the wire"});
  EXPECT_EQ(world.drops().no_route, 1U);
}

TEST(Network, ALinkThatWasTakenDownTwiceIsUpWhenItWasPutUpTwice) {
  NetWorld world(line_of_two());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  sim::Network& network = world.simulator.network();
  network.set_link_up(0, false);
  network.set_link_up(0, false);
  network.set_link_up(0, true);
  world.send_at(milliseconds(1), a, world.endpoint(b), "lost");
  world.run(milliseconds(10));
  network.set_link_up(0, true);
  world.send_at(milliseconds(20), a, world.endpoint(b), "kept");
  world.run(milliseconds(30));
  EXPECT_EQ(texts(world.received(b)), std::vector<std::string>{"kept"});
}

// As Linux's net.core.rmem_default: 212,992 bytes wait for a process that does not read.
TEST(Network, DatagramsToAPausedProcessOverflowItsReceiveBuffer) {
  NetWorld world(line_of_two());
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.run(milliseconds(1));
  world.simulator.node(b).pause();
  for (int i = 2; i < 302; ++i) {
    world.send_at(milliseconds(i), a, world.endpoint(b), std::string(1000, 'x'));
  }
  world.run(seconds(1));
  world.simulator.node(b).resume();
  EXPECT_EQ(world.received(b).size(), 207U);  // of 1,028 bytes with their headers
  EXPECT_EQ(world.drops().receive_buffer, 93U);
  world.send_at(seconds(2), a, world.endpoint(b), "the buffer is empty again");
  world.run(seconds(3));
  EXPECT_EQ(world.received(b).size(), 208U);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

}  // namespace
}  // namespace twinbed::testing
