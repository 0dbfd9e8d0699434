// The table medium beside ns-3's own physical layer: the same radios, the same frames, and how many
// of them arrive.
//
// Both draw, so that two ratios of n frames differ by chance: by less than four standard errors in
// all but one of 16,000 cases. What they may differ by beyond that is half a percent.
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "sim/medium/airtime.h"
#include "sim/medium/error_rate.h"
#include "sim/ns3/ns3_medium.h"
#include "tests/sim/medium/ns3_wifi.h"
#include "tests/support/air_world.h"

namespace twinbed::testing {
namespace {

using sim::AirOptions;
using sim::CardOptions;
using sim::ErrorRateModel;
using sim::FadingModel;
using sim::Ns3Medium;
using sim::TableMedium;

/// For each point; TWINBED_CROSS_VALIDATION_FRAMES says how many for a longer look.
std::uint64_t frames_per_point() {
  const char* const asked = std::getenv("TWINBED_CROSS_VALIDATION_FRAMES");
  return asked == nullptr ? 300 : std::strtoull(asked, nullptr, 10);
}
constexpr std::size_t kFrameBytes = 1424;
constexpr double kAllowed = 0.005;
/// Log-distance with an exponent of 3 and free space up to 1 m: the ratio at 1 m to the noise in
/// 20 MHz.
constexpr double kSnrAt1mDb = 66.2;

std::vector<CardOptions> plain_card() {
  CardOptions card;
  card.carrier_sense = false;
  return {card};
}

AirOptions air(ErrorRateModel errors, FadingModel fading) {
  AirOptions options;
  options.error_rate = errors;
  options.path_loss.model = sim::PathLossModel::kLogDistance;
  options.fading.model = fading;
  return options;
}

/// At which the mean ratio is this, in a channel so wide.
double distance_of_snr(double snr_db, Bandwidth bandwidth = Bandwidth::k20Mhz) {
  const double more_noise_db = 10 * std::log10(sim::bandwidth_mhz(bandwidth) / 20.0);
  return std::pow(10.0, (kSnrAt1mDb - more_noise_db - snr_db) / 30.0);
}

/// Collects the differences and says which is the largest.
class Comparison {
 public:
  void add(const std::string& what, std::uint64_t table, std::uint64_t ns3, std::uint64_t frames) {
    const double n = static_cast<double>(frames);
    const double ours = static_cast<double>(table) / n, theirs = static_cast<double>(ns3) / n;
    const double pooled = std::clamp((ours + theirs) / 2, 1 / n, 1 - 1 / n);
    const double error = std::sqrt(2 * pooled * (1 - pooled) / n);
    const double difference = ours - theirs;
    EXPECT_LE(std::abs(difference), kAllowed + 4 * error)
        << what << ": table medium " << ours << ", ns-3 " << theirs;
    sum_ += difference;
    squares_ += difference * difference / (error * error);
    ++count_;
    if (std::abs(difference) >= std::abs(largest_)) {
      largest_ = difference;
      where_ = what;
    }
  }
  /// Into the test's output, and true where the points were many enough to mean something.
  void report() const {
    const auto count = static_cast<double>(count_);
    std::printf("  %zu points: largest difference %+.4f (%s), mean %+.5f, chi-square/point %.2f\n",
                count_, largest_, where_.c_str(), sum_ / count, squares_ / count);
  }

