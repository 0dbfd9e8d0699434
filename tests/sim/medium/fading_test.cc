// Fading and shadowing beside their distributions, and beside ns-3's own draws.
#include "sim/medium/fading.h"

#include <gmock/gmock.h>
#include <ns3/constant-position-mobility-model.h>
#include <ns3/propagation-loss-model.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>
#include <numeric>
#include <vector>

#include "core/base/random_stream.h"

namespace twinbed::testing {
namespace {

using sim::Fading;
using sim::FadingModel;
using sim::GammaQuantiles;
using sim::Position;
using sim::Shadowing;

constexpr int kDraws = 20'000;
// Kolmogorov and Smirnov's bounds that a right sample exceeds once in a thousand times.
const double kOneSample = 1.95 / std::sqrt(kDraws);
const double kTwoSamples = 1.95 * std::sqrt(2.0 / kDraws);

std::vector<double> sorted_draws(const std::function<double()>& draw) {
  std::vector<double> draws(kDraws);
  std::generate(draws.begin(), draws.end(), draw);
  std::sort(draws.begin(), draws.end());
  return draws;
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double variance_of(const std::vector<double>& values) {
  const double mean = mean_of(values);
  double sum = 0;
  for (const double value : values) sum += (value - mean) * (value - mean);
  return sum / static_cast<double>(values.size() - 1);
}

double distance_from(const std::vector<double>& sorted,
                     const std::function<double(double)>& distribution) {
  double largest = 0;
  for (std::size_t i = 0; i < sorted.size(); ++i) {
    const double expected = distribution(sorted[i]);
    largest = std::max({largest, std::abs(expected - static_cast<double>(i) / kDraws),
                        std::abs(expected - static_cast<double>(i + 1) / kDraws)});
  }
  return largest;
}

double distance_between(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0;
  std::size_t j = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    while (j < b.size() && b[j] <= a[i]) ++j;
    largest = std::max(largest, std::abs(static_cast<double>(i + 1) - static_cast<double>(j)));
  }
  return largest / kDraws;
}

/// A power as a factor, drawn in thousandths of a decibel.
double factor(int mdb) { return std::pow(10.0, mdb / 10'000.0); }

/// Draws from given words.
class Words final : public Random {
 public:
  explicit Words(std::uint64_t word) : word_(word) {}
  std::uint64_t next() override { return word_; }

 private:
  std::uint64_t word_;
};

TEST(GammaQuantiles, HaveTheMomentsOfEveryShape) {
  for (const double shape : {0.5, 0.75, 1.0, 1.5, 3.0, 20.0, 1000.0}) {
    const GammaQuantiles quantiles(shape);
    RandomStream random(7, "gamma");
    const auto draws = sorted_draws([&] { return factor(quantiles.draw_mdb(random)); });
    EXPECT_NEAR(mean_of(draws), 1, 5 / std::sqrt(shape * kDraws)) << shape;
    EXPECT_NEAR(variance_of(draws) * shape, 1, 0.1) << shape;
  }
}

TEST(GammaQuantiles, AreDistributedAsTheirClosedForms) {
  const auto expect_distributed = [](double shape, const std::function<double(double)>& gamma) {
    const GammaQuantiles quantiles(shape);
    RandomStream random(11, "gamma");
    const auto draws = sorted_draws([&] { return shape * factor(quantiles.draw_mdb(random)); });
    EXPECT_LT(distance_from(draws, gamma), kOneSample) << shape;
  };
  expect_distributed(0.5, [](double x) { return std::erf(std::sqrt(x)); });
  expect_distributed(1, [](double x) { return 1 - std::exp(-x); });
  expect_distributed(2, [](double x) { return 1 - std::exp(-x) * (1 + x); });
  expect_distributed(1.5, [](double x) {
    return std::erf(std::sqrt(x)) - 2 * std::sqrt(x / 3.141592653589793) * std::exp(-x);
  });
}

// A word's first bit tells the half, and the others how far from the median, up to the tail.
TEST(GammaQuantiles, AreExactFarIntoBothTails) {
  const GammaQuantiles one(1), two(2);
  RandomStream random(13, "words");
  for (int octave = 0; octave < 40; ++octave) {
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t rest = (std::uint64_t{1} << 62 | random.next() >> 2) >> octave;
      const double probability = static_cast<double>(rest) * 0x1p-64;
      Words low(rest), high(rest | std::uint64_t{1} << 63);
      EXPECT_NEAR(one.draw_mdb(low), 10'000 * std::log10(-std::log1p(-probability)), 2)
          << probability;
      EXPECT_NEAR(one.draw_mdb(high), 10'000 * std::log10(-std::log(probability)), 2)
          << probability;
      const double x = 2 * factor(two.draw_mdb(high));
      EXPECT_NEAR(std::exp(-x) * (1 + x) / probability, 1, 0.02) << probability;
    }
  }
  // The word of all zeros is a fade of more than 120 dB, and not without end.
  Words nothing(0);
  EXPECT_LT(one.draw_mdb(nothing), -120'000);
  EXPECT_GT(one.draw_mdb(nothing), -130'000);
}

TEST(Fading, NakagamiIsDistributedAsNs3sAtEveryDistance) {
  const Fading ours({.model = FadingModel::kNakagami});
  const auto theirs = ns3::CreateObject<ns3::NakagamiPropagationLossModel>();
  theirs->AssignStreams(1);
  const auto from = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  const auto to = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  RandomStream random(5, "fading");
  for (const double distance_m : {50.0, 120.0, 300.0}) {
    to->SetPosition({distance_m, 0, 0});
    const auto a =
        sorted_draws([&] { return ours.draw_mdb(distance_m, random) / 1000.0; });
    const auto b = sorted_draws([&] { return theirs->CalcRxPower(0, from, to); });
    const double distance = distance_between(a, b);
    EXPECT_LT(distance, kTwoSamples) << distance_m;
    std::cout << "Nakagami at " << distance_m << " m: largest distance of distributions "
              << distance << ", allowed " << kTwoSamples << "\n";
  }
}

TEST(Fading, NakagamisShapeChangesAtNs3sDistances) {
  // ns-3 as well takes m0 below the first distance and m1 from it on.
  const Fading fading({.model = FadingModel::kNakagami, .m0 = 40, .m1 = 0.5, .m2 = 10});
  RandomStream random(3, "fading");
  const auto variance_at = [&](double distance_m) {
    return variance_of(
        sorted_draws([&] { return factor(fading.draw_mdb(distance_m, random)); }));
  };
  EXPECT_NEAR(variance_at(79.9), 1 / 40.0, 0.005);
  EXPECT_NEAR(variance_at(80), 2, 0.2);
  EXPECT_NEAR(variance_at(199.9), 2, 0.2);
  EXPECT_NEAR(variance_at(200), 0.1, 0.01);
}

TEST(Fading, RayleighIsExponentialPower) {
  const Fading fading({.model = FadingModel::kRayleigh});
  RandomStream random(2, "fading");
  const auto draws = sorted_draws([&] { return factor(fading.draw_mdb(10, random)); });
  EXPECT_LT(distance_from(draws, [](double x) { return 1 - std::exp(-x); }), kOneSample);
}

TEST(Fading, RicianHasMeanOneAndTheVarianceOfItsK) {
  for (const double k_db : {-3.0, 0.0, 6.0, 12.0}) {
    const Fading fading({.model = FadingModel::kRician, .rician_k_db = k_db});
    RandomStream random(9, "fading");
    const auto draws = sorted_draws([&] { return factor(fading.draw_mdb(10, random)); });
    const double k = std::pow(10, k_db / 10);
    const double variance = (2 * k + 1) / ((k + 1) * (k + 1));
    EXPECT_NEAR(mean_of(draws), 1, 5 * std::sqrt(variance / kDraws)) << k_db;
    EXPECT_NEAR(variance_of(draws) / variance, 1, 0.08) << k_db;
  }
  // Without a path in line of sight it is Rayleigh's.
  const Fading none({.model = FadingModel::kRician, .rician_k_db = -100});
  RandomStream random(4, "fading");
  const auto draws = sorted_draws([&] { return factor(none.draw_mdb(10, random)); });
  EXPECT_LT(distance_from(draws, [](double x) { return 1 - std::exp(-x); }), kOneSample);
}

TEST(Fading, NoneDrawsNothing) {
  RandomStream drawn(1, "fading"), untouched(1, "fading");
  EXPECT_EQ(Fading({}).draw_mdb(10, drawn), 0);
  EXPECT_EQ(Shadowing({}).loss_mdb({}, {1, 0, 0}, drawn), 0);
  EXPECT_EQ(drawn.next(), untouched.next());
}

TEST(Shadowing, IsNormalOverLinksAndStaysWithALink) {
  std::vector<double> losses_db;
  for (int link = 0; link < kDraws; ++link) {
    RandomStream random(6, "shadowing", static_cast<std::uint64_t>(link));
    Shadowing shadowing({.deviation_db = 8});
    const int loss_mdb = shadowing.loss_mdb({0, 0, 0}, {100, 0, 0}, random);
    ASSERT_EQ(shadowing.loss_mdb({50, 0, 0}, {100, 70, 0}, random), loss_mdb);
    losses_db.push_back(loss_mdb / 1000.0);
  }
  std::sort(losses_db.begin(), losses_db.end());
  EXPECT_LT(distance_from(losses_db,
                          [](double x) { return 0.5 * std::erfc(-x / 8 / std::sqrt(2.0)); }),
            kOneSample);
}

TEST(Shadowing, DecorrelatesExponentiallyWithMovement) {
  RandomStream random(8, "shadowing");
  Shadowing shadowing({.deviation_db = 6, .decorrelation_m = 20});
  std::vector<double> walk_db;
  for (int step = 0; step < 10 * kDraws; ++step) {
    // Both ends move 2 metres in a step.
    const Position a{0, 2.0 * step, 0}, b{100, -2.0 * step, 0};
    walk_db.push_back(shadowing.loss_mdb(a, b, random) / 1000.0);
    ASSERT_EQ(shadowing.loss_mdb(a, b, random) / 1000.0, walk_db.back());
  }
  EXPECT_NEAR(std::sqrt(variance_of(walk_db)), 6, 0.3);
  for (const std::size_t lag : {1U, 5U, 10U}) {
    double sum = 0;
    for (std::size_t i = lag; i < walk_db.size(); ++i) sum += walk_db[i] * walk_db[i - lag];
    const double correlation = sum / static_cast<double>(walk_db.size()) / 36;
    EXPECT_NEAR(correlation, std::exp(-4.0 * static_cast<double>(lag) / 20), 0.05) << lag;
  }
}

TEST(Fading, ImpossibleOptionsAreNamed) {
  EXPECT_EQ(sim::mistake_in_fading({.model = FadingModel::kNakagami}), "");
  EXPECT_EQ(sim::mistake_in_fading({.m0 = 0.4}), "a Nakagami m is 0.5 to 1000");
  EXPECT_NE(sim::mistake_in_fading({.distance1_m = 300}), "");
  EXPECT_NE(sim::mistake_in_fading({.rician_k_db = 1000}), "");
  EXPECT_NE(sim::mistake_in_shadowing({.deviation_db = -1}), "");
  EXPECT_NE(sim::mistake_in_shadowing({.decorrelation_m = std::nan("")}), "");
}

}  // namespace
}  // namespace twinbed::testing
