#include "sim/ns3/ns3_air.h"

#include <ns3/double.h>
#include <ns3/ht-phy.h>
#include <ns3/interference-helper.h>
#include <ns3/mobility-model.h>
#include <ns3/nist-error-rate-model.h>
#include <ns3/packet.h>
#include <ns3/propagation-delay-model.h>
#include <ns3/propagation-loss-model.h>
#include <ns3/simulator.h>
#include <ns3/table-based-error-rate-model.h>
#include <ns3/threshold-preamble-detection-model.h>
#include <ns3/vht-phy.h>
#include <ns3/wifi-mpdu.h>
#include <ns3/wifi-phy-listener.h>
#include <ns3/wifi-psdu.h>
#include <ns3/yans-error-rate-model.h>
#include <ns3/yans-wifi-channel.h>
#include <ns3/yans-wifi-phy.h>

#include <algorithm>
#include <array>
#include <map>
#include <vector>

#include "core/base/check.h"
#include "sim/medium/airtime.h"
#include "sim/medium/propagation.h"
#include "sim/ns3/ns3_limits.h"

namespace twinbed::sim {
namespace {

struct Place {
  SteppedMobility mobility;
  double fade_db = 0;
};

/// Where a card is, as ns-3's models ask for it.
class CardPosition final : public ns3::MobilityModel {
 public:
  CardPosition(const World& world, Place& place) : world_(world), place_(place) {}

  Position position() const { return place_.mobility.at(world_.now); }
  const Place& place() const { return place_; }

 private:
  ns3::Vector DoGetPosition() const override {
    const Position here = position();
    return {here.x, here.y, here.z};
  }
  void DoSetPosition(const ns3::Vector&) override {
    TWINBED_CHECK(false, "ns-3 moves a radio, which the scenario alone does");
  }
  /// Nothing of the physical layer depends on it.
  ns3::Vector DoGetVelocity() const override { return {0, 0, 0}; }

  const World& world_;
  Place& place_;
};

/// ns-3's path loss between two places, and what else is lost there for certain.
class MeanLoss final : public ns3::PropagationLossModel {
 public:
  MeanLoss(const AirOptions& options, ChannelMhz channel)
      : path_loss_(options.path_loss, channel), isolation_db_(options.isolation_db) {}

 private:
  double DoCalcRxPower(double tx_power_dbm, ns3::Ptr<ns3::MobilityModel> from,
                       ns3::Ptr<ns3::MobilityModel> to) const override {
    const auto& here = static_cast<const CardPosition&>(*from);
    const auto& there = static_cast<const CardPosition&>(*to);
    if (&here.place() == &there.place()) return tx_power_dbm - isolation_db_;
    const double path_db = path_loss_.loss_mdb(here.position(), there.position()) / 1000.0;
    return tx_power_dbm - path_db - here.place().fade_db - there.place().fade_db;
  }
  std::int64_t DoAssignStreams(std::int64_t) override { return 0; }

  PathLoss path_loss_;
  double isolation_db_;
};

/// The first bytes of a frame. ns-3's physical layer sends no bytes without a header of its own,
/// which is that of an ACK here, the shortest one: it stands for these bytes on the air.
class FrameHead final : public ns3::Tag {
 public:
  static constexpr std::size_t kBytes = 10;

  FrameHead() = default;
  explicit FrameHead(Bytes frame) : size_(std::min(frame.size(), kBytes)) {
    std::ranges::copy(frame.first(size_), head_.begin());
  }
  Bytes bytes() const { return Bytes(head_).first(size_); }

  static ns3::TypeId GetTypeId() {
    static const ns3::TypeId id = ns3::TypeId("twinbed::sim::FrameHead")
                                      .SetParent<ns3::Tag>()
                                      .AddConstructor<FrameHead>();
    return id;
  }
  ns3::TypeId GetInstanceTypeId() const override { return GetTypeId(); }
  std::uint32_t GetSerializedSize() const override { return 1 + kBytes; }
  void Serialize(ns3::TagBuffer out) const override {
    out.WriteU8(static_cast<std::uint8_t>(size_));
    for (const std::byte byte : head_) out.WriteU8(static_cast<std::uint8_t>(byte));
  }
  void Deserialize(ns3::TagBuffer in) override {
    size_ = std::min<std::size_t>(in.ReadU8(), kBytes);
    for (std::byte& byte : head_) byte = std::byte{in.ReadU8()};
  }
  void Print(std::ostream&) const override {}

