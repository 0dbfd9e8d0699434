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
#include <string>
#include <vector>

#include "sim/ns3/ns3_medium.h"
#include "tests/support/air_world.h"

namespace twinbed::testing {
namespace {

using sim::AirOptions;
using sim::CardOptions;
using sim::ErrorRateModel;
using sim::FadingModel;
using sim::Ns3Medium;
using sim::TableMedium;

constexpr std::uint64_t kFrames = 2000;
constexpr std::size_t kFrameBytes = 1424;
constexpr double kAllowed = 0.005;
/// Log-distance with an exponent of 3 and free space up to 1 m: the ratio to the noise at 1 m.
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

/// At which the mean ratio is this.
double distance_of_snr(double snr_db) { return std::pow(10.0, (kSnrAt1mDb - snr_db) / 30.0); }

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
                                       const std::vector<double>& distances, std::uint8_t mcs) {
  AirWorldOf<Medium> world(options, 7);
  world.add({0, 0, 1}, plain_card());
  for (const double distance : distances) world.add({distance, 0, 1}, plain_card());
  const Buffer frame(kFrameBytes, std::byte{0x5a});
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    world.send(NodeId{0}, frame, {.mcs = mcs});
    world.run();
    world.heard().clear();
  }
  std::vector<std::uint64_t> received;
  for (std::uint32_t i = 1; i <= distances.size(); ++i) {
    received.push_back(world.counters(NodeId{i}).received);
  }
  return received;
}

/// All MCS of one stream at these ratios to the noise, each a receiver at its distance.
void compare_distances(const AirOptions& options, const std::vector<double>& snrs_db) {
  std::vector<double> distances;
  for (const double snr_db : snrs_db) distances.push_back(distance_of_snr(snr_db));
  Comparison comparison;
  for (std::uint8_t mcs = 0; mcs < 8; ++mcs) {
    const auto table = received_at<TableMedium>(options, distances, mcs);
    const auto ns3 = received_at<Ns3Medium>(options, distances, mcs);
    for (std::size_t i = 0; i < distances.size(); ++i) {
      comparison.add("MCS " + std::to_string(mcs) + " at " + std::to_string(distances[i]) + " m",
                     table[i], ns3[i], kFrames);
    }
  }
  comparison.report();
}

std::vector<double> from_to(double first, double last, double step) {
  std::vector<double> values;
  for (double value = first; value <= last; value += step) values.push_back(value);
  return values;
}

// Without fading a curve falls within 2 dB.
TEST(CrossValidation, DeliveryOverDistanceWithoutFadingTable) {
  compare_distances(air(ErrorRateModel::kTable, FadingModel::kNone), from_to(1.9, 25, 0.5));
}
TEST(CrossValidation, DeliveryOverDistanceWithoutFadingNist) {
  compare_distances(air(ErrorRateModel::kNist, FadingModel::kNone), from_to(1.9, 25, 0.5));
}
TEST(CrossValidation, DeliveryOverDistanceWithoutFadingYans) {
  compare_distances(air(ErrorRateModel::kYans, FadingModel::kNone), from_to(1.9, 25, 0.5));
}
// m is 1.5 up to 80 m and 0.75 beyond, 9 dB here.
TEST(CrossValidation, DeliveryOverDistanceWithNakagamiFading) {
  compare_distances(air(ErrorRateModel::kTable, FadingModel::kNakagami), from_to(-6, 36, 3));
}
TEST(CrossValidation, DeliveryOverDistanceWithRayleighFading) {
  compare_distances(air(ErrorRateModel::kNist, FadingModel::kRayleigh), from_to(-6, 36, 3));
}

struct Overlap {
  double first_snr_db;
  double second_snr_db;
  Duration later;  ///< the second frame begins
};

/// How many frames of two senders, which overlap, the receiver between them gets of each.
template <class Medium>
std::array<std::uint64_t, 2> received_of_two(const AirOptions& options, const Overlap& overlap,
                                             std::uint8_t mcs) {
  AirWorldOf<Medium> world(options, 11);
  world.add({0, 0, 1}, plain_card());
  world.add({distance_of_snr(overlap.first_snr_db), 0, 1}, plain_card());
  world.add({-distance_of_snr(overlap.second_snr_db), 0, 1}, plain_card());
  const Buffer first(500, std::byte{1}), second(500, std::byte{2});
  std::array<std::uint64_t, 2> received{};
  for (std::uint64_t i = 0; i < kFrames; ++i) {
    const Time start = world.now();
    world.send(NodeId{1}, first, {.mcs = mcs});
    world.run_until(start + overlap.later);
    world.send(NodeId{2}, second, {.mcs = mcs});
    world.run_until(start + std::chrono::milliseconds(2));
    for (const auto& heard : world.heard()) {
      if (heard.node == NodeId{0}) ++received[heard.bytes.front() == first.front() ? 0 : 1];
    }
    world.heard().clear();
  }
  return received;
}

void compare_overlaps(FadingModel fading) {
  Comparison comparison;
  for (const std::uint8_t mcs : std::array<std::uint8_t, 3>{0, 3, 5}) {
    for (const double first_db : {12.0, 20.0, 30.0}) {
      for (const double less_db : {-20.0, -8.0, -1.0, 3.0, 5.0, 10.0, 15.0, 20.0}) {
        for (const int later_us : {0, 2, 10, 24, 100}) {
          const Overlap overlap{first_db, first_db - less_db, std::chrono::microseconds(later_us)};
          const auto options = air(ErrorRateModel::kNist, fading);
          const auto table = received_of_two<TableMedium>(options, overlap, mcs);
          const auto ns3 = received_of_two<Ns3Medium>(options, overlap, mcs);
          for (std::size_t i = 0; i < 2; ++i) {
            comparison.add("MCS " + std::to_string(mcs) + ", " + std::to_string(first_db) +
                               " dB, the other one " + std::to_string(less_db) +
                               " dB weaker and " + std::to_string(later_us) +
                               " us later, frame " + std::to_string(i + 1),
                           table[i], ns3[i], kFrames);
          }
        }
      }
    }
  }
  comparison.report();
}

TEST(CrossValidation, TwoOverlappingFramesWithoutFading) { compare_overlaps(FadingModel::kNone); }
TEST(CrossValidation, TwoOverlappingFramesWithFading) {
  compare_overlaps(FadingModel::kNakagami);
}

}  // namespace
}  // namespace twinbed::testing
