#include "sim/ns3/ns3_medium.h"

#include <utility>

#include "core/base/check.h"
#include "sim/medium/airtime.h"
#include "sim/medium/decibel.h"
#include "sim/medium/noise.h"

namespace twinbed::sim {
namespace {

bool can_send(const TxParams& params, ChannelMhz channel) {
  return is_ns3_channel(channel) && mistake_in_rate(params).empty() &&
         mistake_in_ns3_rate(params, channel).empty();
}

}  // namespace

Ns3Medium::Ns3Medium(World& world, const AirOptions& options)
    : world_(world), simulator_(world), air_(world, options, *this) {}

void Ns3Medium::add_node(NodeId node, RadioNode radio) {
  const std::uint32_t place = air_.add_place(std::move(radio.mobility), radio.is_moving);
  index_.add(node, place, radio.cards.size());
  for (std::uint32_t i = 0; i < radio.cards.size(); ++i) {
    const CardOptions& options = radio.cards[i];
    const std::uint32_t number = air_.add_card(place, options);
    Card card{.address = {node, InterfaceId{i}},
              .channel = options.channel,
              .wanted_channel = options.channel,
              .noise_mdb =
                  noise_floor_mdb(Bandwidth::k20Mhz, mdb_from_db(options.noise_figure_db)),
              .duty = {},
              .queue = TransmitQueue(options.queue_frames),
              .access = ChannelAccess(options.carrier_sense, options.contention_window,
                                      RandomStream(world_.seed, "back-off", number)),
              .access_event = {},
              .counters = {}};
    cards_.push_back(std::move(card));
  }
}

const Ns3Medium::Card* Ns3Medium::find(CardAddress card) const {
  const std::uint32_t number = index_.find(card);
  return number == CardIndex::kNone ? nullptr : &cards_[number];
}

Ns3Medium::Card* Ns3Medium::find(CardAddress card) {
  return const_cast<Card*>(std::as_const(*this).find(card));
}

std::uint32_t Ns3Medium::antennas_of(CardAddress card) const {
  return find(card) == nullptr ? 0 : 1;
}

ChannelMhz Ns3Medium::channel_of(CardAddress address) const {
  const Card* const card = find(address);
  return card == nullptr ? ChannelMhz{} : card->channel;
}

bool Ns3Medium::has_room(CardAddress address) const {
  const Card* card = find(address);
  return card == nullptr || !card->is_plugged || !card->queue.full();
}

const CardCounters& Ns3Medium::counters(CardAddress address) const {
  static const CardCounters kNothing;
  const Card* const card = find(address);
  return card == nullptr ? kNothing : card->counters;
}

void Ns3Medium::transmit(CardAddress address, Bytes frame, const TxParams& params) {
  Card* const card = find(address);
  if (card == nullptr) return;
  if (!card->is_plugged) {
    ++card->counters.no_card;
    ++card->counters.touched;
    return;
  }
  if (!can_send(params, card->wanted_channel)) {
    ++card->counters.bad_rate;
    return;
  }
  if (card->queue.full()) {
    ++card->counters.queue_full;
    return;
  }
  card->queue.push(world_.payloads.make_unhashed(frame), params, card->wanted_channel);
  if (card->queue.size() == 1 && !card->is_sending) request_access(*card);
}

void Ns3Medium::retune(Card& card, ChannelMhz channel) {
  card.channel = channel;
  air_.tune(number_of(card), channel);
}

void Ns3Medium::tune(CardAddress address, ChannelMhz channel) {
  Card* const card = find(address);
  if (card == nullptr) return;
  card->wanted_channel = channel;
  if (card->queue.empty() && !card->is_sending) retune(*card, channel);
}

void Ns3Medium::request_access(Card& card) {
  const Time at = card.access.request(world_.now, card.channel);
  if (at > world_.now) {
    schedule_access(card, at);
  } else {
    on_channel_access(number_of(card));
  }
}

void Ns3Medium::cancel_access(Card& card) {
  card.access.cancel();
  world_.queue.cancel(card.access_event);
  card.access_event = {};
}

void Ns3Medium::schedule_access(Card& card, Time at) {
  world_.queue.cancel(card.access_event);
  card.access_event = world_.schedule(at, {EventKind::kChannelAccess, number_of(card), 0, 0});
}

void Ns3Medium::on_channel_access(std::uint32_t number) {
  Card& card = cards_[number];
  card.access_event = {};
  if (card.duty.is_on(world_.now)) {
    begin(card);
    return;
  }
  ++card.counters.touched;
  card.access.hold(card.duty.next_change(world_.now));
  schedule_access(card, card.access.request(world_.now, card.channel));
}

void Ns3Medium::begin(Card& card) {
  const QueuedFrame frame = card.queue.pop();
  retune(card, frame.channel);
  const Bytes bytes = world_.payloads.view(frame.payload);
  card.sending = frame.payload;
  card.is_sending = true;
  const Duration airtime = air_.send(number_of(card), bytes, frame.params);
  card.access.on_sending(world_.now + airtime);
  ++frames_sent_;
  ++card.counters.sent;
  card.counters.sent_bytes += bytes.size();
  card.counters.airtime += airtime;
  world_.schedule_after(airtime, {EventKind::kFrameEnd, number_of(card), number_of(card), 0});
  if (tap_ != nullptr) tap_->sent(world_.now, card.address, frame.channel, frame.params, bytes);
}

void Ns3Medium::on_frame_end(std::uint32_t transmission) {
  Card& card = cards_[transmission];
  world_.payloads.release(card.sending);
  card.is_sending = false;
  if (!card.is_plugged) {
    air_.set_on(transmission, false);
  }
  if (!card.queue.empty()) {
    request_access(card);
  } else {
    retune(card, card.wanted_channel);
  }
}

std::uint64_t Ns3Medium::frame_hash(std::uint32_t transmission) const {
  return world_.payloads.hash(cards_[transmission].sending);
}

void Ns3Medium::on_received(std::uint32_t number, Bytes frame, const TxParams& params,
                            Duration airtime, double signal_dbm) {
  Card& card = cards_[number];
  if (!card.is_antenna_on || !card.duty.is_on_throughout(world_.now - airtime, world_.now)) {
    ++card.counters.touched;
    return;
  }
  ++card.counters.received;
  RadioDelivery delivery;
  delivery.node = card.address.node;
  delivery.payload = world_.payloads.make_unhashed(frame);
  delivery.frame.interface = card.address.interface;
  delivery.frame.channel = card.channel;
  delivery.frame.rate = params;
  delivery.frame.antenna_count = 1;
  delivery.frame.readings[0] = {0, dbm_from_mdb(mdb_from_db(signal_dbm)),
                                dbm_from_mdb(card.noise_mdb)};
  arrivals_.push_back(delivery);
}

void Ns3Medium::on_busy(std::uint32_t number, Duration duration) {
  Card& card = cards_[number];
  if (card.access.on_busy(world_.now, world_.now + duration, card.channel)) {
    schedule_access(card, card.access.access_at());
  }
}

const RadioDelivery* Ns3Medium::next_delivery() {
  if (next_arrival_ > 0) world_.payloads.release(arrivals_[next_arrival_ - 1].payload);
  if (next_arrival_ == arrivals_.size()) {
    arrivals_.clear();
    next_arrival_ = 0;
    return nullptr;
  }
  RadioDelivery& delivery = arrivals_[next_arrival_++];
  delivery.frame.frame = world_.payloads.view(delivery.payload);
  if (tap_ != nullptr) tap_->received(world_.now, delivery.node, delivery.frame);
  return &delivery;
}

void Ns3Medium::set_plugged(CardAddress address, bool is_plugged) {
  Card* const card = find(address);
  if (card == nullptr || card->is_plugged == is_plugged) return;
  card->is_plugged = is_plugged;
  for (; !card->queue.empty(); ++card->counters.no_card) {
    world_.payloads.release(card->queue.pop().payload);
  }
  cancel_access(*card);
  if (!card->is_sending) air_.set_on(number_of(*card), is_plugged);
}

void Ns3Medium::set_antenna(CardAddress address, unsigned antenna, bool is_on) {
  Card* const card = find(address);
  if (card != nullptr && antenna == 0) card->is_antenna_on = is_on;
}

void Ns3Medium::set_channel(CardAddress address, ChannelMhz channel) {
  Card* const card = find(address);
  if (card == nullptr) return;
  card->wanted_channel = channel;
  for (std::size_t left = card->queue.size(); left > 0; --left) {
    const QueuedFrame frame = card->queue.pop();
    if (can_send(frame.params, channel)) {
      card->queue.push(frame.payload, frame.params, channel);
    } else {
      ++card->counters.bad_rate;
      world_.payloads.release(frame.payload);
    }
  }
  if (card->queue.empty()) cancel_access(*card);
  if (!card->is_sending) retune(*card, channel);
}

void Ns3Medium::set_duty(CardAddress address, const DutyCycle& duty) {
  if (Card* const card = find(address)) card->duty = duty;
}

void Ns3Medium::set_fade_mdb(NodeId node, int loss_mdb) {
  if (index_.cards_of(node) > 0) air_.set_fade_mdb(index_.place_of(node), loss_mdb);
}

void Ns3Medium::set_jammer(std::uint32_t, const std::optional<Jammer>& jammer) {
  TWINBED_CHECK(!jammer, "ns-3's physical layer knows no jammers; use the table medium");
}

std::uint64_t Ns3Medium::jammed(std::uint32_t) const { return 0; }

}  // namespace twinbed::sim
