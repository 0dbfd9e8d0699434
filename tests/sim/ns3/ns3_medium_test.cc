// ns-3's physical layer as a medium: bytes and rates arrive as they were sent, cards behave as
// those of the table medium, and a run that is repeated is the same again.
#include "sim/ns3/ns3_medium.h"

#include <gmock/gmock.h>
#include <ns3/wifi-phy-operating-channel.h>

#include <map>

#include "core/io/run_sink.h"
#include "sim/medium/airtime.h"
#include "sim/simulator.h"
#include "tests/sim/medium/ns3_wifi.h"
#include "tests/support/air_world.h"
#include "tests/support/text_sink.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using sim::AirOptions;
using sim::CardOptions;
using sim::Ns3Medium;
using Air = AirWorldOf<Ns3Medium>;

AirOptions free_space() {
  AirOptions options;
  options.path_loss.model = sim::PathLossModel::kFriis;
  return options;
}

AirOptions fading() {
  AirOptions options;
  options.path_loss.model = sim::PathLossModel::kLogDistance;
  options.fading.model = sim::FadingModel::kNakagami;
  return options;
}

Buffer frame_of(std::size_t bytes) {
  Buffer frame;
  for (std::size_t i = 0; i < bytes; ++i) frame.push_back(std::byte(i * 7 + bytes));
  return frame;
}

TEST(Ns3Medium, DeliversAFrameAtItsEndWithWhatTheCardMeasured) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({100, 0, 0});
  air.send(sender, frame_of(1424), {.mcs = 3});
  air.run();
  ASSERT_EQ(air.heard().size(), 1U);
  const Air::Heard& heard = air.heard()[0];
  EXPECT_EQ(heard.node, receiver);
  // Light takes 334 ns.
  EXPECT_EQ(heard.at, Time{sim::frame_airtime({.mcs = 3}, 1428, ChannelMhz{5825}) + 334ns});
  EXPECT_EQ(heard.frame.channel, ChannelMhz{5825});
  ASSERT_EQ(heard.frame.antenna_count, 1);
  EXPECT_EQ(heard.frame.readings[0].signal_dbm, -68);
  EXPECT_EQ(heard.frame.readings[0].noise_dbm, -94);
  EXPECT_EQ(air.counters(sender).sent, 1U);
  EXPECT_EQ(air.counters(sender).sent_bytes, 1424U);
  EXPECT_EQ(air.counters(sender).airtime, sim::frame_airtime({.mcs = 3}, 1428, ChannelMhz{5825}));
  EXPECT_EQ(air.counters(receiver).received, 1U);
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

// ns-3 puts a header of 10 bytes before what it sends, for which our first bytes stand.
TEST(Ns3Medium, EveryByteArrivesUnchanged) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  air.add({10, 0, 0});
  for (const std::size_t bytes : {0U, 1U, 9U, 10U, 11U, 24U, 1500U, 3993U}) {
    air.heard().clear();
    air.send(sender, frame_of(bytes));
    air.run();
    ASSERT_EQ(air.heard().size(), 1U) << bytes;
    EXPECT_EQ(air.heard()[0].bytes, frame_of(bytes));
  }
}

/// What ns-3's medium sends on a card's usual channel: all of one stream.
std::vector<TxParams> rates_of_one_stream() {
  std::vector<TxParams> rates = all_rates(1, Bandwidth::k160Mhz);
  const std::size_t long_guards = rates.size();
  for (std::size_t i = 0; i < long_guards; ++i) {
    rates.push_back(rates[i]);
    rates.back().short_guard_interval = true;
  }
  return rates;
}

