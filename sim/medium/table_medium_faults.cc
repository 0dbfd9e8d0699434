// What faults do to the table medium.
#include "sim/medium/table_medium.h"

namespace twinbed::sim {

void TableMedium::drop_queue(Card& card) {
  while (!card.queue.empty()) {
    world_.payloads.release(card.queue.pop().payload);
    ++card.counters.no_card;
  }
  card.access.cancel();
  world_.queue.cancel(card.access_event);
  card.access_event = {};
}

void TableMedium::set_plugged(CardAddress address, bool is_plugged) {
  Card* const card = find(address);
  if (card == nullptr || card->is_plugged == is_plugged) return;
  card->is_plugged = is_plugged;
  card->receiving = kNone;
  drop_queue(*card);
  if (card->sending == kNone) return;
  Transmission& sent = transmissions_[card->sending];
  sent.is_aborted = true;
  sent.end = world_.now;  // it disturbs nobody from here on
}

void TableMedium::set_antenna(CardAddress address, unsigned antenna, bool is_on) {
  Card* const card = find(address);
  if (card == nullptr || antenna >= card->antennas) return;
  card->is_antenna_on[antenna] = is_on;
}

void TableMedium::set_channel(CardAddress address, ChannelMhz channel) {
  Card* const card = find(address);
  if (card == nullptr) return;
  card->wanted_channel = channel;
  card->queue.retune(channel);
  retune(*card, channel);
}

void TableMedium::set_duty(CardAddress address, const DutyCycle& duty) {
  Card* const card = find(address);
  if (card == nullptr) return;
  card->duty = duty;
  if (!duty.is_on(world_.now)) card->receiving = kNone;
}

void TableMedium::set_fade_mdb(NodeId node, int loss_mdb) {
  if (cards_of(node) > 0) links_.set_fade_mdb(index_.place_of(node), loss_mdb);
}

void TableMedium::set_jammer(std::uint32_t number, const std::optional<Jammer>& jammer) {
  if (jammers_.size() <= number) jammers_.resize(number + 1);
  jammers_on_ += jammer.has_value() ? 1 : 0;
  jammers_on_ -= jammers_[number].jammer.has_value() ? 1 : 0;
  jammers_[number].jammer = jammer;
}

std::uint64_t TableMedium::jammed(std::uint32_t number) const {
  return number < jammers_.size() ? jammers_[number].touched : 0;
}

}  // namespace twinbed::sim
