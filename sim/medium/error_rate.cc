#include "sim/medium/error_rate.h"

#include <ns3/ht-phy.h>
#include <ns3/nist-error-rate-model.h>
#include <ns3/table-based-error-rate-model.h>
#include <ns3/vht-phy.h>
#include <ns3/wifi-tx-vector.h>
#include <ns3/yans-error-rate-model.h>

#include <vector>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/airtime.h"

namespace twinbed::sim {
namespace {

ns3::Ptr<ns3::ErrorRateModel> make_model(ErrorRateModel model) {
  switch (model) {
    case ErrorRateModel::kNist: return ns3::CreateObject<ns3::NistErrorRateModel>();
    case ErrorRateModel::kYans: return ns3::CreateObject<ns3::YansErrorRateModel>();
    case ErrorRateModel::kTable: return ns3::CreateObject<ns3::TableBasedErrorRateModel>();
  }
  TWINBED_CHECK(false, "an error-rate model that does not exist");
}

ns3::WifiTxVector make_vector(const TxParams& params) {
  TWINBED_CHECK(mistake_in_rate(params).empty(), "the error rate of a frame that cannot be sent");
  const bool is_ht = params.modulation == Modulation::kHt;
  const auto streams = static_cast<std::uint8_t>(spatial_streams(params));
  constexpr std::uint8_t kPowerLevel = 0, kExtensionStreams = 0;
  return {is_ht ? ns3::HtPhy::GetHtMcs(params.mcs) : ns3::VhtPhy::GetVhtMcs(params.mcs),
          kPowerLevel,
          is_ht ? ns3::WIFI_PREAMBLE_HT_MF : ns3::WIFI_PREAMBLE_VHT_SU,
          static_cast<std::uint16_t>(params.short_guard_interval ? 400 : 800),
          streams,
          streams,
          kExtensionStreams,
          static_cast<std::uint16_t>(bandwidth_mhz(params.bandwidth)),
          false,
          params.stbc_streams > 0,
          params.ldpc};
}

double ratio(double db) { return portable_exp(db * 0.23025850929940458); }  // ln 10 / 10

}  // namespace

/// One field of the header that bears bits.
struct HeaderSection {
  ns3::WifiPpduField field;
  ns3::WifiMode mode;
  std::uint64_t bits;
};

struct ErrorRate::Ns3 {
  ns3::Ptr<ns3::ErrorRateModel> model;
  ns3::WifiTxVector vector;
  ns3::WifiMode mode;
  std::vector<HeaderSection> header;

  double success(const HeaderSection& section, double snr) const {
    return model->GetChunkSuccessRate(section.mode, vector, snr, section.bits, 1, section.field);
  }
};

ErrorRate::ErrorRate(ErrorRateModel model, const TxParams& params)
    : ns3_(std::make_unique<Ns3>(
          Ns3{make_model(model), make_vector(params), ns3::WifiMode(), {}})) {
  ns3_->mode = ns3_->vector.GetMode();
  const bool is_ht = params.modulation == Modulation::kHt;
  const ns3::Ptr<ns3::PhyEntity> phy =
      is_ht ? ns3::Create<ns3::HtPhy>(static_cast<std::uint8_t>(4))
            : ns3::Ptr<ns3::HtPhy>(ns3::Create<ns3::VhtPhy>());
  for (const auto& [field, chunk] : phy->GetPhyHeaderSections(ns3_->vector, ns3::Time(0))) {
    const bool is_signal = field == ns3::WIFI_PPDU_FIELD_NON_HT_HEADER ||
                           field == ns3::WIFI_PPDU_FIELD_HT_SIG ||
                           field == ns3::WIFI_PPDU_FIELD_SIG_A;
    if (!is_signal) continue;
    const auto& [span, mode] = chunk;
    const std::uint64_t rate_bps = mode.GetDataRate(ns3_->vector.GetChannelWidth());
    const auto duration_ns =
        static_cast<std::uint64_t>((span.second - span.first).GetNanoSeconds());
    ns3_->header.push_back({field, mode, rate_bps * duration_ns / 1'000'000'000});
  }
}

ErrorRate::~ErrorRate() = default;

double ErrorRate::data_success(std::uint64_t bits, double snr_db) const {
  return ns3_->success({ns3::WIFI_PPDU_FIELD_DATA, ns3_->mode, bits}, ratio(snr_db));
}

double ErrorRate::header_success(double snr_db) const {
  const double snr = ratio(snr_db);
  double success = 1.0;
  for (const HeaderSection& section : ns3_->header) success *= ns3_->success(section, snr);
  return success;
}

}  // namespace twinbed::sim
