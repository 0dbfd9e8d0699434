// What the tests of the medium lay beside its numbers: the same frames as ns-3 knows them.
#pragma once

#include <ns3/ht-phy.h>
#include <ns3/vht-phy.h>
#include <ns3/wifi-tx-vector.h>

#include <vector>

#include "sim/medium/airtime.h"

namespace twinbed::testing {

inline ns3::WifiTxVector ns3_tx_vector(const TxParams& params) {
  const bool is_ht = params.modulation == Modulation::kHt;
  const auto streams = static_cast<std::uint8_t>(sim::spatial_streams(params));
  return {is_ht ? ns3::HtPhy::GetHtMcs(params.mcs) : ns3::VhtPhy::GetVhtMcs(params.mcs),
          0,
          is_ht ? ns3::WIFI_PREAMBLE_HT_MF : ns3::WIFI_PREAMBLE_VHT_SU,
          static_cast<std::uint16_t>(params.short_guard_interval ? 400 : 800),
          streams,
          streams,
          0,
          static_cast<std::uint16_t>(sim::bandwidth_mhz(params.bandwidth)),
          false,
          params.stbc_streams > 0,
          params.ldpc};
}

/// Every MCS at every bandwidth, HT of up to this many streams and VHT likewise.
inline std::vector<TxParams> all_rates(int most_streams, Bandwidth widest) {
  std::vector<TxParams> rates;
  const auto add = [&](TxParams params) {
    if (sim::mistake_in_rate(params).empty()) rates.push_back(params);
  };
  for (int width = 0; width <= static_cast<int>(widest); ++width) {
    TxParams params;
    params.bandwidth = static_cast<Bandwidth>(width);
    for (int mcs = 0; mcs < 8 * most_streams; ++mcs) {
      params.mcs = static_cast<std::uint8_t>(mcs);
      add(params);
    }
    params.modulation = Modulation::kVht;
    for (int streams = 1; streams <= most_streams; ++streams) {
      params.spatial_streams = static_cast<std::uint8_t>(streams);
      for (int mcs = 0; mcs < 10; ++mcs) {
        params.mcs = static_cast<std::uint8_t>(mcs);
        add(params);
      }
    }
  }
  return rates;
}

inline std::string describe(const TxParams& params) {
  return std::string(params.modulation == Modulation::kHt ? "HT" : "VHT") + " MCS " +
         std::to_string(params.mcs) + ", " + std::to_string(sim::spatial_streams(params)) +
         " streams, " + std::to_string(sim::bandwidth_mhz(params.bandwidth)) + " MHz" +
         (params.short_guard_interval ? ", short guard interval" : "") +
         (params.ldpc ? ", LDPC" : "");
}

}  // namespace twinbed::testing