// Of VHT, ns-3 leaves out SIG-B; and a short guard interval's end is not rounded up.
TEST(Ns3Medium, EveryRateArrivesAsItWasSent) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  air.add({5, 0, 0});
  const std::vector<TxParams> rates = rates_of_one_stream();
  EXPECT_EQ(rates.size(), 2U * (2 * 8 + 9 + 3 * 10));
  for (const TxParams& sent : rates) {
    air.heard().clear();
    const Duration before = air.counters(sender).airtime;
    air.send(sender, frame_of(100), sent);
    air.run();
    ASSERT_EQ(air.heard().size(), 1U) << describe(sent);
    EXPECT_EQ(air.heard()[0].frame.rate, sent) << describe(sent);
    EXPECT_EQ(air.heard()[0].bytes, frame_of(100)) << describe(sent);
    const bool is_vht = sent.modulation == Modulation::kVht;
    const Duration sig_b = is_vht ? 4us : 0us;
    const Duration standard =
        sim::frame_airtime(sent, is_vht ? 108 : 104, ChannelMhz{5825}) - sig_b;
    const Duration airtime = air.counters(sender).airtime - before;
    EXPECT_LE(airtime, standard) << describe(sent);
    EXPECT_GT(airtime, standard - (sent.short_guard_interval ? 4us : 1ns)) << describe(sent);
  }
}

TEST(Ns3Medium, WhatItCannotSendIsCountedAndNotSent) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const auto tune = [&](std::uint16_t mhz) {
    air.medium().tune({sender, InterfaceId{0}}, ChannelMhz{mhz});
  };
  air.send(sender, frame_of(100), {.mcs = 8});
  air.send(sender, frame_of(100), {.modulation = Modulation::kVht, .spatial_streams = 2});
  air.send(sender, frame_of(100), {.modulation = Modulation::kVht, .mcs = 9});
  air.send(sender, frame_of(100), {.bandwidth = Bandwidth::k80Mhz});
  air.send(sender, frame_of(100), {.stbc_streams = 1});
  air.send(sender, frame_of(100), {.ldpc = true});
  tune(5826);
  air.send(sender, frame_of(100));
  tune(5720);
  air.send(sender, frame_of(100),
           {.modulation = Modulation::kVht, .bandwidth = Bandwidth::k160Mhz});
  tune(5905);
  air.send(sender, frame_of(100), {.bandwidth = Bandwidth::k40Mhz});
  tune(2412);
  air.send(sender, frame_of(100), {.modulation = Modulation::kVht});
  air.run();
  EXPECT_EQ(air.counters(sender).bad_rate, 10U);
  EXPECT_EQ(air.counters(sender).sent, 0U);
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

TEST(Ns3Medium, WideFramesArriveWhereverTheirTwentyMegahertzLie) {
  struct Case {
    std::uint16_t mhz;
    Bandwidth widest;
  };
  for (const Case& at : {Case{2412, Bandwidth::k40Mhz}, Case{2472, Bandwidth::k40Mhz},
                         Case{5180, Bandwidth::k160Mhz}, Case{5320, Bandwidth::k160Mhz},
                         Case{5600, Bandwidth::k160Mhz}, Case{5720, Bandwidth::k80Mhz},
                         Case{5885, Bandwidth::k160Mhz}, Case{5905, Bandwidth::k20Mhz}}) {
    CardOptions card;
    card.channel = ChannelMhz{at.mhz};
    Air air(free_space());
    const NodeId sender = air.add({0, 0, 0}, {card});
    const NodeId receiver = air.add({10, 0, 0}, {card});
    std::size_t count = 0;
    for (int width = 0; width <= static_cast<int>(at.widest); ++width, ++count) {
      const auto bandwidth = static_cast<Bandwidth>(width);
      const bool is_ht = bandwidth <= Bandwidth::k40Mhz;
      air.send(sender, frame_of(500),
               {.modulation = is_ht ? Modulation::kHt : Modulation::kVht, .bandwidth = bandwidth});
      air.run();
    }
    EXPECT_EQ(air.heard_by(receiver), count) << at.mhz;
  }
}

