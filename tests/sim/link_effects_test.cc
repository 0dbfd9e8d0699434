// The effects of a link, each alone and all together. Statistical bounds are five standard errors
// or more, and the seeds are fixed.
#include "sim/network/link_effects.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "core/base/random_stream.h"
#include "sim/faults/plan.h"

namespace twinbed::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr int kDraws = 200'000;

/// A source that counts what is drawn from it.
class CountingRandom final : public Random {
 public:
  std::uint64_t next() override {
    ++draws;
    return stream_.next();
  }
  int draws = 0;

 private:
  RandomStream stream_{1, "counting"};
};

RandomStream make_random(std::uint64_t number = 0) { return {42, "link effects test", number}; }

/// Expects a count of successes within five standard errors of a binomial's mean.
void expect_binomial(int successes, int trials, double probability) {
  const double mean = trials * probability;
  EXPECT_NEAR(successes, mean, 5 * std::sqrt(mean * (1 - probability)));
}

TEST(LossEffect, LosesTheGivenShareIndependently) {
  RandomStream random = make_random();
  LossEffect effect(0.03);
  int lost = 0;
  int pairs = 0;
  bool before = false;
  for (int i = 0; i < kDraws; ++i) {
    const bool loses = effect.loses(random);
    lost += loses;
    pairs += loses && before;
    before = loses;
  }
  expect_binomial(lost, kDraws, 0.03);
  expect_binomial(pairs, kDraws, 0.03 * 0.03);
}

TEST(LossEffect, NeverAndAlwaysDrawNothing) {
  CountingRandom random;
  EXPECT_FALSE(LossEffect(0.0).loses(random));
  EXPECT_TRUE(LossEffect(1.0).loses(random));
  EXPECT_EQ(random.draws, 0);
}

TEST(BurstLossEffect, SpendsTheStationaryShareInTheBadState) {
  RandomStream random = make_random();
  BurstLossEffect effect({0.01, 0.25, 0.0, 1.0});
  int lost = 0;
  int bursts = 0;
  bool before = false;
  for (int i = 0; i < kDraws; ++i) {
    const bool loses = effect.loses(random);
    lost += loses;
    bursts += loses && !before;
    before = loses;
  }
  // The chain is bad with p / (p + r), and its runs have the mean length 1 / r. Correlation over a
  // burst multiplies the variance by (2 - p - r) / (p + r), here 6.7.
  const double share = 0.01 / 0.26;
  const double error = std::sqrt(kDraws * share * (1 - share) * 6.7);
  EXPECT_NEAR(lost, kDraws * share, 5 * error);
  EXPECT_NEAR(static_cast<double>(lost) / bursts, 4.0, 5 * std::sqrt(12.0 / bursts));
}

TEST(BurstLossEffect, UsesBothLossProbabilities) {
  RandomStream random = make_random();
  BurstLossEffect effect({0.5, 0.5, 0.1, 0.3});
  int lost = 0;
  for (int i = 0; i < kDraws; ++i) lost += effect.loses(random);
  expect_binomial(lost, kDraws, 0.2);
}

TEST(BurstLossEffect, MovesBeforeItLoses) {
  RandomStream random = make_random();
  BurstLossEffect alternating({1.0, 1.0, 0.0, 1.0});
  for (int i = 0; i < 6; ++i) EXPECT_EQ(alternating.loses(random), i % 2 == 0);
}

TEST(BurstLossEffect, StateOutlivesNewParametersButNotSwitchingOff) {
  CountingRandom random;
  BurstLossEffect effect({1.0, 0.0, 0.0, 1.0});
  EXPECT_TRUE(effect.loses(random));
  effect.set_params({1e-300, 0.0, 0.0, 1.0});
  EXPECT_TRUE(effect.loses(random)) << "still in the bad state";
  effect.set_params({});
  const int drawn = random.draws;
  EXPECT_FALSE(effect.loses(random));
  EXPECT_EQ(random.draws, drawn);
  effect.set_params({1e-300, 0.0, 0.0, 1.0});
  EXPECT_FALSE(effect.loses(random)) << "starts anew in the good state";
}

