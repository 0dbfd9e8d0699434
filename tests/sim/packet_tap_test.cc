// What an observer of the simulated network sees, and what it looks like as bytes.
#include "sim/network/packet_tap.h"

#include "core/wire/internet_checksum.h"
#include "core/wire/ipv4.h"
#include "core/wire/reader.h"
#include "sim/network/packet_bytes.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::DeviceKind;
using sim::Packet;
using sim::PacketBytes;
using sim::TappedPacket;
using sim::Transport;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr StreamId kStream{7};

/// A packet taken apart again, by a reader that knows nothing of the simulator.
struct Parsed {
  bool sent = false;
  Time at{};
  std::optional<NodeId> node;
  Endpoint from, to;
  std::uint32_t sequence = 0, acknowledged = 0;
  std::string flags;  // "S", "SA", "A", "FA", "R", "RA"
  std::uint32_t window = 0;
  std::uint8_t hops = 0;
  std::string payload;
  bool udp = false;
  bool good_checksums = false;
};

bool checksums_are_good(Bytes packet) {
  InternetChecksum header;
  header.add(packet.first(20));
  InternetChecksum body;
  body.add(packet.subspan(12, 8));
  body.add_word(std::to_integer<std::uint8_t>(packet[9]));
  body.add_word(static_cast<std::uint16_t>(packet.size() - 20));
  body.add(packet.subspan(20));
  return header.sum() == 0xffff && body.sum() == 0xffff;
}

Parsed parse(Bytes packet) {
  Parsed parsed;
  Reader reader(packet);
  EXPECT_EQ(reader.u8(), 0x45);
  reader.skip(1);
  EXPECT_EQ(reader.u16be(), packet.size());
  reader.skip(2);
  EXPECT_EQ(reader.u16be(), 0x4000) << "don't fragment";
  parsed.hops = reader.u8();
  parsed.udp = reader.u8() == kProtocolUdp;
  reader.skip(2);
  parsed.from.address.value = reader.u32be();
  parsed.to.address.value = reader.u32be();
  parsed.from.port = reader.u16be();
  parsed.to.port = reader.u16be();
  if (parsed.udp) {
    EXPECT_EQ(reader.u16be(), packet.size() - 20);
    reader.skip(2);
  } else {
    parsed.sequence = reader.u32be();
    parsed.acknowledged = reader.u32be();
    EXPECT_EQ(reader.u8(), 0x50);
    const std::uint8_t flags = reader.u8();
    const std::string_view names = "FSRPAU";
    for (const std::size_t bit : {1U, 2U, 0U, 4U}) {
      if ((flags >> bit & 1) != 0) parsed.flags += names[bit];
    }
    EXPECT_EQ(flags & ~0x17, 0);
    parsed.window = reader.u16be();
    reader.skip(4);
  }
  parsed.payload = as_text(reader.rest());
  EXPECT_TRUE(reader.ok());
  parsed.good_checksums = checksums_are_good(packet);
  return parsed;
}

/// Keeps everything that passes.
class Recorder final : public sim::PacketTap {
 public:
  void sent(const TappedPacket& packet) override {
    add(packet, bytes_.sent(packet.packet, packet.payload), true);
  }
  void received(const TappedPacket& packet) override {
    add(packet, bytes_.received(packet.packet, packet.payload), false);
  }
  std::vector<Parsed> of(bool sent) const {
    std::vector<Parsed> some;
    for (const Parsed& packet : packets) {
      if (packet.sent == sent) some.push_back(packet);
    }
    return some;
  }
  /// "S SA A", in the order in which they were sent.
  std::string flags(bool sent = true) const {
    std::string text;
    for (const Parsed& packet : of(sent)) text += (text.empty() ? "" : " ") + packet.flags;
    return text;
  }

  std::vector<Parsed> packets;