 private:
  double largest_ = 0, sum_ = 0, squares_ = 0;
  std::size_t count_ = 0;
  std::string where_;
};

/// How many frames of a sender each of the receivers gets.
template <class Medium>
std::vector<std::uint64_t> received_at(const AirOptions& options,
                                       const std::vector<double>& distances,
                                       const TxParams& rate) {
  AirWorldOf<Medium> world(options, std::uint64_t{7} + rate.mcs);
  world.add({0, 0, 1}, plain_card());
  for (const double distance : distances) world.add({distance, 0, 1}, plain_card());
  const Buffer frame(kFrameBytes, std::byte{0x5a});
  const std::uint64_t frames = frames_per_point();
  for (std::uint64_t i = 0; i < frames; ++i) {
    world.send(NodeId{0}, frame, rate);
    world.run();
    world.heard().clear();
  }
  std::vector<std::uint64_t> received;
  for (std::uint32_t i = 1; i <= distances.size(); ++i) {
    received.push_back(world.counters(NodeId{i}).received);
  }
  return received;
}

/// Receivers where the mean ratio to the noise is this.
void compare_ratios(const AirOptions& options, const std::vector<double>& snrs_db,
                    const TxParams& rate, Comparison& comparison) {
  std::vector<double> distances;
  for (const double snr_db : snrs_db) {
    distances.push_back(distance_of_snr(snr_db, rate.bandwidth));
  }
  const auto table = received_at<TableMedium>(options, distances, rate);
  const auto ns3 = received_at<Ns3Medium>(options, distances, rate);
  for (std::size_t i = 0; i < distances.size(); ++i) {
    comparison.add(describe(rate) + " at " + std::to_string(distances[i]) + " m", table[i], ns3[i],
                   frames_per_point());
  }
}

/// Where frames begin to arrive and where nearly all do, and on both sides of the threshold of
/// preambles.
std::vector<double> interesting_snrs_db(ErrorRateModel model, const TxParams& rate) {
  const sim::ErrorRate errors(model, rate);
  const std::size_t delimiter = rate.modulation == Modulation::kVht ? 4 : 0;
  const auto bits = static_cast<std::uint64_t>(
      sim::data_bits_per_stream(rate, kFrameBytes + 4 + delimiter));
  std::vector<double> snrs_db = {3.9, 4.1};
  double snr_db = -5;
  for (const double success : {0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99}) {
    while (errors.data_success(bits, snr_db) < success) snr_db += 0.01;
    snrs_db.push_back(snr_db);
  }
  return snrs_db;
}

/// HT of one stream in 20 MHz.
std::vector<TxParams> plain_rates() {
  std::vector<TxParams> rates;
  for (std::uint8_t mcs = 0; mcs < 8; ++mcs) rates.push_back({.mcs = mcs});
  return rates;
}

/// HT in 40 MHz, VHT in 20 and 80, and some of VHT in 40 and 160, with the long guard interval.
std::vector<TxParams> further_rates() {
  std::vector<TxParams> rates = all_rates(1, Bandwidth::k160Mhz);
  std::erase_if(rates, [](const TxParams& rate) {
    const bool is_narrow = rate.bandwidth == Bandwidth::k20Mhz;
    if (rate.modulation == Modulation::kHt) return is_narrow;
    return !is_narrow && rate.bandwidth != Bandwidth::k80Mhz && rate.mcs % 5 != 4;
  });
  return rates;
}

/// One of each width of HT and VHT up to 80 MHz, with the short guard interval.
std::vector<TxParams> short_guard_rates() {
  constexpr auto kHt = Modulation::kHt, kVht = Modulation::kVht;
  std::vector<TxParams> rates = {{.modulation = kHt, .mcs = 0},
                                 {.modulation = kHt, .mcs = 5, .bandwidth = Bandwidth::k40Mhz},
                                 {.modulation = kVht, .mcs = 3},
                                 {.modulation = kVht, .mcs = 8, .bandwidth = Bandwidth::k40Mhz},
                                 {.modulation = kVht, .mcs = 9, .bandwidth = Bandwidth::k80Mhz}};
  for (TxParams& rate : rates) rate.short_guard_interval = true;
  return rates;
}

void compare_without_fading(ErrorRateModel model, const std::vector<TxParams>& rates) {
  Comparison comparison;
  for (const TxParams& rate : rates) {
    compare_ratios(air(model, FadingModel::kNone), interesting_snrs_db(model, rate), rate,
                   comparison);
  }
  comparison.report();
}

void compare_with_fading(ErrorRateModel model, FadingModel fading,
                         const std::vector<TxParams>& rates) {
  const std::vector<double> snrs_db = {-3, 3, 6, 9, 12, 15, 18, 21, 24, 27, 30};
  Comparison comparison;
  for (const TxParams& rate : rates) compare_ratios(air(model, fading), snrs_db, rate, comparison);
  comparison.report();
}

TEST(CrossValidation, DeliveryOverDistanceByTheTableBasedModel) {
  compare_without_fading(ErrorRateModel::kTable, plain_rates());
}
TEST(CrossValidation, DeliveryOverDistanceByNist) {
  compare_without_fading(ErrorRateModel::kNist, plain_rates());
}
TEST(CrossValidation, DeliveryOverDistanceByYans) {
  compare_without_fading(ErrorRateModel::kYans, plain_rates());
}

TEST(CrossValidation, DeliveryOverDistanceOfWideFramesAndVht) {
  compare_without_fading(ErrorRateModel::kTable, further_rates());
}
TEST(CrossValidation, DeliveryOverDistanceWithTheShortGuardInterval) {
  compare_without_fading(ErrorRateModel::kNist, short_guard_rates());
}

// m is 1.5 up to 80 m, where the mean ratio is 9 dB, and 0.75 beyond.
TEST(CrossValidation, DeliveryOverDistanceUnderNakagamiFading) {
  compare_with_fading(ErrorRateModel::kTable, FadingModel::kNakagami, plain_rates());
}
TEST(CrossValidation, DeliveryOverDistanceUnderRayleighFading) {
  compare_with_fading(ErrorRateModel::kNist, FadingModel::kRayleigh, plain_rates());
}
TEST(CrossValidation, DeliveryOverDistanceOfWideFramesUnderFading) {
  compare_with_fading(ErrorRateModel::kYans, FadingModel::kNakagami,
                      {{.mcs = 4, .bandwidth = Bandwidth::k40Mhz},
                       {.modulation = Modulation::kVht, .mcs = 2, .bandwidth = Bandwidth::k80Mhz},
                       {.modulation = Modulation::kVht, .mcs = 8, .bandwidth = Bandwidth::k20Mhz}});
}

struct Overlap {
  double first_snr_db;  ///< in 20 MHz
  double second_snr_db;
  Duration later;  ///< the second frame begins
  TxParams first_rate;
  TxParams second_rate;
};

/// How many frames of two senders, which overlap, the receiver between them gets of each.
template <class Medium>
std::array<std::uint64_t, 2> received_of_two(const AirOptions& options, const Overlap& overlap) {
  AirWorldOf<Medium> world(options, 11);
  world.add({0, 0, 1}, plain_card());
  world.add({distance_of_snr(overlap.first_snr_db), 0, 1}, plain_card());
  world.add({-distance_of_snr(overlap.second_snr_db), 0, 1}, plain_card());
  const Buffer first(500, std::byte{1}), second(500, std::byte{2});
  std::array<std::uint64_t, 2> received{};
  const std::uint64_t frames = frames_per_point();
  for (std::uint64_t i = 0; i < frames; ++i) {
    const Time start = world.now();
    world.send(NodeId{1}, first, overlap.first_rate);
    world.run_until(start + overlap.later);
    world.send(NodeId{2}, second, overlap.second_rate);
    world.run_until(start + std::chrono::milliseconds(2));
    for (const auto& heard : world.heard()) {
      if (heard.node == NodeId{0}) ++received[heard.bytes.front() == first.front() ? 0 : 1];
    }
    world.heard().clear();
  }
  return received;
}

void compare_overlap(const AirOptions& options, const Overlap& overlap, Comparison& comparison) {
  const auto table = received_of_two<TableMedium>(options, overlap);
  const auto ns3 = received_of_two<Ns3Medium>(options, overlap);
  for (std::size_t i = 0; i < 2; ++i) {
    comparison.add(describe(overlap.first_rate) + ", " + std::to_string(overlap.first_snr_db) +
                       " dB, and " + std::to_string(to_ns(overlap.later) / 1000) + " us later " +
                       describe(overlap.second_rate) + ", " +
                       std::to_string(overlap.second_snr_db) + " dB, frame " +
                       std::to_string(i + 1),
                   table[i], ns3[i], frames_per_point());
  }
}

/// How much weaker the second frame is.
const std::vector<double> kLessDb = {-18, -8, -1, 3, 5, 10, 15, 18};

void compare_overlaps(FadingModel fading, const std::vector<double>& first_snrs_db,
                      const std::vector<double>& less_dbs,
                      const std::vector<std::array<TxParams, 2>>& rates) {
  Comparison comparison;
  for (const auto& [first_rate, second_rate] : rates) {
    for (const double first_db : first_snrs_db) {
      for (const double less_db : less_dbs) {
        for (const int later_us : {0, 2, 10, 24, 100}) {
          compare_overlap(air(ErrorRateModel::kNist, fading),
                          {first_db, first_db - less_db, std::chrono::microseconds(later_us),
                           first_rate, second_rate},
                          comparison);
        }
      }
    }
  }
  comparison.report();
}

TEST(CrossValidation, TwoOverlappingFramesWithoutFading) {
  const TxParams bpsk{.mcs = 0}, qam16{.mcs = 3}, qam64{.mcs = 5};
  compare_overlaps(FadingModel::kNone, {12, 20, 30}, kLessDb,
                   {{bpsk, bpsk}, {qam16, qam16}, {qam64, qam64}});
}
TEST(CrossValidation, TwoOverlappingFramesUnderFading) {
  const TxParams rate{.mcs = 3};
  compare_overlaps(FadingModel::kNakagami, {12, 20, 30}, kLessDb, {{rate, rate}});
}
// Not of VHT: that ns-3 leaves SIG-B out moves its data by 4 us.
TEST(CrossValidation, TwoOverlappingFramesOfDifferentWidth) {
  const TxParams wide{.mcs = 3, .bandwidth = Bandwidth::k40Mhz}, narrow{.mcs = 3};
  compare_overlaps(FadingModel::kNone, {20}, {12, 13, 14}, {{wide, narrow}, {narrow, wide}});
}

// The one thing in which the two differ: what is below a card's sensitivity is nothing to ns-3,
// while the table medium has it disturb. At 8 dB below the noise it costs 0.6 dB.
TEST(CrossValidation, BelowTheSensitivityAFrameDisturbsInTheTableMediumAlone) {
  const TxParams rate{.mcs = 3};
  const Overlap overlap{12.8, -8, std::chrono::microseconds(2), rate, rate};
  const AirOptions options = air(ErrorRateModel::kNist, FadingModel::kNone);
  const auto frames = static_cast<double>(frames_per_point());
  const auto table = received_of_two<TableMedium>(options, overlap);
  const auto ns3 = received_of_two<Ns3Medium>(options, overlap);
  const sim::ErrorRate errors(ErrorRateModel::kNist, rate);
  const auto bits = static_cast<std::uint64_t>(sim::data_bits_per_stream(rate, 504));
  const auto chance = [&](double snr_db) {
    return errors.data_success(bits, snr_db) * errors.header_success(snr_db);
  };
  const double disturbed_db = 12.8 - 10 * std::log10(1 + std::pow(10, -0.8));
  EXPECT_NEAR(static_cast<double>(ns3[0]) / frames, chance(12.8), 4 * std::sqrt(0.25 / frames));
  EXPECT_NEAR(static_cast<double>(table[0]) / frames, chance(disturbed_db),
              4 * std::sqrt(0.25 / frames));
  EXPECT_LT(table[0], ns3[0]);
}

}  // namespace
}  // namespace twinbed::testing