TEST(DuplicateEffect, DuplicatesTheGivenShare) {
  RandomStream random = make_random();
  DuplicateEffect effect(0.2);
  int count = 0;
  for (int i = 0; i < kDraws; ++i) count += effect.duplicates(random);
  expect_binomial(count, kDraws, 0.2);
}

TEST(CorruptEffect, PicksEachBitEquallyOften) {
  RandomStream random = make_random();
  CorruptEffect effect(0.5);
  std::array<int, 24> counts{};
  for (int i = 0; i < kDraws; ++i) {
    const std::int64_t bit = effect.bit_to_flip(3, random);
    if (bit < 0) continue;
    ASSERT_LT(bit, 24);
    ++counts[static_cast<std::size_t>(bit)];
  }
  for (const int count : counts) expect_binomial(count, kDraws, 0.5 / 24);
}

TEST(CorruptEffect, AnEmptyPacketHasNoBits) {
  RandomStream random = make_random();
  EXPECT_EQ(CorruptEffect(1.0).bit_to_flip(0, random), -1);
  EXPECT_EQ(CorruptEffect(0.0).bit_to_flip(100, random), -1);
}

TEST(ReorderEffect, HoldsTheGivenShareBack) {
  RandomStream random = make_random();
  ReorderEffect effect(0.25, milliseconds(7));
  int held = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Duration extra = effect.extra_delay(random);
    ASSERT_TRUE(extra == Duration{} || extra == milliseconds(7));
    held += extra > Duration{};
  }
  expect_binomial(held, kDraws, 0.25);
}

LinkParams jittery(JitterDistribution distribution, Duration delay, Duration jitter) {
  LinkParams params;
  params.delay = delay;
  params.jitter = jitter;
  params.distribution = distribution;
  return params;
}

struct Moments {
  double mean = 0;
  double deviation = 0;
  Duration least = Duration::max();
  Duration most{};
};

Moments measure(DelayEffect effect) {
  RandomStream random = make_random(7);
  double sum = 0;
  double squares = 0;
  Moments result;
  for (int i = 0; i < kDraws; ++i) {
    const Duration delay = effect.delay(random);
    const auto ns = static_cast<double>(to_ns(delay));
    sum += ns;
    squares += ns * ns;
    result.least = std::min(result.least, delay);
    result.most = std::max(result.most, delay);
  }
  result.mean = sum / kDraws;
  result.deviation = std::sqrt(squares / kDraws - result.mean * result.mean);
  return result;
}

TEST(DelayEffect, WithoutJitterIsConstantAndDrawsNothing) {
  CountingRandom random;
  for (const auto distribution : {JitterDistribution::kUniform, JitterDistribution::kNormal,
                                  JitterDistribution::kPareto, JitterDistribution::kTable}) {
    DelayEffect effect(jittery(distribution, milliseconds(3), {}));
    EXPECT_EQ(effect.delay(random), milliseconds(3));
  }
  EXPECT_EQ(random.draws, 0);
}

TEST(DelayEffect, UniformJitterSpreadsToBothSides) {
  const auto jitter = jittery(JitterDistribution::kUniform, milliseconds(10), milliseconds(2));
  const Moments moments = measure(DelayEffect(jitter));
  const double deviation = 2e6 / std::sqrt(3.0);
  EXPECT_NEAR(moments.mean, 10e6, 5 * deviation / std::sqrt(kDraws));
  EXPECT_NEAR(moments.deviation, deviation, 0.01 * deviation);
  EXPECT_GE(moments.least, milliseconds(8));
  EXPECT_LE(moments.most, milliseconds(12));
}