 private:
  std::array<std::byte, kBytes> head_{};
  std::size_t size_ = 0;
};

/// In VHT every frame is an A-MPDU, if of one MPDU.
bool is_aggregated(const TxParams& params) { return params.modulation == Modulation::kVht; }

ns3::Ptr<ns3::WifiPsdu> psdu_of(Bytes frame, const TxParams& params) {
  const Bytes body = frame.size() > FrameHead::kBytes ? frame.subspan(FrameHead::kBytes) : Bytes();
  const auto packet = ns3::Create<ns3::Packet>(reinterpret_cast<const std::uint8_t*>(body.data()),
                                               static_cast<std::uint32_t>(body.size()));
  packet->AddPacketTag(FrameHead(frame));
  ns3::WifiMacHeader header(ns3::WIFI_MAC_CTL_ACK);
  header.SetAddr1(ns3::Mac48Address::GetBroadcast());
  if (!is_aggregated(params)) return ns3::Create<ns3::WifiPsdu>(packet, header);
  return ns3::Create<ns3::WifiPsdu>(ns3::Create<ns3::WifiMpdu>(packet, header),
                                    /*isSingle=*/true);
}

void read_frame(const ns3::Ptr<const ns3::WifiPsdu>& psdu, Buffer& frame) {
  const ns3::Ptr<const ns3::Packet> packet = psdu->GetPayload(0);
  FrameHead head;
  TWINBED_CHECK(packet->PeekPacketTag(head), "a frame has lost its first bytes within ns-3");
  frame.assign(head.bytes().begin(), head.bytes().end());
  frame.resize(head.bytes().size() + packet->GetSize());
  packet->CopyData(reinterpret_cast<std::uint8_t*>(frame.data() + head.bytes().size()),
                   packet->GetSize());
}

ns3::WifiTxVector vector_of(const TxParams& params) {
  constexpr std::uint8_t kPowerLevel = 0, kStreams = 1, kExtensionStreams = 0;
  constexpr std::uint16_t kShortGuardNs = 400, kLongGuardNs = 800;
  const bool is_ht = params.modulation == Modulation::kHt;
  return {is_ht ? ns3::HtPhy::GetHtMcs(params.mcs) : ns3::VhtPhy::GetVhtMcs(params.mcs),
          kPowerLevel,
          is_ht ? ns3::WIFI_PREAMBLE_HT_MF : ns3::WIFI_PREAMBLE_VHT_SU,
          params.short_guard_interval ? kShortGuardNs : kLongGuardNs,
          kStreams,
          kStreams,
          kExtensionStreams,
          static_cast<std::uint16_t>(bandwidth_mhz(params.bandwidth)),
          is_aggregated(params),
          /*stbc=*/false,
          /*ldpc=*/false};
}

Bandwidth bandwidth_of(std::uint16_t mhz) {
  auto bandwidth = Bandwidth::k20Mhz;
  while (bandwidth_mhz(bandwidth) < mhz) {
    bandwidth = static_cast<Bandwidth>(static_cast<int>(bandwidth) + 1);
  }
  return bandwidth;
}

TxParams params_of(const ns3::WifiTxVector& vector) {
  TxParams params;
  const bool is_ht = vector.GetModulationClass() == ns3::WIFI_MOD_CLASS_HT;
  params.modulation = is_ht ? Modulation::kHt : Modulation::kVht;
  params.mcs = vector.GetMode().GetMcsValue();
  params.bandwidth = bandwidth_of(vector.GetChannelWidth());
  params.short_guard_interval = vector.GetGuardInterval() == 400;
  return params;
}

/// As ns-3 has it: without VHT-SIG-B, and short guard intervals not rounded up.
Duration airtime_of(const ns3::Ptr<const ns3::WifiPsdu>& psdu, const ns3::WifiTxVector& vector,
                    const ns3::WifiPhy& phy) {
  return Duration{
      ns3::WifiPhy::CalculateTxDuration(psdu, vector, phy.GetPhyBand()).GetNanoSeconds()};
}

ns3::WifiPhyBand band_of(ChannelMhz channel) {
  return static_cast<int>(channel) < 3000 ? ns3::WIFI_PHY_BAND_2_4GHZ : ns3::WIFI_PHY_BAND_5GHZ;
}

ns3::Ptr<ns3::ErrorRateModel> error_rate_of(ErrorRateModel model) {
  switch (model) {
    case ErrorRateModel::kNist: return ns3::CreateObject<ns3::NistErrorRateModel>();
    case ErrorRateModel::kYans: return ns3::CreateObject<ns3::YansErrorRateModel>();
    case ErrorRateModel::kTable: return ns3::CreateObject<ns3::TableBasedErrorRateModel>();
  }
  TWINBED_CHECK(false, "an error-rate model that does not exist");
}

ns3::Ptr<ns3::PropagationLossModel> fading_of(const FadingOptions& options) {
  const auto fading = ns3::CreateObject<ns3::NakagamiPropagationLossModel>();
  const bool is_rayleigh = options.model == FadingModel::kRayleigh;
  fading->SetAttribute("m0", ns3::DoubleValue(is_rayleigh ? 1 : options.m0));
  fading->SetAttribute("m1", ns3::DoubleValue(is_rayleigh ? 1 : options.m1));
  fading->SetAttribute("m2", ns3::DoubleValue(is_rayleigh ? 1 : options.m2));
  fading->SetAttribute("Distance1", ns3::DoubleValue(options.distance1_m));
  fading->SetAttribute("Distance2", ns3::DoubleValue(options.distance2_m));
  return fading;
}

/// One card on one channel: what its physical layer tells goes to the observer.
class CardPhy final : public ns3::WifiPhyListener {
 public:
  CardPhy(std::uint32_t card, Ns3CardObserver& observer) : card_(card), observer_(observer) {}
  ~CardPhy() {
    phy_->UnregisterListener(this);
    phy_->Dispose();  // without a node nobody else does
  }
  CardPhy(const CardPhy&) = delete;
  CardPhy& operator=(const CardPhy&) = delete;

