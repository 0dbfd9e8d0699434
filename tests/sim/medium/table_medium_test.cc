// The table medium: who hears what, and why not.
#include "sim/medium/table_medium.h"

#include <gmock/gmock.h>

#include <cmath>

#include "core/wire/radiotap.h"
#include "sim/medium/airtime.h"
#include "sim/medium/noise.h"
#include "tests/support/air_world.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using sim::AirOptions;
using sim::CardOptions;

AirOptions free_space() {
  AirOptions options;
  options.error_rate = sim::ErrorRateModel::kTable;
  options.path_loss.model = sim::PathLossModel::kFriis;
  return options;
}

/// The same loss everywhere: the ratio of signal and noise is chosen by the power alone.
AirOptions fixed_loss(double loss_db) {
  AirOptions options = free_space();
  options.path_loss.model = sim::PathLossModel::kFixed;
  options.path_loss.loss_db = loss_db;
  return options;
}

CardOptions card_with(double tx_power_dbm) {
  CardOptions card;
  card.tx_power_dbm = tx_power_dbm;
  return card;
}

/// The mean noise of 20 MHz under the default noise figure.
double noise_dbm() { return sim::noise_floor_mdb(Bandwidth::k20Mhz, 7000) / 1000.0; }

Buffer frame_of(std::size_t bytes, int fill = 0x5a) { return Buffer(bytes, std::byte(fill)); }