TEST(DelayEffect, NormalJitterHasItsStandardDeviation) {
  const auto jitter = jittery(JitterDistribution::kNormal, milliseconds(50), milliseconds(4));
  const Moments moments = measure(DelayEffect(jitter));
  EXPECT_NEAR(moments.mean, 50e6, 5 * 4e6 / std::sqrt(kDraws));
  EXPECT_NEAR(moments.deviation, 4e6, 5 * 4e6 / std::sqrt(2.0 * kDraws));
}

TEST(DelayEffect, ParetoJitterOnlyAddsAndHasItsMean) {
  const auto jitter = jittery(JitterDistribution::kPareto, milliseconds(10), milliseconds(4));
  const Moments moments = measure(DelayEffect(jitter));
  // Pareto of shape 3 less 1: mean 1/2, variance 3/4.
  EXPECT_NEAR(moments.mean, 12e6, 6 * 4e6 * std::sqrt(0.75 / kDraws));
  EXPECT_GE(moments.least, milliseconds(10));
  EXPECT_GT(moments.most, milliseconds(60)) << "the upper tail is long";
}

TEST(DelayEffect, TableEntriesAreEquallyLikely) {
  LinkParams params = jittery(JitterDistribution::kTable, milliseconds(10), {});
  params.jitter_table = {milliseconds(-3), milliseconds(0), milliseconds(5), milliseconds(5)};
  DelayEffect effect(params);
  RandomStream random = make_random();
  int early = 0;
  int late = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Duration delay = effect.delay(random);
    ASSERT_TRUE(delay == milliseconds(7) || delay == milliseconds(10) ||
                delay == milliseconds(15));
    early += delay == milliseconds(7);
    late += delay == milliseconds(15);
  }
  expect_binomial(early, kDraws, 0.25);
  expect_binomial(late, kDraws, 0.5);
}

TEST(DelayEffect, IsNeverNegative) {
  for (const auto distribution : {JitterDistribution::kUniform, JitterDistribution::kNormal}) {
    const Moments moments = measure(DelayEffect(jittery(distribution, {}, milliseconds(5))));
    EXPECT_EQ(moments.least, Duration{});
    EXPECT_GT(moments.most, milliseconds(4));
  }
}

TEST(BandwidthEffect, SendsBackToBackPacketsOneAfterTheOther) {
  BandwidthEffect effect(8'000'000, 0);  // a byte takes a microsecond
  EXPECT_EQ(effect.pass(time_from_ns(0), 1000), milliseconds(1));
  EXPECT_EQ(effect.pass(time_from_ns(0), 500), std::chrono::microseconds(1500));
  EXPECT_EQ(effect.pass(time_from_ns(1'000'000), 100), std::chrono::microseconds(600));
  EXPECT_EQ(effect.pass(time_from_ns(50'000'000), 1000), milliseconds(1)) << "idle again";
}

