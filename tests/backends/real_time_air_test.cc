// The air in real time, between programs that use its cards by UDP and by virtual radios.
#include "backends/testbed/real_time_air.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <map>
#include <string>
#include <vector>

#include "backends/pcap/monitor_radio.h"
#include "backends/testbed/udp_air.h"
#include "core/wire/radiotap.h"
#include "sim/medium/table_medium.h"
#include "tests/support/own_network.h"

namespace twinbed::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Duration kLong = std::chrono::seconds(10);
/// Long enough for what is on its way to arrive.
constexpr Duration kSettle = std::chrono::milliseconds(50);
constexpr NodeId kDrone{0};
constexpr NodeId kGround{1};
constexpr sim::CardAddress kDroneCard{kDrone, InterfaceId{0}};
constexpr sim::CardAddress kGroundCard{kGround, InterfaceId{0}};
constexpr ChannelMhz kElsewhere{5200};

/// What happens at the end of a run, by metric and node.
class Samples final : public RunSink {
 public:
  void sample(Time, NodeId node, const Metric& metric, double value) override {
    of[std::string(metric.name)][node] = value;
  }
  void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
  void fault(Time, const FaultRow&) override {}

  std::map<std::string, std::map<NodeId, double>> of;
};

std::string frame_of(const std::string& body) { return std::string(24, '\x08') + body; }

/// Two nodes with a card each, 70 dB apart.
std::unique_ptr<sim::RadioMedium> make_medium(sim::World& world) {
  sim::AirOptions options;
  options.error_rate = sim::ErrorRateModel::kTable;
  options.path_loss.model = sim::PathLossModel::kFixed;
  options.path_loss.loss_db = 70;
  auto medium = std::make_unique<sim::TableMedium>(world, options);
  for (const NodeId node : {kDrone, kGround}) {
    sim::RadioNode radio;
    radio.mobility = std::make_unique<sim::FixedPosition>(sim::Position{});
    radio.cards.resize(1);
    medium->add_node(node, std::move(radio));
  }
  return medium;
}

class RealTimeAirTest : public ::testing::Test {
 protected:
  void attach(sim::CardAddress card, std::unique_ptr<CardAttachment> attachment) {
    names.push_back(attachment->name());
    air.attach(card, std::move(attachment));
  }
  /// Both cards by UDP, and the air begins.
  void start_udp() {
    for (const sim::CardAddress card : {kDroneCard, kGroundCard}) {
      auto attachment = UdpAttachment::open();
      ASSERT_TRUE(attachment) << attachment.error();
      attach(card, *std::move(attachment));
    }
    air.start(monotonic_now_ns());
    drone = join(names[0]);
    ground = join(names[1]);
  }
  static std::unique_ptr<UdpRadio> join(const std::string& name) {
    auto radio = UdpRadio::open({*parse_endpoint(name)});
    EXPECT_TRUE(radio) << radio.error();
    return radio ? *std::move(radio) : nullptr;
  }
  /// What a radio hears until there is so much, or for a long time.
  std::vector<std::string> receive(RadioBackend& radio, std::size_t count, Duration limit = kLong) {
    std::vector<std::string> bodies;
    tick();
    loop.run_until(
        [&] {
          for (const int descriptor : radio.descriptors()) {
            EXPECT_TRUE(radio.receive(descriptor, [&](const RxFrame& frame) {
              last = frame;
              heard_at = air.run_now();
              bodies.emplace_back(as_text(frame.frame.subspan(24)));
            }));
          }
          return bodies.size() >= count;
        },
        limit);
    return bodies;
  }
  void send(RadioBackend& radio, const std::string& body) {
    radio.transmit(InterfaceId{0}, as_bytes(frame_of(body)), TxParams{});
  }
  Samples record() {
    Samples samples;
    air.record(samples);
    return samples;
  }
  /// The loop turns at least every millisecond.
  void tick() {
    ticker.set(monotonic_now_ns() + 1'000'000, [this] { tick(); });
  }

  EventLoop loop;
  Alarm ticker{loop};
  RealTimeAir air{loop, 7, make_medium};
  std::vector<std::string> names;
  std::unique_ptr<UdpRadio> drone;
  std::unique_ptr<UdpRadio> ground;
  RxFrame last;
  Time heard_at{};
};