  void install(const ns3::Ptr<ns3::YansWifiPhy>& phy) {
    phy_ = phy;
    phy_->RegisterListener(this);
    phy_->SetReceiveOkCallback(ns3::MakeCallback(&CardPhy::on_frame, this));
    phy_->SetReceiveErrorCallback(ns3::MakeCallback(&CardPhy::on_error, this));
    phy_->TraceConnectWithoutContext("PhyRxDrop", ns3::MakeCallback(&CardPhy::on_drop, this));
  }
  ns3::YansWifiPhy& phy() { return *phy_; }

  void set_on(bool is_on) {
    if (is_on == !phy_->IsStateOff()) return;
    if (is_on) {
      phy_->ResumeFromOff();
    } else {
      phy_->SetOffMode();
    }
  }

 private:
  void on_frame(ns3::Ptr<const ns3::WifiPsdu> psdu, ns3::RxSignalInfo signal,
                ns3::WifiTxVector vector, std::vector<bool>) {
    read_frame(psdu, frame_);
    observer_.on_received(card_, frame_, params_of(vector), airtime_of(psdu, vector, *phy_),
                          signal.rssi);
  }
  void on_error(ns3::Ptr<const ns3::WifiPsdu>) { observer_.on_corrupted(card_); }
  void on_drop(ns3::Ptr<const ns3::Packet>, ns3::WifiPhyRxfailureReason reason) {
    switch (reason) {
      case ns3::L_SIG_FAILURE:
      case ns3::HT_SIG_FAILURE:
      case ns3::SIG_A_FAILURE:
        observer_.on_corrupted(card_);
        break;
      case ns3::RXING:
      case ns3::TXING:
      case ns3::BUSY_DECODING_PREAMBLE:
      case ns3::PREAMBLE_DETECTION_PACKET_SWITCH:
      case ns3::RECEPTION_ABORTED_BY_TX:
        observer_.on_missed(card_);
        break;
      default: break;  // not noticed
    }
  }
  void is_busy(const ns3::Time& duration) {
    observer_.on_busy(card_, Duration{duration.GetNanoSeconds()});
  }