// A fault moves a card and what waits in it.
TEST(Ns3Medium, WhatCannotBeSentOnTheChannelOfAFaultIsGivenUp) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const sim::CardAddress card{sender, InterfaceId{0}};
  const TxParams wide{.modulation = Modulation::kVht, .bandwidth = Bandwidth::k80Mhz};
  for (int i = 0; i < 3; ++i) air.send(sender, frame_of(100), wide);
  air.run_until(air.now() + 1us);
  air.medium().set_channel(card, ChannelMhz{5905});
  air.run();
  EXPECT_EQ(air.counters(sender).sent, 1U) << "it was on the air already";
  EXPECT_EQ(air.counters(sender).bad_rate, 2U);
  air.send(sender, frame_of(100), wide);
  air.send(sender, frame_of(100));
  air.run();
  EXPECT_EQ(air.counters(sender).sent, 2U);
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

// Its own frames follow each other, and a card that sends hears nothing.
TEST(Ns3Medium, SendsOneFrameAfterAnother) {
  Air air(free_space());
  CardOptions card;
  card.carrier_sense = false;
  card.queue_frames = 3;
  const NodeId one = air.add({0, 0, 0}, {card});
  const NodeId other = air.add({10, 0, 0}, {card});
  for (int i = 0; i < 5; ++i) air.send(one, frame_of(1000));
  air.run();
  const Duration airtime = sim::frame_airtime({}, 1004, ChannelMhz{5825});
  ASSERT_EQ(air.heard().size(), 4U);  // one on the air and three in the queue
  EXPECT_EQ(air.counters(one).queue_full, 1U);
  EXPECT_EQ(air.heard()[3].at - air.heard()[0].at, 3 * airtime);
  air.send(one, frame_of(1000));
  air.send(other, frame_of(1000));
  air.run();
  EXPECT_EQ(air.heard().size(), 4U);
  EXPECT_EQ(air.counters(one).missed + air.counters(other).missed, 2U);
}

// What would collide without carrier sense does not with it: a frame waits for the other's end.
TEST(Ns3Medium, WaitsForAFrameThatItHears) {
  Air air(free_space());
  const NodeId one = air.add({0, 0, 0});
  const NodeId other = air.add({10, 0, 0});
  const NodeId listener = air.add({5, 5, 0});
  for (int i = 0; i < 20; ++i) {
    air.send(one, frame_of(1000));
    air.run_until(air.now() + 100us);
    air.send(other, frame_of(1000));
    air.run_until(air.now() + 5ms);
  }
  EXPECT_EQ(air.heard_by(listener), 40U);
}

TEST(Ns3Medium, AFrameIsHeardOnItsChannelAlone) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({10, 0, 0});
  const auto send = [&] {
    air.send(sender, frame_of(100));
    air.run();
  };
  air.medium().tune({receiver, InterfaceId{0}}, ChannelMhz{2412});
  send();
  EXPECT_EQ(air.heard_by(receiver), 0U);
  air.medium().tune({sender, InterfaceId{0}}, ChannelMhz{2412});
  send();
  EXPECT_EQ(air.heard_by(receiver), 1U);
  EXPECT_EQ(air.heard().back().frame.channel, ChannelMhz{2412});
  EXPECT_EQ(air.medium().channel_of({receiver, InterfaceId{0}}), ChannelMhz{2412});
  for (const NodeId node : {sender, receiver}) {
    air.medium().tune({node, InterfaceId{0}}, ChannelMhz{5825});
  }
  send();
  EXPECT_EQ(air.heard_by(receiver), 2U);
}

TEST(Ns3Medium, FaultsTakeACardAway) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({10, 0, 0});
  const sim::CardAddress card{receiver, InterfaceId{0}};
  const auto is_heard = [&] {
    const std::size_t before = air.heard_by(receiver);
    air.send(sender, frame_of(100));
    air.run();
    return air.heard_by(receiver) > before;
  };
  EXPECT_TRUE(is_heard());
  air.medium().set_plugged(card, false);
  EXPECT_FALSE(is_heard());
  air.send(receiver, frame_of(100));
  EXPECT_EQ(air.counters(receiver).no_card, 1U);
  air.medium().set_plugged(card, true);
  EXPECT_TRUE(is_heard());
  air.medium().set_antenna(card, 0, false);
  EXPECT_FALSE(is_heard());
  air.medium().set_antenna(card, 0, true);
  EXPECT_TRUE(is_heard());
  air.medium().set_fade_mdb(receiver, 60'000);
  EXPECT_FALSE(is_heard());
  air.medium().set_fade_mdb(receiver, 0);
  EXPECT_TRUE(is_heard());
  // It sleeps now, and sends when it wakes up.
  air.run_until(Time{10ms});
  air.medium().set_duty(card, {.period = 1s, .on = 5ms});
  EXPECT_FALSE(is_heard());
  air.send(receiver, frame_of(100));
  air.run();
  EXPECT_EQ(air.heard_by(sender), 1U);
  EXPECT_GT(air.now(), Time{1s});
  EXPECT_EQ(air.world().payloads.in_use(), 0U);
}