TEST(BandwidthEffect, FractionsOfNanosecondsAddUp) {
  BandwidthEffect effect(3'000'000'000, 0);  // a byte takes 8/3 ns
  Duration last{};
  for (int i = 0; i < 3000; ++i) last = *effect.pass(time_from_ns(0), 1);
  EXPECT_EQ(to_ns(last), 8000);
}

TEST(BandwidthEffect, FullQueueDropsTheNewcomer) {
  BandwidthEffect effect(8'000'000, 2000);
  EXPECT_TRUE(effect.pass(time_from_ns(0), 1000));
  EXPECT_TRUE(effect.pass(time_from_ns(0), 1000)) << "exactly full";
  EXPECT_FALSE(effect.pass(time_from_ns(0), 1));
  EXPECT_FALSE(effect.pass(time_from_ns(99'999), 100)) << "one nanosecond before there is room";
  EXPECT_TRUE(effect.pass(time_from_ns(100'000), 100));
}

TEST(BandwidthEffect, AnIdleTransmitterTakesAPacketLargerThanTheQueue) {
  BandwidthEffect effect(8'000'000, 100);
  EXPECT_EQ(effect.pass(time_from_ns(0), 1000), milliseconds(1));
  EXPECT_FALSE(effect.pass(time_from_ns(999'000), 1000));
  EXPECT_EQ(effect.pass(time_from_ns(1'000'000), 1000), milliseconds(1));
}

TEST(BandwidthEffect, ANewSpeedAppliesToWhatWaits) {
  BandwidthEffect effect(8'000, 0);
  EXPECT_EQ(effect.pass(time_from_ns(0), 1000), seconds(1));
  effect.set_params(8'000'000, 0);
  EXPECT_EQ(effect.pass(time_from_ns(500'000'000), 1000), std::chrono::microseconds(1500))
      << "the 500 bytes left take 0.5 ms now";
  effect.set_params(0, 0);
  EXPECT_EQ(effect.pass(time_from_ns(500'000'000), 1000), Duration{});
  effect.set_params(8'000'000, 0);
  EXPECT_EQ(effect.pass(time_from_ns(500'000'000), 1000), milliseconds(1));
}

TEST(BandwidthEffect, TheSlowestLinkDropsInsteadOfOverflowing) {
  BandwidthEffect effect(1, 0);
  int accepted = 0;
  Duration last{};
  for (int i = 0; i < 100; ++i) {
    const auto sent = effect.pass(time_from_ns(0), 60'000'000);
    if (!sent) continue;
    ++accepted;
    EXPECT_GT(*sent, last);
    last = *sent;
  }
  EXPECT_EQ(accepted, 1) << "one such packet takes fifteen years";
}

TEST(LinkDirection, APerfectLinkIsInstantAndDrawsNothing) {
  CountingRandom random;
  LinkDirection link{LinkParams{}};
  for (int i = 0; i < 10; ++i) {
    const Fate fate = link.pass(time_from_ns(i), 1500, random);
    EXPECT_EQ(fate, Fate{});
  }
  EXPECT_EQ(random.draws, 0);
}

TEST(LinkDirection, DelayAndBandwidthAloneDrawNothingAndKeepOrder) {
  CountingRandom random;
  LinkParams params;
  params.delay = milliseconds(5);
  params.bandwidth_bps = 10'000'000;
  LinkDirection link(params);
  Time last{};
  for (int i = 0; i < 1000; ++i) {
    const Time now = time_from_ns(i * 700'000);
    const Fate fate = link.pass(now, 100 + static_cast<std::size_t>(i * 37 % 1400), random);
    ASSERT_EQ(fate.copies, 1U);
    EXPECT_GT(now + fate.after[0], last);
    last = now + fate.after[0];
  }
  EXPECT_EQ(random.draws, 0);
}

TEST(LinkDirection, WithoutChanceDecidesAsWithEffectsThatDoNothing) {
  LinkParams steady;
  steady.delay = std::chrono::microseconds(300);
  steady.bandwidth_bps = 7'000'000;
  steady.queue_bytes = 4000;
  LinkParams shaken = steady;  // a jitter that draws, but adds nothing
  shaken.distribution = JitterDistribution::kTable;
  shaken.jitter_table = {Duration{}};
  LinkDirection short_way(steady);
  LinkDirection long_way(shaken);
  CountingRandom random;
  RandomStream drawn = make_random(1);
  RandomStream sizes = make_random(2);
  std::size_t dropped = 0;
  Time now{};
  for (int i = 0; i < 2000; ++i) {
    now += std::chrono::microseconds(sizes.below(1500));
    const std::size_t bytes = 1 + sizes.below(1500);
    const Fate fate = short_way.pass(now, bytes, random);
    dropped += fate.copies == 0;
    const Fate other = long_way.pass(now, bytes, drawn);
    ASSERT_EQ(fate.copies, other.copies) << i;
    ASSERT_EQ(fate.after[0], other.after[0]) << i;
    ASSERT_EQ(fate.reason, other.reason) << i;
  }
  EXPECT_EQ(random.draws, 0);
  EXPECT_GT(dropped, 100U);
  EXPECT_LT(dropped, 1900U);
}

TEST(LinkDirection, SumsSendingTimeDelayAndHoldBack) {
  RandomStream random = make_random();
  LinkParams params;
  params.bandwidth_bps = 8'000'000;
  params.delay = milliseconds(20);
  params.reorder = 1.0;
  params.reorder_delay = milliseconds(3);
  LinkDirection link(params);
  EXPECT_EQ(link.pass(time_from_ns(0), 1000, random).after[0], milliseconds(24));
  EXPECT_EQ(link.pass(time_from_ns(0), 1000, random).after[0], milliseconds(25));
}

TEST(LinkDirection, NamesTheReasonOfALoss) {
  RandomStream random = make_random();
  LinkParams params;
  params.loss = 1.0;
  LinkDirection lossy(params);
  const Fate lost = lossy.pass(time_from_ns(0), 100, random);
  EXPECT_EQ(lost.copies, 0U);
  EXPECT_EQ(lost.reason, DropReason::kLoss);

  params.bursts.good_to_bad = 1.0;
  LinkDirection bursty(params);
  EXPECT_EQ(bursty.pass(time_from_ns(0), 100, random).reason, DropReason::kBurst);

  params.bandwidth_bps = 8'000;
  params.queue_bytes = 100;
  LinkDirection slow(params);
  EXPECT_EQ(slow.pass(time_from_ns(0), 100, random).reason, DropReason::kBurst);
  EXPECT_EQ(slow.pass(time_from_ns(0), 100, random).reason, DropReason::kQueue)
      << "a packet that is lost on the way has occupied the transmitter";
  EXPECT_EQ(to_string(DropReason::kQueue), "queue");
}

TEST(LinkDirection, BothCopiesCarryTheSameBitAndTravelAlone) {
  RandomStream random = make_random();
  LinkParams params = jittery(JitterDistribution::kUniform, milliseconds(10), milliseconds(5));
  params.duplicate = 1.0;
  params.corrupt = 1.0;
  LinkDirection link(params);
  int overtaken = 0;
  for (int i = 0; i < 1000; ++i) {
    const Fate fate = link.pass(time_from_ns(i), 10, random);
    ASSERT_EQ(fate.copies, 2U);
    ASSERT_GE(fate.corrupt_bit, 0);
    ASSERT_LT(fate.corrupt_bit, 80);
    overtaken += fate.after[1] < fate.after[0];
  }
  expect_binomial(overtaken, 1000, 0.5);
}

TEST(LinkDirection, NewParametersActOnThePacketsAfterThem) {
  CountingRandom random;
  LinkParams params;
  params.delay = milliseconds(1);
  LinkDirection link(params);
  EXPECT_EQ(link.pass(time_from_ns(0), 100, random).after[0], milliseconds(1));
  params.loss = 1.0;
  link.set_params(params);
  EXPECT_EQ(link.pass(time_from_ns(0), 100, random).copies, 0U);
  params.loss = 0.0;
  params.delay = milliseconds(9);
  link.set_params(params);
  EXPECT_EQ(link.pass(time_from_ns(0), 100, random).after[0], milliseconds(9));
  EXPECT_EQ(random.draws, 0);
}

TEST(LinkDirection, TheSameSeedDecidesTheSame) {
  LinkParams params = jittery(JitterDistribution::kPareto, milliseconds(10), milliseconds(5));
  params.loss = 0.1;
  params.duplicate = 0.1;
  params.corrupt = 0.1;
  params.reorder = 0.1;
  params.reorder_delay = milliseconds(1);
  params.bursts = {0.05, 0.3, 0.0, 0.8};
  params.bandwidth_bps = 1'000'000;
  params.queue_bytes = 20'000;
  LinkDirection one(params);
  LinkDirection two(params);
  RandomStream random_one = make_random(3);
  RandomStream random_two = make_random(3);
  for (int i = 0; i < 5000; ++i) {
    const Time now = time_from_ns(i * 5'000'000LL);
    ASSERT_EQ(one.pass(now, 900, random_one), two.pass(now, 900, random_two));
  }
}

TEST(Combine, AnEmptyFaultChangesNothing) {
  LinkParams base = jittery(JitterDistribution::kPareto, milliseconds(10), milliseconds(5));
  base.loss = 0.1;
  base.duplicate = 0.3;
  base.bursts = {0.1, 0.2, 0.3, 0.4};
  base.bandwidth_bps = 1000;
  base.queue_bytes = 2000;
  base.reorder = 0.7;
  base.reorder_delay = milliseconds(1);
  EXPECT_EQ(combine(base, LinkParams{}), base);
  EXPECT_EQ(combine(LinkParams{}, base), base);
}

TEST(Combine, AddsDelaysAndMultipliesSurvival) {
  LinkParams base = jittery(JitterDistribution::kUniform, milliseconds(10), milliseconds(5));
  LinkParams fault = jittery(JitterDistribution::kNormal, milliseconds(1), milliseconds(2));
  base.loss = 0.5;
  fault.loss = 0.5;
  base.corrupt = 0.1;
  fault.corrupt = 1.0;
  base.bandwidth_bps = 1000;
  fault.bandwidth_bps = 500;
  base.queue_bytes = 100;
  fault.queue_bytes = 300;
  base.reorder_delay = milliseconds(2);
  fault.reorder_delay = milliseconds(4);
  fault.bursts = {0.1, 0.2, 0.3, 0.4};
  const LinkParams both = combine(base, fault);
  EXPECT_EQ(both.delay, milliseconds(11));
  EXPECT_EQ(both.jitter, milliseconds(7));
  EXPECT_EQ(both.distribution, JitterDistribution::kNormal);
  EXPECT_DOUBLE_EQ(both.loss, 0.75);
  EXPECT_EQ(both.corrupt, 1.0);
  EXPECT_EQ(both.bandwidth_bps, 500U);
  EXPECT_EQ(both.queue_bytes, 100U);
  EXPECT_EQ(both.reorder_delay, milliseconds(4));
  EXPECT_EQ(both.bursts, fault.bursts);
}

TEST(CheckLinkParams, NamesWhatIsWrong) {
  EXPECT_FALSE(check_link_params(LinkParams{}));
  const auto message = [](auto change) {
    LinkParams params;
    change(params);
    const auto error = check_link_params(params);
    return error ? error->message : std::string("no error");
  };
  EXPECT_EQ(message([](LinkParams& p) { p.loss = 1.5; }),
            "the link's loss must be a probability from 0 to 1, not 1.500000");
  EXPECT_NE(message([](LinkParams& p) {
              p.bursts.loss_bad = std::numeric_limits<double>::quiet_NaN();
            }).find("bursts.loss_bad"), std::string::npos);
  EXPECT_EQ(message([](LinkParams& p) { p.delay = milliseconds(-5); }),
            "the link's delay must lie between 0 s and one year, not -5 ms");
  EXPECT_NE(message([](LinkParams& p) { p.jitter_table = {Duration::max()}; }).find("one year"),
            std::string::npos);
  EXPECT_NE(message([](LinkParams& p) { p.bandwidth_bps = ~0ULL; }).find("10^15"),
            std::string::npos);
  EXPECT_NE(message([](LinkParams& p) { p.distribution = JitterDistribution::kTable; })
                .find("jitter_table is empty"), std::string::npos);
}

TEST(PlanNames, AreTheWordsOfScenarioFiles) {
  EXPECT_EQ(to_string(FaultAction::kCrash), "crash");
  EXPECT_EQ(to_string(FaultAction::kDisk), "disk");
  EXPECT_EQ(to_string(PartitionKind::kOneWay), "one-way");
  EXPECT_EQ(to_string(PartitionKind::kMajoritiesRing), "majorities-ring");
  EXPECT_EQ(to_string(PartitionKind::kMinCut), "min-cut");
}

}  // namespace
}  // namespace twinbed::sim
