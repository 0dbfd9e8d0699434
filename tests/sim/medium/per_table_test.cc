// The table of error rates beside direct calls of ns-3.
#include "sim/medium/per_table.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "tests/sim/medium/ns3_wifi.h"
#include "tests/support/counting_new.h"

namespace twinbed::testing {
namespace {

using sim::ErrorRate;
using sim::ErrorRateModel;
using sim::PerTable;

constexpr double kAllowed = 0.005;

double fraction(std::uint64_t probability) {
  return static_cast<double>(probability) / static_cast<double>(sim::kCertain);
}

struct Largest {
  double data = 0;
  double header = 0;
};

/// Steps of 0.1 dB from -5 to 45 dB, none of which is a sample or a thousandth of a decibel.
Largest largest_error(ErrorRateModel model, const TxParams& rate) {
  const ErrorRate direct(model, rate);
  const PerTable table(model, rate);
  Largest largest;
  for (int step = 0; step < 500; ++step) {
    const double snr_db = -5.0 + 0.1 * step + 0.0033;
    const auto snr_mdb = static_cast<int>(std::lround(snr_db * 1000));
    for (const std::size_t bytes : {100, 400, 1400, 3900}) {
      const auto bits = static_cast<std::uint64_t>(sim::data_bits_per_stream(rate, bytes));
      const double error =
          fraction(table.data_success(bits, snr_mdb)) - direct.data_success(bits, snr_db);
      largest.data = std::max(largest.data, std::abs(error));
    }
    const double error = fraction(table.header_success(snr_mdb)) - direct.header_success(snr_db);
    largest.header = std::max(largest.header, std::abs(error));
  }
  return largest;
}

class PerTableOf : public ::testing::TestWithParam<ErrorRateModel> {};

TEST_P(PerTableOf, IsWithinItsBoundOfDirectCallsForEveryRate) {
  Largest largest;
  TxParams worst;
  for (TxParams rate : all_rates(2, Bandwidth::k80Mhz)) {
    for (const bool short_guard_interval : {false, true}) {
      for (const bool ldpc : {false, true}) {
        rate.short_guard_interval = short_guard_interval;
        rate.ldpc = ldpc;
        const Largest found = largest_error(GetParam(), rate);
        ASSERT_LE(found.data, kAllowed) << describe(rate);
        ASSERT_LE(found.header, kAllowed) << describe(rate);
        if (found.data > largest.data) worst = rate;
        largest.data = std::max(largest.data, found.data);
        largest.header = std::max(largest.header, found.header);
      }
    }
  }
  EXPECT_GT(largest.data, 0);
  std::cout << "largest error: data " << largest.data << " (" << describe(worst) << "), header "
            << largest.header << "\n";
}

TEST_P(PerTableOf, HoldsForEveryLength) {
  for (const TxParams& rate : {TxParams{.mcs = 1}, TxParams{.mcs = 7}}) {
    const ErrorRate direct(GetParam(), rate);
    const PerTable table(GetParam(), rate);
    for (std::size_t bytes = 1; bytes <= 4095; bytes += 3) {
      const auto bits = static_cast<std::uint64_t>(sim::data_bits_per_stream(rate, bytes));
      for (int snr_mdb = 0; snr_mdb < 27'000; snr_mdb += 517) {
        ASSERT_NEAR(fraction(table.data_success(bits, snr_mdb)),
                    direct.data_success(bits, snr_mdb / 1000.0), kAllowed)
            << bytes << " bytes at " << snr_mdb << " mdB";
      }
    }
  }
}

TEST_P(PerTableOf, IsSureOfItselfFarOut) {
  const PerTable table(GetParam(), {.mcs = 4});
  for (const int snr_mdb : {-2'000'000'000, -100'000, -20'000}) {
    EXPECT_LT(fraction(table.data_success(104, snr_mdb)), 1e-9) << snr_mdb;
    EXPECT_LT(fraction(table.header_success(snr_mdb)), 1e-6) << snr_mdb;
  }
  for (const int snr_mdb : {50'000, 100'000, 2'000'000'000}) {
    EXPECT_EQ(table.data_success(32'000, snr_mdb), sim::kCertain) << snr_mdb;
    EXPECT_EQ(table.header_success(snr_mdb), sim::kCertain) << snr_mdb;
  }
}

TEST_P(PerTableOf, IsCertainFromTheRatioItNamesAndNotBelow) {
  for (const TxParams& rate : {TxParams{.mcs = 1}, TxParams{.mcs = 7}}) {
    const PerTable table(GetParam(), rate);
    for (const std::uint64_t bits : {std::uint64_t{200}, std::uint64_t{1} << 30}) {
      const int certain_mdb = table.certain_from_mdb(bits);
      for (int snr_mdb = certain_mdb; snr_mdb < certain_mdb + 5000; ++snr_mdb) {
        ASSERT_EQ(table.data_success(bits, snr_mdb), sim::kCertain) << snr_mdb;
        ASSERT_EQ(table.header_success(snr_mdb), sim::kCertain) << snr_mdb;
      }
    }
    constexpr std::uint64_t kLongest = std::uint64_t{1} << 30;
    const int below_mdb = table.certain_from_mdb(kLongest) - 10;
    EXPECT_LT(std::min(table.data_success(kLongest, below_mdb), table.header_success(below_mdb)),
              sim::kCertain);
  }
}

std::string model_name(const ::testing::TestParamInfo<ErrorRateModel>& model) {
  constexpr std::array<const char*, 3> kNames = {"Nist", "Yans", "Table"};
  return kNames[static_cast<std::size_t>(model.param)];
}
INSTANTIATE_TEST_SUITE_P(Models, PerTableOf,
                         ::testing::Values(ErrorRateModel::kNist, ErrorRateModel::kYans,
                                           ErrorRateModel::kTable),
                         model_name);

TEST(PerTables, MakeEachTableOnceAndAllocateNothingAfterwards) {
  sim::PerTables tables(ErrorRateModel::kNist);
  const PerTable& first = tables.of({.mcs = 1});
  EXPECT_NE(&first, &tables.of({.mcs = 2}));
  EXPECT_NE(&first, &tables.of({.mcs = 1, .short_guard_interval = true}));
  EXPECT_NE(&first, &tables.of({.modulation = Modulation::kVht, .mcs = 1}));
  const std::uint64_t before = allocations();
  EXPECT_EQ(&first, &tables.of({.mcs = 1}));
  std::uint64_t sum = 0;
  for (int snr_mdb = 0; snr_mdb < 20'000; ++snr_mdb) {
    sum += first.data_success(8000, snr_mdb) + first.header_success(snr_mdb);
  }
  EXPECT_GT(sum, 0U);
  if (kCountsAllocations) {
    EXPECT_EQ(allocations(), before);
  }
}

// Why a scenario has to choose: half the frames are lost at ratios decibels apart.
TEST(PerTables, TheModelsDifferByDecibels) {
  const TxParams rate{.mcs = 3};
  const auto bits = static_cast<std::uint64_t>(sim::data_bits_per_stream(rate, 1400));
  const auto half_lost_mdb = [&](ErrorRateModel model) {
    const PerTable table(model, rate);
    int snr_mdb = 0;
    while (table.data_success(bits, snr_mdb) < sim::kCertain / 2) ++snr_mdb;
    return snr_mdb;
  };
  const int nist = half_lost_mdb(ErrorRateModel::kNist);
  const int yans = half_lost_mdb(ErrorRateModel::kYans);
  const int table = half_lost_mdb(ErrorRateModel::kTable);
  EXPECT_GT(nist - table, 2000);
  EXPECT_GT(nist - yans, 2000);
}

}  // namespace
}  // namespace twinbed::testing