TEST_F(RealTimeAirTest, AFrameIsHeardAfterItsAirtimeWithWhatTheCardMeasured) {
  start_udp();
  TxParams params;
  params.mcs = 0;
  const std::string body(1400, 'x');
  const Time before = air.run_now();
  drone->transmit(InterfaceId{0}, as_bytes(frame_of(body)), params);
  EXPECT_THAT(receive(*ground, 1), ElementsAre(body));
  // 1,428 bytes at 6.5 Mbit/s, and a preamble of 36 us.
  EXPECT_GE(heard_at - before, std::chrono::microseconds(1'780));
  EXPECT_EQ(last.channel, ChannelMhz{5825});
  EXPECT_EQ(last.rate.mcs, 0);
  EXPECT_EQ(last.interface, InterfaceId{0});
  ASSERT_EQ(last.antenna_count, 1);
  EXPECT_EQ(last.readings[0].signal_dbm, -50) << "20 dBm less 70 dB";
  EXPECT_THAT(receive(*drone, 1, kSettle), IsEmpty()) << "a card does not hear itself";
  Samples samples = record();
  EXPECT_EQ(samples.of["radio.sent"][kDrone], 1);
  EXPECT_EQ(samples.of["radio.received"][kGround], 1);
  EXPECT_EQ(samples.of["air.lost"][kGround], 0);
  EXPECT_EQ(air.lateness().summary(LatenessKind::kRelease).count, 1U);
}

TEST_F(RealTimeAirTest, WhatIsNoFrameIsCountedAndDropped) {
  start_udp();
  const Socket stranger = Socket::datagram();
  const sockaddr_in card = to_sockaddr(*parse_endpoint(names[0]));
  Buffer short_frame;
  write_radiotap_tx(TxParams{}, short_frame);
  const std::string too_short = std::string(as_text(short_frame)) + "123456789";
  const std::vector<std::string> hostile{
      "", std::string(1, '\0'), std::string("\0\0\xff\xff", 4), std::string(3'000, '\xff'),
      "\1 and more", "\2", "\2\x14", "\2\x14\x50\x01", too_short};
  for (const std::string& datagram : hostile) {
    ASSERT_GE(::sendto(stranger.number(), datagram.data(), datagram.size(), 0,
                       reinterpret_cast<const sockaddr*>(&card), sizeof card), 0);
  }
  send(*drone, "whole");
  EXPECT_THAT(receive(*ground, 1), ElementsAre("whole"));
  Samples samples = record();
  EXPECT_EQ(samples.of["air.malformed"][kDrone], static_cast<double>(hostile.size()));
  EXPECT_EQ(samples.of["radio.sent"][kDrone], 1);
}

TEST_F(RealTimeAirTest, ACardIsTunedByItsProgram) {
  start_udp();
  ground->tune(InterfaceId{0}, kElsewhere);
  loop.run_until([] { return false; }, kSettle);
  send(*drone, "unheard");
  EXPECT_THAT(receive(*ground, 1, kSettle), IsEmpty());
  drone->tune(InterfaceId{0}, kElsewhere);
  send(*drone, "heard");
  EXPECT_THAT(receive(*ground, 1), ElementsAre("heard"));
  EXPECT_EQ(last.channel, kElsewhere);
}

TEST_F(RealTimeAirTest, WhatComesBeforeTheStartWaitsForIt) {
  for (const sim::CardAddress card : {kDroneCard, kGroundCard}) {
    attach(card, *UdpAttachment::open());
  }
  drone = join(names[0]);
  ground = join(names[1]);
  send(*drone, "early");
  constexpr Duration kDelay = std::chrono::milliseconds(100);
  air.start(monotonic_now_ns() + to_ns(kDelay));
  EXPECT_THAT(receive(*ground, 1, kDelay / 2), IsEmpty());
  EXPECT_THAT(receive(*ground, 1), ElementsAre("early"));
}

TEST_F(RealTimeAirTest, AFullCardRefusesWhatComesByUdp) {
  start_udp();
  constexpr int kSent = 300;
  // Before the air gets to read any: the kernel keeps them all.
  for (int i = 0; i < kSent; ++i) send(*drone, "x");
  const sim::CardCounters& figures = air.counters(kDroneCard);
  loop.run_until([&] { return figures.sent + figures.queue_full >= kSent; }, kLong);
  EXPECT_EQ(figures.sent + figures.queue_full, kSent);
  EXPECT_GT(figures.queue_full, 0U) << "128 wait in the card";
}

TEST_F(RealTimeAirTest, FaultsBeginAndEnd) {
  start_udp();
  sim::FaultSpec unplug;
  unplug.action = sim::FaultAction::kUnplug;
  air.begin_fault(unplug, 3, {static_cast<std::uint32_t>(kDrone)});
  send(*drone, "unheard");
  EXPECT_THAT(receive(*ground, 1, kSettle), IsEmpty());
  EXPECT_EQ(air.end_fault(3), 1U) << "the frame that went nowhere";
  EXPECT_EQ(air.end_fault(3), 0U) << "it has ended";
  send(*drone, "heard");
  EXPECT_THAT(receive(*ground, 1), ElementsAre("heard"));
}

TEST_F(RealTimeAirTest, AVirtualRadioWithAFullCardTellsThePrograms) {
  const testing::OwnNetwork network;
  if (!network.is_there()) GTEST_SKIP() << "network namespaces take root";
  constexpr int kRoom = 20;
  auto radio = VirtualRadio::create("vr0", kRoom);
  ASSERT_TRUE(radio) << radio.error();
  attach(kDroneCard, std::make_unique<VirtualRadioAttachment>(*std::move(radio)));
  auto other = UdpAttachment::open();
  ASSERT_TRUE(other) << other.error();
  attach(kGroundCard, *std::move(other));
  ground = join(names[1]);
  // Nothing is read before the start: the kernel's queue takes so many frames and refuses the rest.
  constexpr int kSent = 50;
  int refused = 0;
  int taken = 0;
  MonitorRadioOptions options;
  options.interfaces = {"vr0"};
  options.events.on_frame = [&](const InjectedFrame& frame) {
    ++(frame.is_sent ? taken : refused);
  };
  const auto program = MonitorRadio::open(loop, std::move(options));
  ASSERT_TRUE(program) << program.error();
  for (int i = 0; i < kSent; ++i) send(**program, std::to_string(i));
  loop.run_until([&] { return taken + refused == kSent; }, kLong);
  EXPECT_EQ(refused, kSent - kRoom);
  air.start(monotonic_now_ns());
  EXPECT_EQ(receive(*ground, kRoom).size(), static_cast<std::size_t>(kRoom));
  Samples samples = record();
  EXPECT_EQ(samples.of["radio.sent"][kDrone], kRoom);
  EXPECT_NEAR(samples.of["radio.queue_full"][kDrone], refused, 3) << "of the kernel's own, some";
}

TEST_F(RealTimeAirTest, WhatACardHasNoRoomForIsReadLater) {
  const testing::OwnNetwork network;
  if (!network.is_there()) GTEST_SKIP() << "network namespaces take root";
  constexpr int kSent = 400;  // the card's own queue has 128
  auto radio = VirtualRadio::create("vr0", kSent);
  ASSERT_TRUE(radio) << radio.error();
  attach(kDroneCard, std::make_unique<VirtualRadioAttachment>(*std::move(radio)));
  auto other = UdpAttachment::open();
  ASSERT_TRUE(other) << other.error();
  attach(kGroundCard, *std::move(other));
  ground = join(names[1]);
  MonitorRadioOptions options;
  options.interfaces = {"vr0"};
  const auto program = MonitorRadio::open(loop, std::move(options));
  ASSERT_TRUE(program) << program.error();
  for (int i = 0; i < kSent; ++i) send(**program, std::string(1'000, 'x'));
  loop.run_until([] { return false; }, kSettle);
  air.start(monotonic_now_ns());
  EXPECT_EQ(receive(*ground, kSent).size(), static_cast<std::size_t>(kSent));
  EXPECT_EQ(air.counters(kDroneCard).queue_full, 0U);
}

}  // namespace
}  // namespace twinbed::backends