TEST(TableMedium, DeliversAFrameAtItsEndWithWhatTheCardMeasured) {
  AirWorld air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({100, 0, 0});
  air.send(sender, frame_of(1424), {.mcs = 3, .mark = 30});
  air.run();
  ASSERT_EQ(air.heard().size(), 1U);
  const AirWorld::Heard& heard = air.heard()[0];
  EXPECT_EQ(heard.node, receiver);
  EXPECT_EQ(heard.frame.rate.mark, 0U) << "marks are not sent";
  EXPECT_EQ(heard.bytes, frame_of(1424));
  EXPECT_EQ(heard.at, Time{sim::frame_airtime({.mcs = 3}, 1428, ChannelMhz{5825})});
  EXPECT_EQ(heard.frame.rate.mcs, 3);
  EXPECT_EQ(heard.frame.channel, ChannelMhz{5825});
  ASSERT_EQ(heard.frame.antenna_count, 1);
  // 20 dBm less the 87.75 dB of 100 m at 5825 MHz; noise of 20 MHz and a figure of 7 dB.
  EXPECT_EQ(heard.frame.readings[0].signal_dbm, -68);
  EXPECT_EQ(heard.frame.readings[0].noise_dbm, -94);
  EXPECT_EQ(heard.frame.readings[1].antenna, kUnknownReading.antenna) << "it has one antenna";
  EXPECT_EQ(heard.frame.readings[1].signal_dbm, kUnknownReading.signal_dbm);
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

TEST(TableMedium, ArrivesAsOftenAsTheErrorRateModelSays) {
  for (const double snr_db : {3.0, 4.0, 5.0}) {
    AirWorld air(fixed_loss(80));
    CardOptions card = card_with(noise_dbm() + snr_db + 80);
    card.preamble_snr_db = -10;  // what is asked here is the error rate alone
    const NodeId sender = air.add({0, 0, 0}, {card});
    const NodeId receiver = air.add({1, 0, 0}, {card});
    constexpr int kFrames = 20'000;
    for (int i = 0; i < kFrames; ++i) {
      air.send(sender, frame_of(1000));
      air.run();
    }
    const TxParams params;
    sim::ErrorRate model(sim::ErrorRateModel::kTable, params);
    const auto bits = static_cast<std::uint64_t>(sim::data_bits_per_stream(params, 1004));
    const double expected = model.data_success(bits, snr_db) * model.header_success(snr_db);
    const double measured = static_cast<double>(air.heard_by(receiver)) / kFrames;
    const double error = std::sqrt(expected * (1 - expected) / kFrames);
    EXPECT_NEAR(measured, expected, 4 * error + 0.002) << "at " << snr_db << " dB";
  }
}

TEST(TableMedium, APreambleBelowTheThresholdIsNotNoticed) {
  AirWorld air(fixed_loss(80));
  const NodeId sender = air.add({0, 0, 0}, {card_with(noise_dbm() + 3.5 + 80)});
  const NodeId receiver = air.add({1, 0, 0});
  for (int i = 0; i < 100; ++i) {
    air.send(sender, frame_of(20));
    air.run();
  }
  EXPECT_EQ(air.heard_by(receiver), 0U);
  EXPECT_EQ(air.counters(receiver).corrupted, 0U);
}

TEST(TableMedium, WaitsForSilence) {
  AirWorld air(free_space());
  const NodeId first = air.add({0, 0, 0});
  const NodeId second = air.add({10, 0, 0});
  const NodeId receiver = air.add({5, 5, 0});
  air.send(first, frame_of(1000));
  air.run_until(Time{50us});
  air.send(second, frame_of(1000, 1));
  air.run();
  EXPECT_EQ(air.heard_by(receiver), 2U);
  const Duration airtime = sim::frame_airtime({}, 1004, ChannelMhz{5825});
  const Duration gap = air.heard().back().at - Time{} - 2 * airtime;
  EXPECT_GE(gap, 34us) << "DIFS";
  EXPECT_LE(gap, 34us + 15 * 9us) << "and at most a whole contention window";
}

TEST(TableMedium, SendersThatCannotHearEachOtherCollide) {
  AirOptions options = free_space();
  options.path_loss.model = sim::PathLossModel::kRange;
  options.path_loss.max_range_m = 150;
  AirWorld air(options);
  const NodeId first = air.add({0, 0, 0});
  const NodeId second = air.add({200, 0, 0});
  const NodeId between = air.add({100, 0, 0});
  air.send(first, frame_of(1000));
  air.run_until(Time{100us});
  air.send(second, frame_of(1000));
  air.run();
  EXPECT_EQ(air.heard_by(between), 0U);
  EXPECT_EQ(air.counters(between).corrupted, 1U) << "the first; no preamble of the second is seen";
}

TEST(TableMedium, TheStrongerOfTwoFramesSurvives) {
  AirWorld air(free_space());
  CardOptions deaf;
  deaf.carrier_sense = false;
  const NodeId near = air.add({10, 0, 0}, {deaf});
  const NodeId far = air.add({400, 0, 0}, {deaf});
  const NodeId receiver = air.add({0, 0, 0});
  air.send(far, frame_of(1000, 1));
  air.run_until(Time{2us});  // within the preamble of the weaker one
  air.send(near, frame_of(1000, 2));
  air.run();
  ASSERT_EQ(air.heard_by(receiver), 1U);
  EXPECT_EQ(air.heard().back().bytes, frame_of(1000, 2));
}

TEST(TableMedium, InterferenceCountsOnlyWhileItLasts) {
  // 20 dB over the noise is plenty for MCS 3, and an equal signal leaves it 0 dB.
  const auto delivered = [](Duration offset) {
    AirWorld air(fixed_loss(80));
    CardOptions card = card_with(noise_dbm() + 20 + 80);
    card.carrier_sense = false;
    const NodeId sender = air.add({0, 0, 0}, {card});
    const NodeId disturber = air.add({1, 0, 0}, {card});
    const NodeId receiver = air.add({2, 0, 0});
    air.send(sender, frame_of(500), {.mcs = 3});
    air.run_until(Time{offset});
    air.send(disturber, frame_of(500), {.mcs = 3});
    air.run();
    for (const AirWorld::Heard& heard : air.heard()) {
      if (heard.node == receiver && heard.at == Time{sim::frame_airtime({.mcs = 3}, 504,
                                                                        ChannelMhz{5825})}) {
        return true;
      }
    }
    return false;
  };
  const Duration airtime = sim::frame_airtime({.mcs = 3}, 504, ChannelMhz{5825});
  EXPECT_FALSE(delivered(airtime / 2));
  EXPECT_TRUE(delivered(airtime));
}

TEST(TableMedium, ACardThatSendsHearsNothing) {
  AirWorld air(free_space());
  CardOptions deaf;
  deaf.carrier_sense = false;
  const NodeId a = air.add({0, 0, 0}, {deaf});
  const NodeId b = air.add({10, 0, 0}, {deaf});
  air.send(a, frame_of(1000));
  air.run_until(Time{100us});
  air.send(b, frame_of(100));
  air.run();
  EXPECT_TRUE(air.heard().empty());
  EXPECT_EQ(air.counters(a).missed, 1U);
  EXPECT_EQ(air.counters(b).missed, 1U);
}

TEST(TableMedium, ChannelsMustMatch) {
  AirWorld air(free_space());
  CardOptions other;
  other.channel = ChannelMhz{5745};
  const NodeId sender = air.add({0, 0, 0});
  const NodeId apart = air.add({10, 0, 0}, {other});
  air.send(sender, frame_of(100));
  air.run();
  EXPECT_EQ(air.heard_by(apart), 0U);
  air.medium().tune({apart, InterfaceId{0}}, ChannelMhz{5825});
  air.send(sender, frame_of(100));
  air.run();
  EXPECT_EQ(air.heard_by(apart), 1U);
}

TEST(TableMedium, WhatWasQueuedBeforeATuneIsSentOnTheOldChannel) {
  AirWorld air(free_space());
  CardOptions high;
  high.channel = ChannelMhz{5845};
  const NodeId sender = air.add({0, 0, 0});
  const NodeId low_receiver = air.add({10, 0, 0});
  const NodeId high_receiver = air.add({20, 0, 0}, {high});
  air.send(sender, frame_of(100));
  air.send(sender, frame_of(101));
  air.medium().tune({sender, InterfaceId{0}}, ChannelMhz{5845});
  air.send(sender, frame_of(102));
  air.run();
  EXPECT_EQ(air.heard_by(low_receiver), 2U);
  EXPECT_EQ(air.heard_by(high_receiver), 1U);
  EXPECT_EQ(air.medium().channel_of({sender, InterfaceId{0}}), ChannelMhz{5845});
}

TEST(TableMedium, AFullQueueRefusesFrames) {
  AirWorld air(free_space());
  CardOptions small;
  small.queue_frames = 4;
  const NodeId sender = air.add({0, 0, 0}, {small});
  const NodeId receiver = air.add({10, 0, 0});
  for (int i = 0; i < 10; ++i) air.send(sender, frame_of(1000));
  air.run();
  EXPECT_EQ(air.counters(sender).sent, 5U) << "one on the air and four in the queue";
  EXPECT_EQ(air.counters(sender).queue_full, 5U);
  EXPECT_EQ(air.heard_by(receiver), 5U);
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

TEST(TableMedium, EachAntennaHasItsOwnFading) {
  AirOptions options = fixed_loss(60);
  options.fading.model = sim::FadingModel::kRayleigh;
  AirWorld air(options);
  const NodeId sender = air.add({0, 0, 0});
  CardOptions four;
  four.antenna_gains_dbi = {0, 0, 0, 0};
  air.add({1, 0, 0}, {four});
  int same = 0;
  constexpr int kFrames = 500;
  for (int i = 0; i < kFrames; ++i) {
    air.send(sender, frame_of(100));
    air.run();
  }
  for (const AirWorld::Heard& heard : air.heard()) {
    ASSERT_EQ(heard.frame.antenna_count, 4);
    same += heard.frame.readings[0].signal_dbm == heard.frame.readings[3].signal_dbm ? 1 : 0;
  }
  EXPECT_GT(air.heard().size(), kFrames * 0.99);
  EXPECT_LT(same, kFrames / 5);
}

TEST(TableMedium, AReadingOfAnotherCardIsNotHandedOut) {
  AirWorld air(fixed_loss(60));
  const NodeId sender = air.add({0, 0, 0});
  CardOptions four;
  four.antenna_gains_dbi = {0, 3, 0, 0};
  air.add({1, 0, 0}, {four});
  const NodeId last = air.add({2, 0, 0});
  for (int i = 0; i < 2; ++i) {
    air.send(sender, frame_of(100));
    air.run();
  }
  ASSERT_EQ(air.heard().size(), 4U);
  for (const AirWorld::Heard& heard : air.heard()) {
    const bool has_four = heard.node != last;
    ASSERT_EQ(heard.frame.antenna_count, has_four ? 4 : 1);
    EXPECT_EQ(heard.frame.readings[0].signal_dbm, -40);
    for (std::size_t i = 1; i < kMaxAntennas; ++i) {
      EXPECT_EQ(heard.frame.readings[i].antenna, has_four ? i : kUnknownReading.antenna);
    }
  }
}

TEST(TableMedium, ARadioMoreMovesNobodysNumbers) {
  const auto run = [](bool has_more) {
    AirOptions options = free_space();
    options.fading.model = sim::FadingModel::kRayleigh;
    options.shadowing.deviation_db = 4;
    AirWorld air(options);
    const NodeId sender = air.add({0, 0, 0});
    const NodeId receiver = air.add({300, 0, 0});
    if (has_more) air.add({310, 0, 0});
    for (int i = 0; i < 300; ++i) {
      air.send(sender, frame_of(200), {.mcs = 4});
      air.run();
    }
    std::vector<std::pair<Time, int>> heard;
    for (const AirWorld::Heard& frame : air.heard()) {
      if (frame.node == receiver) heard.emplace_back(frame.at, frame.frame.readings[0].signal_dbm);
    }
    return heard;
  };
  const auto alone = run(false);
  EXPECT_GT(alone.size(), 100U);
  EXPECT_LT(alone.size(), 300U);
  EXPECT_EQ(alone, run(true));
}

TEST(TableMedium, WithinACoherenceTimeALinkStaysAsItIs) {
  AirOptions options = fixed_loss(60);
  options.fading.model = sim::FadingModel::kRayleigh;
  options.coherence = 10ms;
  AirWorld air(options);
  const NodeId a = air.add({0, 0, 0});
  const NodeId b = air.add({1, 0, 0});
  for (int i = 0; i < 4; ++i) {
    air.run_until(Time{2ms * i});
    air.send(i % 2 == 0 ? a : b, frame_of(100));
  }
  air.run_until(Time{12ms});
  air.send(a, frame_of(100));
  air.run();
  ASSERT_EQ(air.heard().size(), 5U);
  const int first = air.heard()[0].frame.readings[0].signal_dbm;
  for (int i = 1; i < 4; ++i) {
    EXPECT_EQ(air.heard()[static_cast<std::size_t>(i)].frame.readings[0].signal_dbm, first);
  }
  EXPECT_NE(air.heard()[4].frame.readings[0].signal_dbm, first);
}

TEST(TableMedium, FramesReachASenderOnTheMove) {
  AirOptions options = free_space();
  AirWorld air(options);
  sim::RadioNode drone;
  drone.mobility = std::make_unique<sim::ConstantVelocity>(sim::Position{10, 0, 0},
                                                           sim::Velocity{100, 0, 0});
  drone.is_moving = true;
  drone.cards = {{}};
  const NodeId ground = air.add({0, 0, 0});
  const NodeId moving = air.add(std::move(drone));
  air.send(moving, frame_of(100));
  air.run_until(Time{9900ms});
  air.send(moving, frame_of(100));
  air.run();
  ASSERT_EQ(air.heard_by(ground), 2U);
  // A hundred times as far away: 40 dB.
  EXPECT_EQ(air.heard()[0].frame.readings[0].signal_dbm, -48);
  EXPECT_EQ(air.heard()[1].frame.readings[0].signal_dbm, -88);
}

TEST(TableMedium, ARecordReplacesTheModelOfItsLink) {
  AirWorld air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId measured = air.add({100'000, 0, 0});
  const NodeId other = air.add({100, 0, 0});
  air.medium().set_record(sender, measured,
                          sim::LinkRecord({{Time{}, -60'000, 0}, {Time{1s}, -70'000, 1.0}}));
  air.send(sender, frame_of(100));
  air.run_until(Time{1s});
  air.send(sender, frame_of(100));
  air.run();
  EXPECT_EQ(air.heard_by(measured), 1U) << "from 1 s on it loses everything";
  EXPECT_EQ(air.heard_by(other), 2U);
  for (const AirWorld::Heard& heard : air.heard()) {
    if (heard.node != measured) continue;
    EXPECT_EQ(heard.frame.readings[0].signal_dbm, -60);
  }
}

TEST(TableMedium, BurstsLoseRunsOfFrames) {
  AirWorld air(fixed_loss(60));
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({1, 0, 0});
  // Bad for 10 frames on average, one tenth of the time.
  air.medium().set_record(sender, receiver, sim::LinkRecord({}, {1.0 / 90, 0.1, 0, 1}));
  constexpr int kFrames = 20'000;
  for (int i = 0; i < kFrames; ++i) {
    air.send(sender, frame_of(100));
    air.run();
  }
  const double loss = 1 - static_cast<double>(air.heard_by(receiver)) / kFrames;
  // The deviation of a mean over correlated losses: sqrt(p (1 - p) / n * (1 + r) / (1 - r)).
  const double memory = 1 - 1.0 / 90 - 0.1;
  const double error = std::sqrt(0.09 / kFrames * (1 + memory) / (1 - memory));
  EXPECT_NEAR(loss, 0.1, 4 * error);
  EXPECT_GT(air.counters(receiver).corrupted, 0U);
}

}  // namespace
}  // namespace twinbed::testing