 private:
  void add(const TappedPacket& tapped, Bytes bytes, bool sent) {
    EXPECT_EQ(bytes.size(), tapped.packet.wire_bytes()) << "as long as the links reckon";
    Parsed parsed = parse(bytes);
    parsed.sent = sent;
    parsed.at = tapped.at;
    parsed.node = tapped.node;
    packets.push_back(std::move(parsed));
  }
  PacketBytes bytes_;
};

class PacketTapTest : public ::testing::Test {
 protected:
  /// Two nodes on one link; node a dials node b and writes, b reads.
  std::unique_ptr<NetWorld> pair(const sim::LinkParams& link) {
    auto world = std::make_unique<NetWorld>(line_of_two(link));
    a = world->add("a");
    b = world->add("b");
    world->simulator.network().set_tap(&tap);
    return world;
  }
  void dial_and_write(NetWorld& world, std::string text) {
    const Endpoint to = world.endpoint(b);
    world.at(milliseconds(1), a, [=](Context& c) {
      c.streams.open(kStream, to);
      c.streams.write(kStream, as_bytes(text));
    });
    world.at(seconds(5), a, [](Context& c) { c.streams.close(kStream); });
  }

  NodeId a{}, b{};
  Recorder tap;
};

TEST_F(PacketTapTest, ADatagramIsSentAndReceived) {
  const auto world = pair(link_of(milliseconds(10)));
  world->send_at(milliseconds(1), a, world->endpoint(b), "hello");
  world->run(seconds(1));
  ASSERT_EQ(tap.packets.size(), 2U);
  for (const Parsed& packet : tap.packets) {
    EXPECT_TRUE(packet.udp);
    EXPECT_EQ(packet.payload, "hello");
    EXPECT_EQ(packet.from, world->endpoint(a));
    EXPECT_EQ(packet.to, world->endpoint(b));
    EXPECT_EQ(packet.hops, 64);
    EXPECT_TRUE(packet.good_checksums);
  }
  EXPECT_TRUE(tap.packets[0].sent);
  EXPECT_EQ(tap.packets[0].at, Time{milliseconds(1)});
  EXPECT_EQ(tap.packets[0].node, a);
  EXPECT_FALSE(tap.packets[1].sent);
  EXPECT_EQ(tap.packets[1].at, Time{milliseconds(11)});
  EXPECT_EQ(tap.packets[1].node, b);
}

TEST_F(PacketTapTest, WhatIsLostIsSentAndNeverReceived) {
  sim::LinkParams link;
  link.loss = 1;
  const auto world = pair(link);
  world->send_at(milliseconds(1), a, world->endpoint(b), "gone");
  world->run(seconds(1));
  ASSERT_EQ(tap.packets.size(), 1U);
  EXPECT_TRUE(tap.packets[0].sent);
}

TEST_F(PacketTapTest, WhatAPartitionDropsIsSentAndNeverReceived) {
  const auto world = pair(link_of(milliseconds(10)));
  sim::FaultSpec cut = fault_of(sim::FaultAction::kPartition, milliseconds(5), {}, seconds(1));
  cut.groups = {{{"a"}, "", 0}, {{"b"}, "", 0}};
  world->simulator.set_faults({cut});
  world->send_at(milliseconds(1), a, world->endpoint(b), "under way");
  world->send_at(milliseconds(500), a, world->endpoint(b), "into the cut");
  world->run(seconds(2));
  EXPECT_EQ(tap.of(true).size(), 2U);
  EXPECT_EQ(tap.of(false).size(), 0U);
}

TEST_F(PacketTapTest, CopiesAreReceivedEachAndSentOnce) {
  sim::LinkParams link;
  link.duplicate = 1;
  const auto world = pair(link);
  world->send_at(milliseconds(1), a, world->endpoint(b), "twice");
  world->run(seconds(1));
  EXPECT_EQ(tap.of(true).size(), 1U);
  EXPECT_EQ(tap.of(false).size(), 2U);
}

