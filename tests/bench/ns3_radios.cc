#include "tests/bench/ns3_radios.h"

#include <ns3/constant-position-mobility-model.h>
#include <ns3/double.h>
#include <ns3/ht-phy.h>
#include <ns3/interference-helper.h>
#include <ns3/packet.h>
#include <ns3/propagation-delay-model.h>
#include <ns3/propagation-loss-model.h>
#include <ns3/simulator.h>
#include <ns3/table-based-error-rate-model.h>
#include <ns3/wifi-psdu.h>
#include <ns3/yans-wifi-channel.h>
#include <ns3/yans-wifi-phy.h>

#include <array>
#include <cmath>
#include <vector>

#include "tests/bench/ns3_support.h"

namespace twinbed::bench {
namespace {

ns3::Ptr<ns3::YansWifiChannel> make_channel() {
  auto loss = ns3::CreateObject<ns3::LogDistancePropagationLossModel>();
  auto fading = ns3::CreateObject<ns3::NakagamiPropagationLossModel>();
  fading->AssignStreams(1);
  loss->SetNext(fading);
  auto channel = ns3::CreateObject<ns3::YansWifiChannel>();
  channel->SetPropagationLossModel(loss);
  channel->SetPropagationDelayModel(
      ns3::CreateObject<ns3::ConstantSpeedPropagationDelayModel>());
  return channel;
}

ns3::Ptr<ns3::YansWifiPhy> make_phy(const ns3::Ptr<ns3::YansWifiChannel>& channel,
                                    const ns3::Vector& position, std::int64_t stream) {
  auto mobility = ns3::CreateObject<ns3::ConstantPositionMobilityModel>();
  mobility->SetPosition(position);
  auto phy = ns3::CreateObject<ns3::YansWifiPhy>();
  phy->SetInterferenceHelper(ns3::CreateObject<ns3::InterferenceHelper>());
  phy->SetErrorRateModel(ns3::CreateObject<ns3::TableBasedErrorRateModel>());
  phy->SetMobility(mobility);
  phy->SetChannel(channel);
  phy->SetOperatingChannel(ns3::WifiPhy::ChannelTuple{165, 20, ns3::WIFI_PHY_BAND_5GHZ, 0});
  phy->ConfigureStandard(ns3::WIFI_STANDARD_80211n);
  phy->SetTxPowerStart(20);
  phy->SetTxPowerEnd(20);
  phy->AssignStreams(stream);
  return phy;
}

}  // namespace

struct Ns3Radios::State {
  Ns3Run run{"ns3::MapScheduler"};
  ns3::Ptr<ns3::YansWifiChannel> channel = make_channel();
  std::vector<ns3::Ptr<ns3::YansWifiPhy>> phys;
  std::array<std::uint8_t, kRadioFrameBytes - 24> body{};
  std::size_t received = 0;

  void on_frame(ns3::Ptr<const ns3::WifiPsdu>, ns3::RxSignalInfo, ns3::WifiTxVector,
                std::vector<bool>) {
    ++received;
  }
  void on_error(ns3::Ptr<const ns3::WifiPsdu>) {}
};

Ns3Radios::Ns3Radios(std::size_t receivers) : state_(std::make_unique<State>()) {
  state_->phys.push_back(make_phy(state_->channel, {0, 0, 1}, 10));
  for (std::size_t i = 0; i < receivers; ++i) {
    const double angle = 6.283185307 * static_cast<double>(i) / static_cast<double>(receivers);
    const ns3::Vector position{kCircleM * std::cos(angle), kCircleM * std::sin(angle), 1};
    auto phy = make_phy(state_->channel, position, static_cast<std::int64_t>(20 + 10 * i));
    phy->SetReceiveOkCallback(ns3::MakeCallback(&State::on_frame, state_.get()));
    phy->SetReceiveErrorCallback(ns3::MakeCallback(&State::on_error, state_.get()));
    state_->phys.push_back(phy);
  }
}

Ns3Radios::~Ns3Radios() {
  for (const auto& phy : state_->phys) phy->Dispose();
  state_->channel->Dispose();
}

std::size_t Ns3Radios::send() {
  state_->received = 0;
  ns3::WifiMacHeader header;
  header.SetType(ns3::WIFI_MAC_DATA);
  header.SetAddr1(ns3::Mac48Address::GetBroadcast());
  const auto packet = ns3::Create<ns3::Packet>(
      state_->body.data(), static_cast<std::uint32_t>(state_->body.size()));
  const auto psdu = ns3::Create<ns3::WifiPsdu>(packet, header);
  const ns3::WifiTxVector vector(ns3::HtPhy::GetHtMcs(1), 0, ns3::WIFI_PREAMBLE_HT_MF, 800, 1, 1, 0,
                                 20, false);
  state_->phys[0]->Send(psdu, vector);
  ns3::Simulator::Run();
  return state_->received;
}

}  // namespace twinbed::bench