  void NotifyRxStart(ns3::Time duration) override { is_busy(duration); }
  void NotifyCcaBusyStart(ns3::Time duration, ns3::WifiChannelListType which,
                          const std::vector<ns3::Time>&) override {
    if (which == ns3::WIFI_CHANLIST_PRIMARY) is_busy(duration);
  }
  void NotifyRxEndOk() override {}
  void NotifyRxEndError() override {}
  void NotifyTxStart(ns3::Time, double) override {}
  void NotifySwitchingStart(ns3::Time) override {}
  void NotifySleep() override {}
  void NotifyOff() override {}
  void NotifyWakeup() override {}
  void NotifyOn() override {}

  std::uint32_t card_;
  Ns3CardObserver& observer_;
  ns3::Ptr<ns3::YansWifiPhy> phy_;
  Buffer frame_;
};

struct Card {
  Place* place = nullptr;
  CardOptions options;
  ChannelMhz channel{};
  bool is_on = true;
  std::map<ChannelMhz, std::unique_ptr<CardPhy>> phys;  ///< all off but that of the channel
};

}  // namespace

struct Ns3Air::Ns3 {
  World& world;
  AirOptions options;
  Ns3CardObserver& observer;
  std::int64_t next_stream = 0;
  std::vector<std::unique_ptr<Place>> places;
  std::map<ChannelMhz, ns3::Ptr<ns3::YansWifiChannel>> channels;
  std::vector<Card> cards;

  Ns3(World& of, const AirOptions& air, Ns3CardObserver& told)
      : world(of), options(air), observer(told) {}
  ~Ns3() {
    cards.clear();
    for (const auto& [frequency, channel] : channels) channel->Dispose();
  }

  ns3::Ptr<ns3::YansWifiChannel> channel_at(ChannelMhz frequency) {
    ns3::Ptr<ns3::YansWifiChannel>& channel = channels[frequency];
    if (channel) return channel;
    const auto loss = ns3::CreateObject<MeanLoss>(options, frequency);
    if (options.fading.model != FadingModel::kNone) loss->SetNext(fading_of(options.fading));
    channel = ns3::CreateObject<ns3::YansWifiChannel>();
    channel->SetPropagationLossModel(loss);
    channel->SetPropagationDelayModel(
        ns3::CreateObject<ns3::ConstantSpeedPropagationDelayModel>());
    next_stream += channel->AssignStreams(next_stream);
    return channel;
  }

  ns3::Ptr<ns3::YansWifiPhy> make_phy(const Card& card, ChannelMhz frequency) {
    const CardOptions& given = card.options;
    const auto preamble = ns3::CreateObject<ns3::ThresholdPreambleDetectionModel>();
    preamble->SetAttribute("Threshold", ns3::DoubleValue(given.preamble_snr_db));
    preamble->SetAttribute("MinimumRssi", ns3::DoubleValue(given.sensitivity_dbm));
    const auto phy = ns3::CreateObject<ns3::YansWifiPhy>();
    phy->SetInterferenceHelper(ns3::CreateObject<ns3::InterferenceHelper>());
    phy->SetErrorRateModel(error_rate_of(options.error_rate));
    phy->SetMobility(ns3::CreateObject<CardPosition>(world, *card.place));
    phy->SetChannel(channel_at(frequency));
    const ns3::WifiPhyBand band = band_of(frequency);
    const Ns3Channel channel = *ns3_channel(frequency);
    phy->SetOperatingChannel(
        ns3::WifiPhy::ChannelTuple{channel.number, channel.width_mhz, band, channel.primary});
    phy->ConfigureStandard(band == ns3::WIFI_PHY_BAND_2_4GHZ ? ns3::WIFI_STANDARD_80211n
                                                             : ns3::WIFI_STANDARD_80211ac);
    phy->SetPreambleDetectionModel(preamble);
    phy->SetTxPowerStart(given.tx_power_dbm);
    phy->SetTxPowerEnd(given.tx_power_dbm);
    phy->SetTxGain(given.antenna_gains_dbi.front());
    phy->SetRxGain(given.antenna_gains_dbi.front());
    phy->SetRxNoiseFigure(given.noise_figure_db);
    phy->SetRxSensitivity(given.sensitivity_dbm);
    phy->SetCcaEdThreshold(given.energy_detection_dbm);
    next_stream += phy->AssignStreams(next_stream);
    return phy;
  }

