// What faults do to the air, by themselves and as a plan of faults in a simulation.
#include "sim/faults/radio_faults.h"

#include <gmock/gmock.h>

#include "sim/simulator.h"
#include "tests/support/air_world.h"
#include "tests/support/counting_new.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using sim::CardAddress;

constexpr InterfaceId kCard{0};

sim::AirOptions free_space() {
  sim::AirOptions options;
  options.error_rate = sim::ErrorRateModel::kTable;
  options.path_loss.model = sim::PathLossModel::kFriis;
  return options;
}

/// A sender, and a receiver 100 m away: -68 dBm over a noise of -94 dBm.
class RadioFaultsTest : public ::testing::Test {
 protected:
  bool arrives(const TxParams& params = {}) {
    const std::size_t before = air_.heard_by(receiver_);
    air_.send(sender_, Buffer(500), params);
    air_.run();
    return air_.heard_by(receiver_) > before;
  }

  AirWorld air_{free_space()};
  NodeId sender_ = air_.add({0, 0, 0});
  NodeId receiver_ = air_.add({100, 0, 0});
};

TEST_F(RadioFaultsTest, AFadeWeakensBothDirections) {
  ASSERT_TRUE(arrives());
  const int before = air_.heard().back().frame.readings[0].signal_dbm;
  air_.medium().set_fade_mdb(receiver_, 10'000);
  ASSERT_TRUE(arrives());
  EXPECT_EQ(air_.heard().back().frame.readings[0].signal_dbm, before - 10);
  air_.send(receiver_, Buffer(500));
  air_.run();
  EXPECT_EQ(air_.heard().back().node, sender_);
  EXPECT_EQ(air_.heard().back().frame.readings[0].signal_dbm, before - 10);
  air_.medium().set_fade_mdb(receiver_, 60'000);
  EXPECT_FALSE(arrives());
  air_.medium().set_fade_mdb(receiver_, 0);
  EXPECT_TRUE(arrives());
}

TEST_F(RadioFaultsTest, AnUnpluggedCardHearsNothingAndForgetsItsQueue) {
  const CardAddress card{receiver_, kCard};
  air_.medium().set_plugged(card, false);
  EXPECT_FALSE(arrives());
  EXPECT_GT(air_.counters(receiver_).touched, 0U);
  air_.medium().set_plugged(card, true);
  EXPECT_TRUE(arrives());
  for (int i = 0; i < 3; ++i) air_.send(sender_, Buffer(500));
  air_.run_until(air_.now() + 34us + 15 * 9us);  // DIFS and the longest back-off: one has begun
  air_.medium().set_plugged({sender_, kCard}, false);
  air_.send(sender_, Buffer(500));
  const std::size_t before = air_.heard().size();
  air_.run();
  EXPECT_EQ(air_.heard().size(), before) << "the frame on the air ended before its end";
  EXPECT_EQ(air_.counters(sender_).no_card, 3U) << "two in the queue and one after it";
  air_.medium().set_plugged({sender_, kCard}, true);
  EXPECT_TRUE(arrives());
  EXPECT_EQ(air_.world().payloads.in_use(), 0U);
}

TEST_F(RadioFaultsTest, AnotherChannelIsSilent) {
  air_.medium().set_channel({receiver_, kCard}, ChannelMhz{5180});
  EXPECT_FALSE(arrives());
  air_.medium().set_channel({receiver_, kCard}, ChannelMhz{5825});
  EXPECT_TRUE(arrives());
}

TEST_F(RadioFaultsTest, ACardThatSleepsHearsAndSendsWhenItIsAwake) {
  // Awake for the first of every 10 ms, from now on.
  air_.medium().set_duty({sender_, kCard}, {10ms, 1ms, air_.now()});
  air_.run_until(air_.now() + 5ms);
  air_.send(sender_, Buffer(500));
  air_.run();
  ASSERT_EQ(air_.heard_by(receiver_), 1U);
  EXPECT_GE(air_.heard().back().at, Time{10ms});
  EXPECT_LT(air_.heard().back().at, Time{12ms});
  air_.medium().set_duty({sender_, kCard}, {});
  air_.medium().set_duty({receiver_, kCard}, {10ms, 1ms, air_.now()});
  air_.run_until(air_.now() + 5ms);
  EXPECT_FALSE(arrives());
}

TEST_F(RadioFaultsTest, AJammerRaisesTheNoiseAndDestroysFrames) {
  ASSERT_TRUE(arrives());
  // From 1 km away it is 20 dB weaker than the sender, and spread over four channels 26 dB.
  const sim::Jammer weak{{1100, 0, 0}, 20, 5785, 5865, {}};
  air_.medium().set_jammer(0, weak);
  ASSERT_TRUE(arrives()) << "at 20 dB over it";
  EXPECT_GT(air_.heard().back().frame.readings[0].noise_dbm, -94);
  EXPECT_LT(air_.heard().back().frame.readings[0].noise_dbm, -90);
  const sim::Jammer strong{{110, 0, 0}, 10, 5815, 5835, {}};
  air_.medium().set_jammer(0, strong);
  EXPECT_FALSE(arrives());
  EXPECT_GE(air_.medium().jammed(0), 2U);
  air_.medium().set_jammer(0, sim::Jammer{{110, 0, 0}, 10, 5735, 5755, {}});
  EXPECT_TRUE(arrives()) << "it jams another channel";
  air_.medium().set_jammer(0, std::nullopt);
  EXPECT_TRUE(arrives());
}

TEST_F(RadioFaultsTest, AJammerBesideTheSenderKeepsItSilent) {
  air_.medium().set_jammer(0, sim::Jammer{{1, 0, 0}, 20, 5815, 5835, {20ms, 10ms, Time{}}});
  air_.send(sender_, Buffer(500));
  air_.run_until(Time{9ms});
  EXPECT_EQ(air_.counters(sender_).sent, 0U);
  air_.run_until(Time{15ms});
  EXPECT_EQ(air_.counters(sender_).sent, 1U) << "in the pause of the jammer";
}

TEST(RadioFaults, AnAntennaThatIsOffSaysNothing) {
  AirWorld air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  sim::CardOptions two;
  two.antenna_gains_dbi = {0, 3};
  const NodeId receiver = air.add({100, 0, 0}, {two});
  air.medium().set_antenna({receiver, kCard}, 0, false);
  air.send(sender, Buffer(100));
  air.run();
  ASSERT_EQ(air.heard().size(), 1U);
  ASSERT_EQ(air.heard()[0].frame.antenna_count, 1);
  EXPECT_EQ(air.heard()[0].frame.readings[0].antenna, 1);
  air.medium().set_antenna({receiver, kCard}, 1, false);
  air.send(sender, Buffer(100));
  air.run();
  EXPECT_EQ(air.heard().size(), 1U);
}

TEST(RadioFaults, NothingIsAllocatedForAFrame) {
  if (!kCountsAllocations) GTEST_SKIP() << "allocations are not counted under a sanitizer";
  sim::AirOptions options = free_space();
  options.fading.model = sim::FadingModel::kNakagami;
  sim::World world;
  world.seed = 1;
  sim::TableMedium medium(world, options);
  for (std::uint32_t i = 0; i < 8; ++i) {
    sim::RadioNode radio;
    radio.mobility = std::make_unique<sim::FixedPosition>(sim::Position{20.0 * i, 0, 0});
    radio.cards.resize(1);
    radio.cards[0].antenna_gains_dbi.resize(1 + i % 4);
    medium.add_node(NodeId{i}, std::move(radio));
  }
  const Buffer frame(1424);
  std::uint64_t received = 0;
  const auto round = [&] {
    // All at once: they contend for the air, and some collide.
    for (std::uint32_t i = 0; i < 8; ++i) medium.transmit({NodeId{i}, kCard}, frame, {});
    sim::EventQueue<sim::Event>::Popped popped;
    while (world.queue.pop(popped)) {
      world.now = popped.at;
      if (popped.event.kind == sim::EventKind::kFrameEnd) {
        medium.on_frame_end(popped.event.first);
      } else {
        medium.on_channel_access(popped.event.subject);
      }
      while (medium.next_delivery() != nullptr) ++received;
    }
  };
  for (int i = 0; i < 200; ++i) round();
  const std::uint64_t before = allocations();
  for (int i = 0; i < 1000; ++i) round();
  EXPECT_EQ(allocations() - before, 0U);
  EXPECT_GT(received, 1200U * 8 * 4);
}

/// Sends a frame every millisecond and counts those that it hears.
class Beacon final : public Protocol {
 public:
  explicit Beacon(int& heard) : heard_(heard) {}
  void on_start(Context& context) override { on_timer(context, TimerId{0}); }
  void on_timer(Context& context, TimerId) override {
    if (context.self == NodeId{0}) context.radio.transmit(kCard, Buffer(100), {});
    context.timers.set(TimerId{0}, context.now + 1ms);
  }
  void on_frame(Context&, const RxFrame&) override { ++heard_; }

 private:
  int& heard_;
};

TEST(RadioFaults, APlanHitsWhomItNamesForAsLongAsItSays) {
  int heard = 0;
  TextSink sink;
  sim::Simulator simulator(1, star_topology(2), sink);
  simulator.set_radio([](sim::World& world) {
    auto medium = std::make_unique<sim::TableMedium>(world, free_space());
    for (std::uint32_t i = 0; i < 2; ++i) {
      sim::RadioNode radio;
      radio.mobility = std::make_unique<sim::FixedPosition>(sim::Position{10.0 * i, 0, 0});
      radio.cards.resize(1);
      medium->add_node(NodeId{i}, std::move(radio));
    }
    return medium;
  });
  for (std::uint32_t i = 0; i < 2; ++i) {
    simulator.add_node({"node" + std::to_string(i + 1), "", i + 1, {}, 0},
                       [&heard] { return std::make_unique<Beacon>(heard); });
  }
  sim::FaultSpec unplug;
  unplug.action = sim::FaultAction::kUnplug;
  unplug.at = {1s, 1s};
  unplug.lasts = sim::DurationRange{1s, 1s};
  unplug.select.nodes = {"node2"};
  sim::FaultSpec away = unplug;
  away.action = sim::FaultAction::kChannel;
  away.at = {3s, 3s};
  away.radio.channel = ChannelMhz{5180};
  simulator.set_faults({unplug, away});
  const auto heard_until = [&](Duration end) {
    const int before = heard;
    simulator.run_until(Time{end});
    return heard - before;
  };
  EXPECT_NEAR(heard_until(1s), 1000, 2);
  EXPECT_NEAR(heard_until(2s), 0, 2);
  EXPECT_NEAR(heard_until(3s), 1000, 2);
  EXPECT_NEAR(heard_until(4s), 0, 2);
  EXPECT_NEAR(heard_until(5s), 1000, 2);
  simulator.finish();
}

}  // namespace
}  // namespace twinbed::testing