TEST(Ns3Medium, UnpluggedWhileItSendsItComesBack) {
  Air air(free_space());
  const NodeId sender = air.add({0, 0, 0});
  const NodeId receiver = air.add({10, 0, 0});
  const sim::CardAddress card{sender, InterfaceId{0}};
  for (const bool is_back_early : {true, false}) {
    air.send(sender, frame_of(1000));
    air.send(sender, frame_of(1000));
    air.run_until(air.now() + 200us);
    air.medium().set_plugged(card, false);
    if (is_back_early) air.medium().set_plugged(card, true);
    air.run();
    air.medium().set_plugged(card, true);
    const std::size_t before = air.heard_by(receiver);
    air.send(sender, frame_of(1000));
    air.run();
    EXPECT_EQ(air.heard_by(receiver), before + 1);
  }
  EXPECT_EQ(air.counters(sender).no_card, 2U);
}

TEST(Ns3Medium, CardsMove) {
  Air air(free_space());
  sim::RadioNode moving;
  moving.mobility = std::make_unique<sim::ConstantVelocity>(sim::Position{10, 0, 0},
                                                            sim::Velocity{100, 0, 0});
  moving.is_moving = true;
  moving.cards.emplace_back();
  const NodeId sender = air.add({0, 0, 0});
  air.add(std::move(moving));
  air.send(sender, frame_of(100));
  air.run_until(Time{10s});
  air.send(sender, frame_of(100));
  air.run();
  ASSERT_EQ(air.heard().size(), 2U);
  // 10 m and 1,010 m: 40.1 dB more.
  EXPECT_EQ(air.heard()[0].frame.readings[0].signal_dbm, -48);
  EXPECT_EQ(air.heard()[1].frame.readings[0].signal_dbm, -88);
}

TEST(Ns3Medium, RefusesWhatNs3DoesNotKnow) {
  AirOptions options;
  EXPECT_EQ(sim::mistake_in_ns3_air(options), "");
  options.shadowing.deviation_db = 4;
  EXPECT_THAT(std::string(sim::mistake_in_ns3_air(options)), ::testing::HasSubstr("shadowing"));
  options = {};
  options.fading.model = sim::FadingModel::kRician;
  EXPECT_THAT(std::string(sim::mistake_in_ns3_air(options)), ::testing::HasSubstr("Rician"));
  options = {};
  options.coherence = 1ms;
  EXPECT_THAT(std::string(sim::mistake_in_ns3_air(options)), ::testing::HasSubstr("coherence"));
  CardOptions card;
  EXPECT_EQ(sim::mistake_in_ns3_card(card), "");
  card.antenna_gains_dbi = {0, 0};
  EXPECT_THAT(std::string(sim::mistake_in_ns3_card(card)), ::testing::HasSubstr("1 antenna"));
  card = {};
  card.channel = ChannelMhz{2484};
  EXPECT_THAT(std::string(sim::mistake_in_ns3_card(card)), ::testing::HasSubstr("no channel"));
}