TEST_F(PacketTapTest, ADamagedPacketHasAChecksumThatDoesNotFit) {
  sim::LinkParams link;
  link.corrupt = 1;
  const auto world = pair(link);
  world->send_at(milliseconds(1), a, world->endpoint(b), "datagram");
  world->at(milliseconds(2), a, [to = world->endpoint(b)](Context& c) {
    c.streams.open(kStream, to);
  });
  world->run(seconds(1));
  for (const Parsed& packet : tap.packets) EXPECT_EQ(packet.good_checksums, packet.sent);
  EXPECT_EQ(tap.flags(false), "S") << "the datagram has no flags";
}

TEST_F(PacketTapTest, AStreamHasTheNumbersOfRealTcp) {
  const auto world = pair(link_of(milliseconds(10)));
  dial_and_write(*world, std::string(3000, 'x'));
  world->run(seconds(9));
  EXPECT_EQ(world->streams(b).substr(0, 14), "accepted, data");
  const std::vector<Parsed> sent = tap.of(true);
  ASSERT_GE(sent.size(), 6U);
  EXPECT_EQ(sent[0].flags, "S");
  EXPECT_EQ(sent[0].acknowledged, 0U);
  EXPECT_EQ(sent[1].flags, "SA");
  EXPECT_EQ(sent[1].acknowledged, sent[0].sequence + 1);
  EXPECT_NE(sent[0].sequence, sent[1].sequence) << "each side has a first number of its own";
  std::uint32_t next = sent[0].sequence + 1;
  std::string received;
  for (const Parsed& packet : sent) {
    EXPECT_TRUE(packet.good_checksums);
    EXPECT_EQ(packet.node, packet.from == world->endpoint(b) ? b : a);
    if (packet.payload.empty() || packet.node == b) continue;
    EXPECT_EQ(packet.sequence, next);
    EXPECT_EQ(packet.acknowledged, sent[1].sequence + 1);
    next += static_cast<std::uint32_t>(packet.payload.size());
    received += packet.payload;
  }
  EXPECT_EQ(received, std::string(3000, 'x'));
  // FIN takes a number of its own, on both sides.
  std::vector<Parsed> ends;
  for (const Parsed& packet : sent) {
    if (packet.flags == "FA") ends.push_back(packet);
  }
  ASSERT_EQ(ends.size(), 2U);
  EXPECT_EQ(ends[0].sequence, next);
  EXPECT_EQ(ends[1].acknowledged, next + 1);
  EXPECT_EQ(sent.back().acknowledged, ends[1].sequence + 1);
  EXPECT_EQ(tap.of(false).size(), sent.size()) << "nothing was lost";
}

