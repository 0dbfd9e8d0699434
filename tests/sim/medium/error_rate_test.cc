// The calls of ns-3's error-rate models: the bits, modes and fields that its receiver uses.
#include "sim/medium/error_rate.h"

#include <gmock/gmock.h>
#include <ns3/nist-error-rate-model.h>
#include <ns3/ofdm-phy.h>
#include <ns3/wifi-phy.h>

#include "core/base/portable_math.h"
#include "tests/sim/medium/ns3_wifi.h"

namespace twinbed::testing {
namespace {

using sim::ErrorRate;
using sim::ErrorRateModel;

constexpr double kLn10 = 2.302585092994046;

// L-SIG is one symbol of 24 bits at 6 Mbit/s; HT-SIG and VHT-SIG-A are two.
TEST(ErrorRate, HeadersAre24And48BitsAtTheLowestRateWhateverTheData) {
  const auto nist = ns3::CreateObject<ns3::NistErrorRateModel>();
  const ns3::WifiMode lowest = ns3::OfdmPhy::GetOfdmRate6Mbps();
  for (const TxParams& rate :
       {TxParams{.mcs = 7}, TxParams{.mcs = 15, .bandwidth = Bandwidth::k40Mhz},
        TxParams{.modulation = Modulation::kVht, .mcs = 5, .bandwidth = Bandwidth::k80Mhz}}) {
    const ErrorRate ours(ErrorRateModel::kNist, rate);
    for (const double snr_db : {2.5, 3.0, 3.5, 4.0}) {
      const double snr = portable_exp(snr_db * kLn10 / 10);
      const double expected =
          nist->GetChunkSuccessRate(lowest, ns3_tx_vector(rate), snr, 24) *
          nist->GetChunkSuccessRate(lowest, ns3_tx_vector(rate), snr, 48);
      EXPECT_GT(expected, 0.0);
      EXPECT_NEAR(ours.header_success(snr_db), expected, 1e-12) << describe(rate);
    }
  }
}

TEST(ErrorRate, DataAreWhatNs3SaysOfTheSameBits) {
  const auto nist = ns3::CreateObject<ns3::NistErrorRateModel>();
  for (const TxParams& rate : all_rates(2, Bandwidth::k80Mhz)) {
    const ErrorRate ours(ErrorRateModel::kNist, rate);
    const ns3::WifiTxVector vector = ns3_tx_vector(rate);
    for (double snr_db = 1.0; snr_db < 32.0; snr_db += 0.7) {
      EXPECT_NEAR(ours.data_success(8000, snr_db),
                  nist->GetChunkSuccessRate(vector.GetMode(), vector,
                                            portable_exp(snr_db * kLn10 / 10), 8000),
                  1e-12)
          << describe(rate);
    }
  }
}

// ns-3's receiver multiplies the rate by the duration and divides by the streams.
TEST(ErrorRate, TheBitsOfAFrameAreThoseOfNs3sReceiver) {
  for (const TxParams& rate : all_rates(2, Bandwidth::k80Mhz)) {
    const ns3::WifiTxVector vector = ns3_tx_vector(rate);
    for (const std::uint32_t bytes : {1U, 100U, 1400U, 3900U}) {
      const ns3::Time duration =
          ns3::WifiPhy::GetPayloadDuration(bytes, vector, ns3::WIFI_PHY_BAND_5GHZ);
      const double bits = static_cast<double>(vector.GetMode().GetDataRate(vector)) *
                          duration.GetSeconds() / sim::spatial_streams(rate);
      EXPECT_NEAR(static_cast<double>(sim::data_bits_per_stream(rate, bytes)), bits, 1.0)
          << describe(rate) << ", " << bytes << " bytes";
    }
  }
}

}  // namespace
}  // namespace twinbed::testing