  /// The phy of the card's channel; null where ns-3 does not know the channel.
  CardPhy* phy_of(std::uint32_t number) {
    Card& card = cards[number];
    if (!is_ns3_channel(card.channel)) return nullptr;
    std::unique_ptr<CardPhy>& phy = card.phys[card.channel];
    if (!phy) {
      phy = std::make_unique<CardPhy>(number, observer);
      phy->install(make_phy(card, card.channel));
    }
    return phy.get();
  }

  void set_hearing(std::uint32_t number, bool is_on) {
    if (CardPhy* const phy = phy_of(number)) phy->set_on(is_on);
  }
};

Ns3Air::Ns3Air(World& world, const AirOptions& options, Ns3CardObserver& observer)
    : ns3_(std::make_unique<Ns3>(world, options, observer)) {
  TWINBED_CHECK(mistake_in_air(options).empty(), mistake_in_air(options));
  TWINBED_CHECK(mistake_in_ns3_air(options).empty(), mistake_in_ns3_air(options));
}

Ns3Air::~Ns3Air() = default;

std::uint32_t Ns3Air::add_place(std::unique_ptr<Mobility> mobility, bool is_moving) {
  ns3_->places.emplace_back(new Place{
      SteppedMobility(std::move(mobility), is_moving, ns3_->options.position_step)});
  return static_cast<std::uint32_t>(ns3_->places.size() - 1);
}

std::uint32_t Ns3Air::add_card(std::uint32_t place, const CardOptions& options) {
  TWINBED_CHECK(mistake_in_card(options).empty(), mistake_in_card(options));
  TWINBED_CHECK(mistake_in_ns3_card(options).empty(), mistake_in_ns3_card(options));
  const auto number = static_cast<std::uint32_t>(ns3_->cards.size());
  ns3_->cards.push_back({ns3_->places[place].get(), options, options.channel, true, {}});
  ns3_->set_hearing(number, true);
  return number;
}

void Ns3Air::tune(std::uint32_t number, ChannelMhz channel) {
  Card& card = ns3_->cards[number];
  if (card.channel == channel) return;
  ns3_->set_hearing(number, false);
  card.channel = channel;
  ns3_->set_hearing(number, card.is_on);
}

void Ns3Air::set_on(std::uint32_t number, bool is_on) {
  ns3_->cards[number].is_on = is_on;
  ns3_->set_hearing(number, is_on);
}

void Ns3Air::set_fade_mdb(std::uint32_t place, int loss_mdb) {
  ns3_->places[place]->fade_db = loss_mdb / 1000.0;
}

Duration Ns3Air::send(std::uint32_t number, Bytes frame, const TxParams& params) {
  CardPhy* const phy = ns3_->phy_of(number);
  TWINBED_CHECK(phy != nullptr && ns3_->cards[number].is_on, "a card that is off cannot send");
  TWINBED_CHECK(!phy->phy().IsStateTx(), "a card sends one frame at a time");
  const auto psdu = psdu_of(frame, params);
  const ns3::WifiTxVector vector = vector_of(params);
  phy->phy().Send(psdu, vector);
  return airtime_of(psdu, vector, phy->phy());
}

}  // namespace twinbed::sim