// Of each channel 20 MHz wide the widest one that contains it.
TEST(Ns3Medium, KnowsTheChannelsThatNs3Knows) {
  std::map<int, int> primaries;  ///< centre of 20 MHz: width of the widest
  const auto is_meant = [](ns3::WifiPhyBand band) {
    return band == ns3::WIFI_PHY_BAND_2_4GHZ || band == ns3::WIFI_PHY_BAND_5GHZ;
  };
  const auto& known = ns3::WifiPhyOperatingChannel::m_frequencyChannels;
  for (const auto& [number, mhz, width, type, band] : known) {
    if (is_meant(band) && width == 20 && type == ns3::WIFI_PHY_OFDM_CHANNEL) primaries[mhz] = 20;
  }
  ASSERT_GT(primaries.size(), 30U);
  std::map<std::pair<int, int>, int> numbers;  ///< of centre and width
  for (const auto& [number, mhz, width, type, band] : known) {
    if (!is_meant(band) || type != ns3::WIFI_PHY_OFDM_CHANNEL) continue;
    numbers[{mhz, width}] = number;
    for (int primary = mhz - width / 2 + 10; primary < mhz + width / 2; primary += 20) {
      if (const auto at = primaries.find(primary); at != primaries.end()) {
        at->second = std::max<int>(at->second, width);
      }
    }
  }
  for (int mhz = 2000; mhz < 7200; ++mhz) {
    const auto channel = sim::ns3_channel(ChannelMhz{static_cast<std::uint16_t>(mhz)});
    ASSERT_EQ(channel.has_value(), primaries.contains(mhz)) << mhz;
    if (!channel) continue;
    EXPECT_EQ(channel->width_mhz, primaries[mhz]) << mhz;
    const int centre = mhz - 20 * channel->primary + channel->width_mhz / 2 - 10;
    EXPECT_EQ((numbers[{centre, channel->width_mhz}]), channel->number) << mhz;
  }
}

/// Sends a frame every millisecond or so and says each that it hears.
class Chatter final : public Protocol {
 public:
  void on_start(Context& context) override { on_timer(context, TimerId{0}); }
  void on_timer(Context& context, TimerId) override {
    context.radio.transmit(InterfaceId{0}, frame_of(200), {.mcs = 2});
    context.timers.set(TimerId{0}, context.now + 1ms + static_cast<int>(context.self) * 100us);
  }
  void on_frame(Context& context, const RxFrame& frame) override {
    context.application.deliver(frame.frame.first(1));
  }
};

struct RunResult {
  std::uint64_t fingerprint = 0;
  std::uint64_t delivered = 0;

  bool operator==(const RunResult&) const = default;
};

RunResult chat(std::uint64_t seed) {
  TextSink sink;
  sim::Topology topology;
  topology.devices.push_back({"host", sim::DeviceKind::kHost, {}});
  sim::Simulator simulator(seed, topology, sink);
  RunResult result;
  for (const char* name : {"a", "b", "c"}) {
    simulator.add_node({name, "chatter", 0}, [] { return std::make_unique<Chatter>(); });
  }
  simulator.set_radio([&](sim::World& world) {
    auto medium = std::make_unique<Ns3Medium>(world, fading());
    for (std::uint32_t i = 0; i < 3; ++i) {
      sim::RadioNode radio;
      radio.mobility = std::make_unique<sim::FixedPosition>(sim::Position{45.0 * i, 0, 1});
      radio.cards.emplace_back();
      medium->add_node(NodeId{i}, std::move(radio));
    }
    return medium;
  });
  simulator.on_deliver([&](NodeId, Bytes) { ++result.delivered; });
  simulator.run_until(Time{200ms});
  result.fingerprint = simulator.fingerprint().value();
  return result;
}

// In one process, one after another, with another seed's run between them.
TEST(Ns3Medium, ARunThatIsRepeatedIsTheSameAgain) {
  const RunResult first = chat(1);
  const RunResult second = chat(2);
  EXPECT_EQ(chat(1), first);
  EXPECT_NE(first.fingerprint, second.fingerprint);
  EXPECT_GT(first.delivered, 100U);
}

TEST(Ns3MediumDeathTest, ASecondOneAtTheSameTimeIsRefused) {
  const Air first(free_space());
  EXPECT_DEATH(Air{free_space()}, "ns-3 has one simulator in a process");
}

}  // namespace
}  // namespace twinbed::testing
