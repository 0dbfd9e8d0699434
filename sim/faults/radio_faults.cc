#include "sim/faults/radio_faults.h"

#include <algorithm>
#include <cmath>

namespace twinbed::sim {
namespace {

DutyCycle duty_of(const LastingRadioFault& item) {
  return {item.fault.radio.period, time_on(item.fault.radio), item.begun};
}

Jammer jammer_of(const LastingRadioFault& item) {
  const RadioFault& radio = item.fault.radio;
  return {radio.position, radio.power_dbm, radio.band_mhz[0], radio.band_mhz[1], duty_of(item)};
}

CardAddress address(std::uint32_t node, std::uint32_t interface) {
  return {NodeId{node}, InterfaceId{interface}};
}

}  // namespace

Duration time_on(const RadioFault& radio) {
  return Duration{std::llround(static_cast<double>(to_ns(radio.period)) * radio.duty)};
}

void RadioFaults::add(const LastingRadioFault& item, CardState& state) {
  const RadioFault& radio = item.fault.radio;
  switch (item.fault.action) {
    case FaultAction::kAntennaOff: state.antennas_off |= 1U << radio.antenna; break;
    case FaultAction::kUnplug: state.is_plugged = false; break;
    case FaultAction::kChannel: state.channel = radio.channel; break;
    case FaultAction::kDutyCycle: state.duty = duty_of(item); break;
    default: break;
  }
}

void RadioFaults::carry_out(const Card& card, const CardState& before, const CardState& after) {
  const CardAddress where = address(card.first, card.second);
  if (before.is_plugged != after.is_plugged) medium_->set_plugged(where, after.is_plugged);
  for (unsigned antenna = 0; antenna < kMaxAntennas; ++antenna) {
    const bool is_on = (after.antennas_off >> antenna & 1) == 0;
    medium_->set_antenna(where, antenna, is_on);
  }
  if (before.duty != after.duty) medium_->set_duty(where, after.duty);
  if (before.channel == after.channel) return;
  if (!before.channel) own_channel_[card] = medium_->channel_of(where);
  medium_->set_channel(where, after.channel.value_or(own_channel_[card]));
}

void RadioFaults::refresh(std::span<const LastingRadioFault> lasting) {
  if (!medium_) return;
  std::map<Card, CardState> cards;
  std::map<std::uint32_t, int> fades_mdb;
  std::vector<std::uint32_t> jammers;
  for (const LastingRadioFault& item : lasting) {
    if (item.fault.action == FaultAction::kJam) {
      medium_->set_jammer(item.number, jammer_of(item));
      jammers.push_back(item.number);
    }
    for (const std::uint32_t node : item.nodes) {
      if (item.fault.action == FaultAction::kFade) {
        fades_mdb[node] += static_cast<int>(std::lround(item.fault.radio.loss_db * 1000));
        continue;
      }
      for (std::uint32_t card = 0; card < medium_->cards_of(NodeId{node}); ++card) {
        if (item.fault.radio.interface.value_or(card) == card) add(item, cards[{node, card}]);
      }
    }
  }
  for (const auto& [card, before] : cards_) cards.try_emplace(card);
  for (const auto& [card, after] : cards) carry_out(card, cards_[card], after);
  for (const auto& [node, loss] : fades_mdb_) fades_mdb.try_emplace(node, 0);
  for (const auto& [node, loss] : fades_mdb) medium_->set_fade_mdb(NodeId{node}, loss);
  for (const std::uint32_t number : jammers_) {
    const bool lasts = std::find(jammers.begin(), jammers.end(), number) != jammers.end();
    if (!lasts) medium_->set_jammer(number, std::nullopt);
  }
  cards_ = std::move(cards);
  fades_mdb_ = std::move(fades_mdb);
  jammers_ = std::move(jammers);
}

std::uint64_t RadioFaults::touched(const FaultSpec& fault, std::uint32_t number,
                                   const std::vector<std::uint32_t>& nodes) const {
  if (!medium_) return 0;
  if (fault.action == FaultAction::kJam) return medium_->jammed(number);
  // A card that is tuned away hears other frames than it would have heard, if any.
  if (fault.action == FaultAction::kFade || fault.action == FaultAction::kAntennaOff ||
      fault.action == FaultAction::kChannel) {
    return medium_->frames_sent();
  }
  std::uint64_t sum = 0;
  for (const std::uint32_t node : nodes) {
    for (std::uint32_t card = 0; card < medium_->cards_of(NodeId{node}); ++card) {
      sum += medium_->counters(address(node, card)).touched;
    }
  }
  return sum;
}

}  // namespace twinbed::sim