TEST_F(PacketTapTest, ALostSegmentIsSentAgainUnderItsNumber) {
  sim::LinkParams link = link_of(milliseconds(10));
  link.loss = 0.3;
  const auto world = pair(link);
  dial_and_write(*world, std::string(20'000, 'x'));
  world->run(seconds(60));
  std::map<std::uint32_t, int> times_sent;
  for (const Parsed& packet : tap.of(true)) {
    if (!packet.payload.empty()) ++times_sent[packet.sequence];
  }
  int repeated = 0;
  for (const auto& [sequence, times] : times_sent) repeated += times > 1;
  EXPECT_GT(repeated, 0);
  EXPECT_LT(tap.of(false).size(), tap.of(true).size());
}

TEST_F(PacketTapTest, ARefusalAnswersTheSynAsRfc9293Says) {
  const auto world = pair(link_of(milliseconds(10)));
  world->at(milliseconds(1), a, [to = world->endpoint(b, 9999)](Context& c) {
    c.streams.open(kStream, to);
  });
  world->run(seconds(1));
  ASSERT_EQ(tap.flags(true), "S RA");
  ASSERT_EQ(tap.flags(false), "S RA");
  for (const bool sent : {true, false}) {
    const std::vector<Parsed> packets = tap.of(sent);
    EXPECT_EQ(packets[1].sequence, 0U);
    EXPECT_EQ(packets[1].acknowledged, packets[0].sequence + 1);
    EXPECT_EQ(packets[1].from, world->endpoint(b, 9999));
    EXPECT_EQ(packets[1].node, sent ? b : a);
  }
}

TEST_F(PacketTapTest, ResetsHaveTheNumberThatThePeerAwaits) {
  const auto world = pair(link_of(milliseconds(10)));
  // b closes at once, so that what a has written finds nobody who will read it.
  world->script(b).stream = [](Context& c, const StreamEvent& event) {
    if (event.kind == StreamEventKind::kAccepted) c.streams.close(event.stream);
  };
  dial_and_write(*world, "read");
  world->at(milliseconds(35), a, [](Context& c) { c.streams.write(kStream, as_bytes("unread")); });
  world->run(seconds(9));
  ASSERT_EQ(tap.flags(), "S SA A A A FA A A FA RA R R");
  const std::vector<Parsed> sent = tap.of(true);
  EXPECT_EQ(sent[9].sequence, sent[5].sequence + 1) << "after the FIN";
  EXPECT_EQ(sent[10].sequence, sent[7].acknowledged) << "answers the acknowledgement of the FIN";
  EXPECT_EQ(sent[11].sequence, sent[8].acknowledged) << "answers the other side's FIN";
  const std::vector<Parsed> received = tap.of(false);
  ASSERT_EQ(received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(received[i].sequence, sent[i].sequence);
    EXPECT_EQ(received[i].acknowledged, sent[i].acknowledged);
  }
}

TEST_F(PacketTapTest, BehindANatEachEndHasItsOwnAddresses) {
  Net net;
  net.hosts({"in", "out"}).device("nat", DeviceKind::kNat);
  net.link("in", "nat", {}, true).link("nat", "out", link_of(milliseconds(10)));
  NetWorld world(net.build());
  const NodeId in = world.add("in");
  const NodeId out = world.add("out");
  world.simulator.network().set_tap(&tap);
  world.send_at(milliseconds(1), in, world.endpoint(out), "out");
  world.run(seconds(1));
  ASSERT_EQ(tap.packets.size(), 2U);
  EXPECT_EQ(tap.packets[0].from, world.endpoint(in));
  EXPECT_NE(tap.packets[1].from.address, world.endpoint(in).address);
  EXPECT_EQ(tap.packets[1].hops, 63) << "the NAT is a hop";
  EXPECT_EQ(tap.packets[0].node, in);
  EXPECT_EQ(tap.packets[1].node, out);
}

TEST_F(PacketTapTest, OnASharedHostASocketTellsTheNode) {
  NetWorld world(line_of_two(link_of(milliseconds(10))));
  a = world.add("a");
  const NodeId first = world.add("b", "b1", "server");
  const NodeId second = world.add("b", "b2", "server");
  world.script(second).start = [](Context& c) {
    c.datagrams.bind(NetWorld::kSocket, {kAnyAddress, 7002});
    c.streams.listen(NetWorld::kListener, {kAnyAddress, 7002});
  };
  world.simulator.network().set_tap(&tap);
  world.send_at(milliseconds(1), a, world.endpoint(first, 7001), "first");
  world.send_at(milliseconds(2), a, world.endpoint(first, 7002), "second");
  world.send_at(milliseconds(3), a, world.endpoint(first, 7003), "nobody");
  world.send_at(milliseconds(100), second, world.endpoint(first, 7001), "to a neighbour");
  world.run(seconds(1));
  const std::vector<Parsed> received = tap.of(false);
  ASSERT_EQ(received.size(), 4U);
  EXPECT_EQ(received[0].node, first);
  EXPECT_EQ(received[1].node, second);
  EXPECT_EQ(received[2].node, std::nullopt);
  EXPECT_EQ(received[3].node, first);
  EXPECT_EQ(received[3].payload, "to a neighbour") << "the loopback of a host is seen, too";
  EXPECT_EQ(tap.of(true).back().node, second);
}

TEST_F(PacketTapTest, WithoutARouteNothingIsSent) {
  NetWorld world(Net().hosts({"a", "b"}).build());
  a = world.add("a");
  b = world.add("b");
  world.simulator.network().set_tap(&tap);
  world.send_at(milliseconds(1), a, world.endpoint(b), "to an island");
  world.run(seconds(1));
  EXPECT_TRUE(tap.packets.empty());
}

TEST_F(PacketTapTest, NobodyNoticesTheObserver) {
  const auto fingerprint = [this](bool tapped) {
    sim::LinkParams link = link_of(milliseconds(10));
    link.loss = 0.2;
    NetWorld world(line_of_two(link), 3);
    a = world.add("a");
    b = world.add("b");
    if (tapped) world.simulator.network().set_tap(&tap);
    dial_and_write(world, std::string(50'000, 'y'));
    world.run(seconds(30));
    EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
    return world.simulator.fingerprint().hex();
  };
  EXPECT_EQ(fingerprint(true), fingerprint(false));
  EXPECT_GT(tap.packets.size(), 70U);
}

/// Of a connection between places 1 and 2.
Packet segment(std::uint64_t sequence, std::uint64_t acknowledged) {
  Packet packet;
  packet.transport = Transport::kTcp;
  packet.tcp.from = {1, 1};
  packet.tcp.to = {2, 1};
  packet.tcp.ack = true;
  packet.tcp.sequence = sequence;
  packet.tcp.acknowledged = acknowledged;
  packet.tcp.window = 70'000;
  return packet;
}

TEST(PacketBytesTest, NumbersWrapAroundAt32Bits) {
  PacketBytes bytes;
  const Parsed start = parse(bytes.sent(segment(0, 0), {}));
  const std::uint64_t round = std::uint64_t{1} << 32;
  const Parsed later = parse(bytes.sent(segment(round + 5, 3 * round + 7), {}));
  EXPECT_EQ(later.sequence, start.sequence + 5);
  EXPECT_EQ(later.acknowledged, start.acknowledged + 7);
  const Parsed before = parse(bytes.sent(segment(round - 1, 0), {}));
  EXPECT_EQ(before.sequence, start.sequence - 1);
}

TEST(PacketBytesTest, AResetFollowsWhatWasSentAcrossTheWrap) {
  PacketBytes bytes;
  Packet data = segment((std::uint64_t{1} << 32) - 2, 0);
  data.length = 4;
  const Parsed sent = parse(bytes.sent(data, as_bytes("four")));
  (void)bytes.sent(segment((std::uint64_t{1} << 32) - 100, 0), {});  // an older one, once more
  Packet reset = segment(0, 0);
  reset.tcp.rst = true;
  EXPECT_EQ(parse(bytes.sent(reset, {})).sequence, sent.sequence + 4);
  EXPECT_EQ(parse(bytes.received(reset, {})).sequence, sent.sequence + 4);
}

TEST(PacketBytesTest, WindowsAboveTheFieldAreShownAsItsLargest) {
  PacketBytes bytes;
  EXPECT_EQ(parse(bytes.sent(segment(0, 0), {})).window, 65'535U);
  Packet small = segment(0, 0);
  small.tcp.window = 1460;
  EXPECT_EQ(parse(bytes.sent(small, {})).window, 1460U);
}

TEST(PacketBytesTest, AProbeRepeatsTheLastNumber) {
  PacketBytes bytes;
  const Parsed last = parse(bytes.sent(segment(100, 0), {}));
  Packet probe = segment(100, 0);
  probe.tcp.probe = true;
  EXPECT_EQ(parse(bytes.sent(probe, {})).sequence, last.sequence - 1);
}

TEST(PacketBytesTest, TheLargestDatagramFitsIntoAPacket) {
  PacketBytes bytes;
  Packet packet;
  packet.length = kMaxDatagramBytes;
  const std::string text(kMaxDatagramBytes, 'z');
  const Parsed parsed = parse(bytes.sent(packet, as_bytes(text)));
  EXPECT_EQ(parsed.payload, text);
  EXPECT_TRUE(parsed.good_checksums);
}

}  // namespace
}  // namespace twinbed::testing
