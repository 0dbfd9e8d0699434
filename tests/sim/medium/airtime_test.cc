// Airtime by the standard's formulas, beside ns-3's and beside examples worked by hand.
#include "sim/medium/airtime.h"

#include <gmock/gmock.h>
#include <ns3/wifi-phy.h>

#include "tests/sim/medium/ns3_wifi.h"

namespace twinbed::testing {
namespace {

using sim::frame_airtime;
using std::chrono::microseconds;

constexpr ChannelMhz kChannel36{5180};
constexpr ChannelMhz kChannel6{2437};

std::int64_t ns3_airtime_ns(const TxParams& rate, std::size_t bytes, ns3::WifiPhyBand band) {
  return ns3::WifiPhy::CalculateTxDuration(static_cast<std::uint32_t>(bytes), ns3_tx_vector(rate),
                                           band)
      .GetNanoSeconds();
}

/// ns-3 leaves out VHT-SIG-B, which every VHT frame has by the standard.
std::int64_t signal_b_ns(const TxParams& rate) {
  return rate.modulation == Modulation::kVht ? 4000 : 0;
}

TEST(Airtime, EqualsNs3ForEveryRateAndLengthButForSignalB) {
  int compared = 0;
  for (const TxParams& rate : all_rates(4, Bandwidth::k160Mhz)) {
    for (std::size_t bytes = 1; bytes <= 4095; ++bytes) {
      ASSERT_EQ(to_ns(frame_airtime(rate, bytes, kChannel36)),
                ns3_airtime_ns(rate, bytes, ns3::WIFI_PHY_BAND_5GHZ) + signal_b_ns(rate))
          << describe(rate) << ", " << bytes << " bytes";
      ++compared;
    }
  }
  EXPECT_GT(compared, 4095 * 150);
}

// ns-3 ends such a frame with its last short symbol.
TEST(Airtime, AShortGuardIntervalIsNs3sRoundedUpToALongSymbol) {
  for (TxParams rate : all_rates(4, Bandwidth::k160Mhz)) {
    rate.short_guard_interval = true;
    for (std::size_t bytes = 1; bytes <= 4095; bytes += 7) {
      const std::int64_t theirs =
          ns3_airtime_ns(rate, bytes, ns3::WIFI_PHY_BAND_5GHZ) + signal_b_ns(rate);
      ASSERT_EQ(to_ns(frame_airtime(rate, bytes, kChannel36)), (theirs + 3999) / 4000 * 4000)
          << describe(rate) << ", " << bytes << " bytes";
    }
  }
}

TEST(Airtime, HasTheSignalExtensionBelow3GHz) {
  const TxParams rate{.mcs = 3};
  EXPECT_EQ(frame_airtime(rate, 1000, kChannel6),
            frame_airtime(rate, 1000, kChannel36) + microseconds(6));
  EXPECT_EQ(to_ns(frame_airtime(rate, 1000, kChannel6)),
            ns3_airtime_ns(rate, 1000, ns3::WIFI_PHY_BAND_2_4GHZ));
}

// Symbols come in pairs, and there is one training field for each space-time stream.
TEST(Airtime, StbcOfHtMcs0IsAsWorkedByHand) {
  // 8 x 100 + 16 + 6 = 822 bits, 26 a symbol: 31.6, in pairs 32; without STBC also 32.
  EXPECT_EQ(sim::data_symbols({.mcs = 0, .stbc_streams = 1}, 100), 32);
  // 8 x 103 + 22 = 846 bits: 32.5, so 33 symbols, in pairs 34.
  EXPECT_EQ(sim::data_symbols({.mcs = 0}, 103), 33);
  EXPECT_EQ(sim::data_symbols({.mcs = 0, .stbc_streams = 1}, 103), 34);
  EXPECT_EQ(sim::preamble_duration({.mcs = 0}), microseconds(36));
  EXPECT_EQ(sim::preamble_duration({.mcs = 0, .stbc_streams = 1}), microseconds(40));
  EXPECT_EQ(sim::preamble_duration({.modulation = Modulation::kVht, .mcs = 0, .spatial_streams = 2,
                                    .stbc_streams = 1}),
            microseconds(52));
}

TEST(Airtime, LdpcIsAsWorkedByHand) {
  // MCS 0, 100 bytes: 816 payload bits, 52 coded bits a symbol at rate 1/2: 32 symbols, 1664 bits.
  // One word of 1944 bits with 156 shortened: 1944 - 1664 - 156 = 124 punctured, more than a tenth
  // of its 972 parity bits, and 156 < 1.2 x 124 x 1 is false: no further symbol.
  EXPECT_EQ(sim::data_symbols({.mcs = 0, .ldpc = true}, 100), 32);
  // MCS 0, 117 bytes: 952 payload bits, 37 symbols, 1924 bits: 20 shortened, none punctured.
  EXPECT_EQ(sim::data_symbols({.mcs = 0, .ldpc = true}, 117), 37);
  // MCS 7, 29 bytes: 248 payload bits, one symbol of 312 coded bits at rate 5/6. One word of 648
  // bits with 292 shortened: 44 punctured, more than three tenths of its 108 parity bits: one
  // symbol more, where the convolutional code needs none.
  EXPECT_EQ(sim::data_symbols({.mcs = 7, .ldpc = true}, 29), 2);
  EXPECT_EQ(sim::data_symbols({.mcs = 7}, 29), 1);
  // MCS 7, 18 bytes: 160 payload bits leave room for a word of 1296 bits, with 920 shortened: 64
  // punctured of 216 parity bits, less than three tenths.
  EXPECT_EQ(sim::data_symbols({.mcs = 7, .ldpc = true}, 18), 1);
}

// LDPC saves the tail bits and may need one further symbol, or pair of symbols.
TEST(Airtime, LdpcIsWithinOneStepOfTheConvolutionalCode) {
  int longer = 0;
  for (TxParams rate : all_rates(2, Bandwidth::k80Mhz)) {
    for (const int stbc : {0, 1}) {
      rate.stbc_streams = static_cast<std::uint8_t>(stbc);
      for (std::size_t bytes = 1; bytes <= 4095; bytes += 3) {
        rate.ldpc = false;
        const std::int64_t convolutional = sim::data_symbols(rate, bytes);
        rate.ldpc = true;
        const std::int64_t ldpc = sim::data_symbols(rate, bytes);
        ASSERT_LE(std::abs(ldpc - convolutional), 1 + stbc) << describe(rate) << " " << bytes;
        longer += ldpc > convolutional ? 1 : 0;
      }
    }
  }
  EXPECT_GT(longer, 0);
}

TEST(Airtime, RatesThatDoNotExistAreRefused) {
  using sim::mistake_in_rate;
  EXPECT_EQ(mistake_in_rate({.mcs = 32}), "HT has MCS 0 to 31");
  EXPECT_EQ(mistake_in_rate({.mcs = 1, .bandwidth = Bandwidth::k80Mhz}),
            "HT is at most 40 MHz wide; use VHT");
  EXPECT_NE(mistake_in_rate({.mcs = 31, .stbc_streams = 1}), "");
  EXPECT_EQ(mistake_in_rate({.mcs = 8, .stbc_streams = 2}), "");
  const auto vht = [](int mcs, int streams, Bandwidth bandwidth) {
    return mistake_in_rate({.modulation = Modulation::kVht,
                            .mcs = static_cast<std::uint8_t>(mcs),
                            .spatial_streams = static_cast<std::uint8_t>(streams),
                            .bandwidth = bandwidth});
  };
  EXPECT_NE(vht(10, 1, Bandwidth::k20Mhz), "");
  EXPECT_NE(vht(1, 0, Bandwidth::k20Mhz), "");
  EXPECT_NE(vht(1, 5, Bandwidth::k20Mhz), "");
  EXPECT_NE(vht(9, 3, Bandwidth::k160Mhz), "");
  for (int width = 0; width < 4; ++width) {
    for (int streams = 1; streams <= 4; ++streams) {
      for (int mcs = 0; mcs < 10; ++mcs) {
        // By ns-3 this one exists, with encoders of unequal shares.
        if (mcs == 9 && streams == 3 && width == 3) continue;
        const ns3::WifiMode mode = ns3::VhtPhy::GetVhtMcs(static_cast<std::uint8_t>(mcs));
        EXPECT_EQ(vht(mcs, streams, static_cast<Bandwidth>(width)).empty(),
                  mode.IsAllowed(static_cast<std::uint16_t>(20 << width),
                                 static_cast<std::uint8_t>(streams)))
            << mcs << " " << streams << " " << width;
      }
    }
  }
}

}  // namespace
}  // namespace twinbed::testing
