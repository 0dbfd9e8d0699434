// What a receiver reports of a link, and what a transmitter makes of it.
#include <gmock/gmock.h>

#include <cmath>

#include "core/base/random_stream.h"
#include "core/protocols/wfb/aggregator.h"
#include "core/protocols/wfb/encoder.h"
#include "core/protocols/wfb/link_controller.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

// ---- Reports ---------------------------------------------------------------------------------

TEST(LinkReport, ComesBackAsItWas) {
  const LinkReport report{1, 1'700'000'000'000, 12'000, 11'000, 3, 7'000, -71, 24};
  Buffer bytes;
  write_link_report(report, bytes);
  EXPECT_EQ(bytes.size(), 31u);
  EXPECT_EQ(read_link_report(bytes), report);
  EXPECT_FALSE(read_link_report(Bytes(bytes).first(30)));
  Buffer longer = bytes;
  longer.push_back(std::byte{});
  EXPECT_FALSE(read_link_report(longer));
  bytes[0] = std::byte{2};
  EXPECT_FALSE(read_link_report(bytes)) << "another version";
}

TEST(LinkReport, ComesBackOnThePort128Above) {
  EXPECT_EQ(report_channel(ChannelId::of(7, 3)), ChannelId::of(7, 131));
}

/// Hands every packet but those of its list to an aggregator.
struct Sieve final : EncoderOwner {
  explicit Sieve(Aggregator& to) : receiver(to) {}
  void on_packet(PacketKind kind, Bytes packet) override {
    if (kind != PacketKind::kSession && is_lost(number++)) return;
    Reception reception;
    reception.readings.fill({0xff, -128, 127});
    reception.readings[0] = {0, -50, -95};
    receiver.receive(0, reception, packet);
    reception.readings[0] = {1, -70, -95};
    receiver.receive(0, reception, packet);  // the same by another antenna
  }
  Aggregator& receiver;
  std::function<bool(int)> is_lost;
  int number = 0;
};

TEST(LinkReport, CountsWhatWasSentByItsNumbers) {
  struct Ignored final : DecoderOwner {
    void on_payload(Bytes) override {}
    void on_session(const Session&) override {}
  } ignored;
  const LinkKeys keys = testing::wfb_link_keys();
  const ChannelId channel = ChannelId::of(1, 0);
  Aggregator receiver({keys.ground, channel, 0}, ignored);
  receiver.measure_link();
  Sieve air(receiver);
  RandomStream random(1, "link", 0);
  Encoder encoder({keys.drone, channel, 9, {2, 3}, std::chrono::hours(1)}, random, air);
  // The whole block of 3 .. 5, the first of the next one; and, last, one whose loss none can know.
  air.is_lost = [](int number) { return (number >= 3 && number <= 6) || number == 11; };
  for (int i = 0; i < 8; ++i) encoder.send(Time{}, as_bytes("x"), random);
  EXPECT_EQ(receiver.take_link_report(), (LinkReport{1, 9, 11, 7, 2, 6, -50, 45}));
  EXPECT_EQ(receiver.take_link_report(), (LinkReport{2, 9, 0, 0, 0, 0, 0, 0}));
  encoder.set_fec(Time{}, {1, 2}, random);
  encoder.send(Time{}, as_bytes("x"), random);
  EXPECT_EQ(receiver.take_link_report().sent, 2u) << "a session begins at 0";
}

// ---- Residual loss ---------------------------------------------------------------------------

TEST(ResidualLossOfACode, IsThatOfTheClosedForm) {
  for (const FecParams fec : {FecParams{1, 2}, {8, 12}, {8, 9}, {12, 16}, {4, 4}, {100, 255}}) {
    for (const double loss : {0.001, 0.05, 0.2, 0.5, 0.7}) {
      double expected = 0;
      for (int lost = fec.n - fec.k; lost < fec.n; ++lost) {
        const double log_ways =
            std::lgamma(fec.n) - std::lgamma(lost + 1.0) - std::lgamma(fec.n - lost);
        expected += std::exp(log_ways) * std::pow(loss, lost) *
                    std::pow(1 - loss, fec.n - 1 - lost);
      }
      EXPECT_NEAR(residual_loss(fec, loss), loss * expected, 1e-12)
          << int{fec.k} << "/" << int{fec.n} << " at " << loss;
    }
  }
  EXPECT_EQ(residual_loss({8, 12}, 0), 0);
  EXPECT_EQ(residual_loss({1, 255}, 0.9), 0.9) << "no code is trusted there";
}

// ---- The controller --------------------------------------------------------------------------

struct LinkControllerTest : ::testing::Test {
  LinkController controller{LinkController::Options{}};

  static LinkReport report(int lost_of_a_thousand, int snr_db) {
    LinkReport made;
    made.sent = 1'000;
    made.heard = static_cast<std::uint32_t>(1'000 - lost_of_a_thousand);
    made.out = 600;
    made.signal_dbm = static_cast<std::int8_t>(snr_db - 95);
    made.snr_db = static_cast<std::int8_t>(snr_db);
    return made;
  }
  /// So many payloads of 1,400 bytes a second, since a report 200 ms ago.
  SentPackets sent(int payloads_a_second) const {
    const FecParams fec = controller.choice().fec;
    const auto packets = static_cast<std::uint64_t>(payloads_a_second * fec.n / fec.k / 5);
    return {packets, packets * 1'400, std::chrono::milliseconds(200)};
  }
  /// Reports until the choice stays as it is for 100 of them; how many times it changed.
  int settle(const LinkReport& link, int payloads_a_second = kLight) {
    int changes = 0;
    for (int calm = 0; calm < 100 && changes < 1'000; ++calm) {
      if (!controller.on_report(link, sent(payloads_a_second))) continue;
      ++changes;
      calm = 0;
    }
    return changes;
  }
  static constexpr LinkChoice kFirst{{8, 12}, 1};
  static constexpr LinkChoice kMostRobust{{8, 16}, 0};
  static constexpr int kLight = 50;
};

TEST_F(LinkControllerTest, ChangesNothingBeforeTheFirstReport) {
  EXPECT_EQ(controller.choice(), kFirst);
  EXPECT_FALSE(controller.on_report(report(0, 40), sent(kLight)));
  EXPECT_EQ(controller.choice(), kFirst);
}

TEST_F(LinkControllerTest, KnowsTheRatesOfItsTransmitter) {
  const auto options = [](FecParams fec, RadioSettings radio) {
    return LinkController::Options::of(fec, radio);
  };
  const auto plain = options({4, 10}, {});
  EXPECT_EQ(plain.first, (LinkChoice{{4, 10}, 1}));
  EXPECT_EQ(plain.least_n, 5);
  EXPECT_EQ(plain.most_n, 10) << "its own n, where that is above 2k";
  EXPECT_EQ(plain.rates[7].kbit_per_second, 65'000);
  EXPECT_EQ(options({200, 220}, {}).most_n, 255);
  RadioSettings radio;
  radio.bandwidth_mhz = 40;
  EXPECT_EQ(options({8, 12}, radio).rates[0].kbit_per_second, 13'500);
  radio.short_guard_interval = 1;
  EXPECT_EQ(options({8, 12}, radio).rates[7].kbit_per_second, 150'000);
  radio = {.bandwidth_mhz = 80, .spatial_streams = 2};
  EXPECT_EQ(options({8, 12}, radio).rates[0].kbit_per_second, 58'500) << "VHT, as of 80 MHz";
  radio = {.mcs = 12};
  EXPECT_EQ(options({8, 12}, radio).rates[0].mcs, 8) << "of two streams, as MCS 12";
  EXPECT_EQ(options({8, 12}, radio).rates[7].kbit_per_second, 130'000);
  controller = LinkController(options({8, 12}, radio));
  settle(report(0, 10));
  EXPECT_EQ(controller.choice().mcs, 12) << "it comes through, and MCS 13 needs 20 dB";
  settle(report(300, 10));
  EXPECT_EQ(controller.choice().mcs, 8) << "with a quarter lost even there";
}

TEST_F(LinkControllerTest, KnowsWhenItsTransmitterChangesBandwidth) {
  settle(report(0, 40), 1'000);
  ASSERT_EQ(controller.choice().mcs, 7);
  controller.set_radio({.bandwidth_mhz = 10});
  EXPECT_TRUE(controller.on_silence(sent(1'000)));
  const int narrow = controller.choice().mcs;
  controller.set_radio({.bandwidth_mhz = 40});
  EXPECT_TRUE(controller.on_silence(sent(1'000)));
  EXPECT_LT(controller.choice().mcs, narrow) << "a quarter of the air for each packet";
}

TEST_F(LinkControllerTest, ClimbsOneRateATimeOnAGoodLink) {
  std::vector<int> rates;
  std::vector<int> reports;
  for (int i = 1; i <= 200; ++i) {
    const int before = controller.choice().mcs;
    const bool has_changed = controller.on_report(report(0, 40), sent(kLight));
    if (!has_changed || controller.choice().mcs == before) continue;
    rates.push_back(controller.choice().mcs);
    reports.push_back(i);
  }
  EXPECT_THAT(rates, ::testing::ElementsAre(2, 3, 4, 5, 6, 7));
  EXPECT_EQ(reports.front(), 10) << "after ten good reports";
  EXPECT_EQ(reports.back(), 60);
  EXPECT_EQ(controller.choice(), (LinkChoice{{8, 9}, 7})) << "and then saves parities";
}

TEST_F(LinkControllerTest, TakesNoRateThatTheSignalDoesNotCarry) {
  settle(report(0, 18));
  EXPECT_EQ(controller.choice().mcs, 3) << "MCS 4 needs 16 dB, and what is above it explains loss";
}

TEST_F(LinkControllerTest, HasAsManyParitiesAsTheLossAsksFor) {
  std::uint8_t before = 0;
  for (const int lost : {1, 20, 50, 100}) {
    LinkController fresh{LinkController::Options{}};
    controller = fresh;
    settle(report(lost, 40));
    const FecParams fec = controller.choice().fec;
    const double loss = lost / 1000.0 * 1.5;
    EXPECT_LE(residual_loss(fec, loss), 0.001) << lost;
    EXPECT_GT(fec.n, before) << lost;
    if (fec.n > 9) {
      EXPECT_GT(residual_loss({8, static_cast<std::uint8_t>(fec.n - 1)}, loss), 0.001)
          << "one parity fewer would not do";
    }
    EXPECT_EQ(controller.choice().mcs, 7) << "what the signal does not explain costs no rate";
    before = fec.n;
  }
}

TEST_F(LinkControllerTest, IsMostRobustWhereNothingIsGoodEnough) {
  settle(report(150, 40));
  EXPECT_GT(residual_loss({8, 16}, 0.15 * 1.5), 0.001);
  EXPECT_EQ(controller.choice(), kMostRobust);
}

TEST_F(LinkControllerTest, GoesDownAtOnceAndUpSlowly) {
  settle(report(0, 40));
  ASSERT_EQ(controller.choice().mcs, 7);
  EXPECT_TRUE(controller.on_report(report(300, 18), sent(kLight)));
  const LinkChoice down = controller.choice();
  EXPECT_LE(down.mcs, 4);
  int reports = 0;
  while (controller.choice().mcs <= down.mcs && reports < 1'000) {
    controller.on_report(report(0, 40), sent(kLight));
    ++reports;
  }
  EXPECT_GE(reports, 10);
  EXPECT_LT(reports, 100);
}

TEST_F(LinkControllerTest, StaysWhereItIsOnASteadyLink) {
  for (const int snr : {6, 10, 14, 18, 23, 40}) {
    for (const int lost : {0, 30, 100}) {
      LinkController fresh{LinkController::Options{}};
      controller = fresh;
      settle(report(lost, snr));
      EXPECT_EQ(settle(report(lost, snr)), 0) << snr << " dB, " << lost;
    }
  }
}

TEST_F(LinkControllerTest, TriesARateThatFailsLessAndLessOften) {
  // From MCS 5 on half of everything is lost, whatever the signal says.
  std::vector<int> tried;
  for (int i = 0; i < 1'000; ++i) {
    const int before = controller.choice().mcs;
    controller.on_report(report(before >= 5 ? 500 : 0, 40), sent(kLight));
    if (before < 5 && controller.choice().mcs >= 5) tried.push_back(i);
  }
  ASSERT_GE(tried.size(), 3u);
  EXPECT_GT(tried[2] - tried[1], tried[1] - tried[0]);
  EXPECT_LE(tried.size(), 25u) << "every tenth report would be a hundred times";
}

TEST_F(LinkControllerTest, FallsBackWhenReportsStopOrTellOfNothing) {
  settle(report(0, 40));
  EXPECT_TRUE(controller.on_silence(sent(kLight)));
  EXPECT_EQ(controller.choice(), kMostRobust);
  EXPECT_FALSE(controller.on_silence(sent(kLight)));
  settle(report(0, 40));
  LinkReport deaf;
  EXPECT_FALSE(controller.on_report(deaf, {})) << "nothing was sent either";
  EXPECT_FALSE(controller.on_report(deaf, sent(100))) << "it may have been on its way";
  EXPECT_TRUE(controller.on_report(deaf, sent(100)));
  EXPECT_EQ(controller.choice(), kMostRobust);
}

TEST_F(LinkControllerTest, NoticesThatNothingIsHeardWhereLittleIsSent) {
  settle(report(0, 40));
  ASSERT_EQ(controller.choice().mcs, 7);
  const SentPackets two{2, 2'800, std::chrono::milliseconds(200)};
  int reports = 0;
  while (controller.choice().mcs == 7 && reports < 100) {
    controller.on_report({}, two);
    controller.on_report({}, {0, 0, std::chrono::milliseconds(200)});
    ++reports;
  }
  EXPECT_EQ(reports, 5) << "nine packets, n of them, were not heard";
}

TEST_F(LinkControllerTest, TakesTheFirstOfReportsThatWereHeldUp) {
  settle(report(0, 40));
  const SentPackets nothing{0, 0, std::chrono::milliseconds(1)};
  EXPECT_TRUE(controller.on_report(report(300, 20), sent(kLight)));
  const LinkChoice choice = controller.choice();
  ASSERT_GT(choice.mcs, 0);
  for (int i = 0; i < 4; ++i) controller.on_report(report(600, 20), nothing);
  EXPECT_EQ(controller.choice(), choice) << "they tell of the choice before";
}

TEST_F(LinkControllerTest, TakesNoRateThatIsTooSlowForTheLoad) {
  // 500 payloads of 1,400 bytes are 5.6 Mbit/s, and with any parity more than MCS 0 has room for.
  settle(report(0, 40), 500);
  EXPECT_EQ(controller.choice().mcs, 7);
  EXPECT_TRUE(controller.on_silence(sent(500)));
  EXPECT_EQ(controller.choice(), (LinkChoice{{8, 14}, 1})) << "two parities more have no room";
  settle(report(150, 40), 500);
  EXPECT_GE(controller.choice().mcs, 1) << "where nothing is good enough";
}

TEST_F(LinkControllerTest, CarriesALoadThatComesInSilence) {
  settle(report(0, 40), 0);
  EXPECT_TRUE(controller.on_silence(sent(0)));
  EXPECT_EQ(controller.choice(), kMostRobust);
  for (int i = 0; i < 5; ++i) controller.on_silence(sent(800));
  const LinkChoice loaded = controller.choice();
  EXPECT_GE(loaded.mcs, 2);
  EXPECT_FALSE(controller.on_silence(sent(800)));
}

TEST_F(LinkControllerTest, LetsTheQueueTakeUpKeyFrames) {
  // 8 dB and one in twenty lost; a fifth of each second has 2.6 times as many payloads.
  for (const int lost : {0, 50, 100}) {
    controller = LinkController(LinkController::Options{});
    int changes = 0;
    for (int i = 0; i < 2'500; ++i) {
      changes += controller.on_report(report(lost, 8), sent(i % 5 == 0 ? 780 : 180));
    }
    EXPECT_LE(changes, 5) << lost;
  }
}

/// An air with room for so much and no more, at a signal that carries some rates and no others.
struct LinkControllerInALoadedAir : LinkControllerTest {
  static inline const LinkController::Options kOptions;
  int fastest_mcs = 7;  ///< that comes through, whatever the signal is

  LinkReport heard(int payloads_a_second, int snr_db) const {
    const LinkController::Rate& rate = kOptions.rates.at(controller.choice().mcs);
    const double room = 1e6 / (140 + 1'400 * 8'000.0 / rate.kbit_per_second);
    const FecParams fec = controller.choice().fec;
    const double wanted = payloads_a_second * fec.n / fec.k;
    const int dropped = static_cast<int>(1'000 * (1 - std::min(1.0, room / wanted)));
    const bool is_dead = snr_db < rate.needs_snr_db + 4 || rate.mcs > fastest_mcs;
    return is_dead ? LinkReport{} : report(dropped, snr_db);
  }
  /// How often the choice has changed in so many reports.
  int run(int payloads_a_second, int snr_db, int reports = 300) {
    int changes = 0;
    for (int i = 0; i < reports; ++i) {
      const LinkReport link = heard(payloads_a_second, snr_db);
      unheard_ += link.heard == 0;
      changes += controller.on_report(link, sent(payloads_a_second));
    }
    return changes;
  }
  /// Reports of nothing so far.
  int unheard() const { return unheard_; }

 private:
  int unheard_ = 0;
};

TEST_F(LinkControllerInALoadedAir, LooksForTheSignalBelowWhatCarriesTheLoad) {
  settle(report(0, 40), 1'000);
  EXPECT_TRUE(controller.on_silence(sent(1'000)));
  const int carries = controller.choice().mcs;
  ASSERT_GE(carries, 2);
  run(1'000, 8, carries + 1);
  EXPECT_EQ(controller.choice().mcs, 0) << "two reports for the first step, then one for each";
  run(1'000, 8);
  EXPECT_EQ(controller.choice().mcs, 0) << "what has room is all that can come through";
  run(1'000, 40);
  EXPECT_GE(controller.choice().mcs, carries) << "it was the load, not the air";
  EXPECT_EQ(run(1'000, 40), 0);
}

TEST_F(LinkControllerInALoadedAir, TakesALossOfItsOwnQueueForNoneOfTheAir) {
  run(kLight, 13);
  ASSERT_EQ(controller.choice().mcs, 1);
  run(2'000, 13, 5);
  ASSERT_GT(heard(2'000, 13).sent - heard(2'000, 13).heard, 300u) << "in its own queue";
  EXPECT_LT(controller.loss(), 0.05);
  const int changes = run(2'000, 40, 10);
  EXPECT_GE(controller.choice().mcs, 5) << "there is room, and no reason to wait";
  EXPECT_LE(changes, 5);
  EXPECT_EQ(heard(2'000, 40).heard, 1'000u);
}

TEST_F(LinkControllerInALoadedAir, SettlesAtEachLoadAndSignal) {
  for (const int snr : {5, 8, 12, 16, 20, 24, 28, 40}) {
    for (const int payloads : {50, 300, 500, 800, 1'200, 2'000, 4'000}) {
      controller = LinkController(kOptions);
      run(payloads, snr, 1'000);
      // A rate that has failed is tried again, but seldom.
      EXPECT_LE(run(payloads, snr, 1'000), 30) << payloads << " at " << snr << " dB";
    }
  }
}

TEST_F(LinkControllerInALoadedAir, TriesARateThatIsNeverHeardLessAndLessOften) {
  for (fastest_mcs = 1; fastest_mcs < 7; ++fastest_mcs) {
    for (const int payloads : {100, 500, 1'000, 1'300, 2'000}) {
      controller = LinkController(kOptions);
      run(payloads, 40, 1'000);
      const int before = unheard();
      run(payloads, 40, 1'000);
      EXPECT_LE(unheard() - before, 60) << payloads << ", up to MCS " << fastest_mcs;
    }
  }
}

TEST_F(LinkControllerTest, TakesBurstsForMoreLoss) {
  LinkReport bursts = report(20, 40);
  settle(bursts);
  const LinkChoice independent = controller.choice();
  bursts.lost = 10;
  for (int i = 0; i < 2; ++i) controller.on_report(bursts, sent(kLight));
  EXPECT_GT(controller.choice().fec.n, independent.fec.n);
}

TEST_F(LinkControllerTest, BelievesNoImpossibleReport) {
  LinkReport strange = report(0, 40);
  strange.heard = 5'000;  // more than was sent
  settle(strange);
  EXPECT_EQ(controller.loss(), 0);
}

TEST_F(LinkControllerTest, UsesTheSignalWhereTheNoiseIsNotTold) {
  LinkReport link = report(0, 18);
  link.snr_db = 0;
  settle(link);
  EXPECT_EQ(controller.choice().mcs, 3);
}

}  // namespace
}  // namespace twinbed::wfb
