#include "sim/medium/table_medium.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/hash.h"
#include "core/wire/radiotap.h"
#include "sim/medium/airtime.h"
#include "sim/medium/decibel.h"
#include "sim/medium/noise.h"

namespace twinbed::sim {

TableMedium::Card::Card(CardAddress where, const CardOptions& given, ChannelAccess clockwork)
    : channel(given.channel),
      antennas(static_cast<std::uint8_t>(given.antenna_gains_dbi.size())),
      sensitivity_mdb(mdb_from_db(given.sensitivity_dbm)),
      preamble_snr_mdb(mdb_from_db(given.preamble_snr_db)),
      carrier_sense_mdb(mdb_from_db(given.carrier_sense_dbm)),
      energy_detection_mdb(mdb_from_db(given.energy_detection_dbm)),
      address(where),
      combining(given.combining),
      antenna_correlation(given.antenna_correlation),
      wanted_channel(given.channel),
      tx_power_mdb(mdb_from_db(given.tx_power_dbm)),
      queue(given.queue_frames),
      access(std::move(clockwork)) {
  for (std::size_t i = 0; i < antennas; ++i) {
    antenna_gains_mdb[i] = mdb_from_db(given.antenna_gains_dbi[i]);
  }
  for (std::size_t i = 0; i < noise_mdb.size(); ++i) {
    noise_mdb[i] = noise_floor_mdb(static_cast<Bandwidth>(i), mdb_from_db(given.noise_figure_db));
  }
  noise_dbm = dbm_from_mdb(noise_mdb[0]);
}

TableMedium::TableMedium(World& world, const AirOptions& options)
    : world_(world),
      links_(options, world.seed),
      rates_(options.error_rate),
      fading_(options.fading),
      coherence_(options.coherence),
      random_key_(hash_bytes(as_bytes("radio"), world.seed)) {
  delivery_.frame.readings.fill(kUnknownReading);
}

void TableMedium::add_node(NodeId node, RadioNode radio) {
  const std::uint32_t place = links_.add_place(std::move(radio.mobility), radio.is_moving);
  index_.add(node, place, radio.cards.size());
  for (std::uint32_t i = 0; i < radio.cards.size(); ++i) {
    const CardOptions& options = radio.cards[i];
    const std::uint32_t card = links_.add_radio(place, options);
    ChannelAccess access(options.carrier_sense, options.contention_window,
                         RandomStream(world_.seed, "back-off", card));
    cards_.emplace_back(CardAddress{node, InterfaceId{i}}, options, std::move(access));
    cards_.back().random_key = hash_combine(random_key_, card);
  }
}

void TableMedium::set_record(NodeId from, NodeId to, LinkRecord record) {
  links_.set_record(index_.place_of(from), index_.place_of(to), std::move(record));
}

const TableMedium::Card* TableMedium::find(CardAddress card) const {
  const std::uint32_t number = index_.find(card);
  return number == CardIndex::kNone ? nullptr : &cards_[number];
}

TableMedium::Card* TableMedium::find(CardAddress card) {
  return const_cast<Card*>(std::as_const(*this).find(card));
}

std::uint32_t TableMedium::antennas_of(CardAddress address) const {
  const Card* card = find(address);
  return card == nullptr ? 0 : card->antennas;
}

ChannelMhz TableMedium::channel_of(CardAddress address) const {
  const Card* card = find(address);
  return card == nullptr ? ChannelMhz{} : card->channel;
}

bool TableMedium::has_room(CardAddress address) const {
  const Card* card = find(address);
  return card == nullptr || !card->is_plugged || !card->queue.full();
}

const CardCounters& TableMedium::counters(CardAddress address) const {
  static const CardCounters kNothing;
  const Card* card = find(address);
  return card == nullptr ? kNothing : card->counters;
}

/// Whether it may not send for another reason than frames; it then tries again.
bool TableMedium::is_held(std::uint32_t number) {
  if (cards_[number].duty.is_always_on() && jammers_on_ == 0) return false;
  const std::optional<Time> until = held_until(number);
  if (until) hold(number, *until);
  return until.has_value();
}

/// Whether the card may send at once; or else it is told when it may.
bool TableMedium::gets_access(std::uint32_t number) {
  Card& card = cards_[number];
  const Time at = card.access.request(world_.now, card.channel);
  if (at <= world_.now) return !is_held(number);
  schedule_access(number, at);
  return false;
}

void TableMedium::transmit(CardAddress address, Bytes frame, const TxParams& params) {
  const std::uint32_t number = index_.find(address);
  if (number == CardIndex::kNone) return;
  Card& card = cards_[number];
  if (!card.is_plugged) {
    ++card.counters.no_card;
    ++card.counters.touched;
    return;
  }
  const FrameRate* const rate = rates_.find(params, frame.size(), card.wanted_channel);
  if (rate == nullptr) {
    ++card.counters.bad_rate;
    return;
  }
  if (card.queue.full()) {
    ++card.counters.queue_full;
    return;
  }
  const PayloadId payload = world_.payloads.make_unhashed(frame);
  const bool is_next = card.queue.empty() && card.sending == kNone;
  if (is_next && gets_access(number)) {
    begin(number, payload, *rate);
  } else {
    card.queue.push(payload, rate->params, card.wanted_channel);
  }
}

void TableMedium::retune(Card& card, ChannelMhz channel) {
  if (card.channel == channel) return;
  card.channel = channel;
  card.receiving = kNone;
}

void TableMedium::tune(CardAddress address, ChannelMhz channel) {
  Card* const card = find(address);
  if (card == nullptr) return;
  card->wanted_channel = channel;
  if (card->queue.empty() && card->sending == kNone) retune(*card, channel);
}

void TableMedium::schedule_access(std::uint32_t number, Time at) {
  Card& card = cards_[number];
  world_.queue.cancel(card.access_event);
  card.access_event = world_.schedule(at, {EventKind::kChannelAccess, number, 0, 0});
}

void TableMedium::on_channel_access(std::uint32_t number) {
  cards_[number].access_event = {};
  if (!is_held(number)) begin_next(number);
}

void TableMedium::hold(std::uint32_t number, Time until) {
  Card& card = cards_[number];
  ++card.counters.touched;
  card.access.hold(until);
  schedule_access(number, card.access.request(world_.now, card.channel));
}

std::optional<Time> TableMedium::held_until(std::uint32_t number) {
  Card& card = cards_[number];
  if (!card.duty.is_on(world_.now)) return card.duty.next_change(world_.now);
  if (!card.access.has_carrier_sense()) return std::nullopt;
  // A jammer may be gone before its burst is over: it is looked at again.
  constexpr Duration kPatience = std::chrono::milliseconds(1);
  for (const ActiveJammer& active : jammers_) {
    if (!active.jammer || !active.jammer->duty.is_on(world_.now)) continue;
    std::array<double, kMaxAntennas> over_noise{};
    if (!jam_over_noise(*active.jammer, number, Bandwidth::k20Mhz, over_noise)) continue;
    const int level_mdb = card.noise_mdb[0] + mdb_from_ratio(over_noise[0]);
    if (level_mdb < card.energy_detection_mdb) continue;
    return std::min(active.jammer->duty.next_change(world_.now), world_.now + kPatience);
  }
  return std::nullopt;
}

inline std::uint32_t TableMedium::take_transmission() {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(transmissions_.size()));
    transmissions_.emplace_back();
  }
  const std::uint32_t number = free_.back();
  free_.pop_back();
  return number;
}

void TableMedium::begin_next(std::uint32_t number) {
  const QueuedFrame frame = cards_[number].queue.pop();
  const std::size_t size = world_.payloads.view(frame.payload).size();
  begin(number, frame.payload, *rates_.find(frame.params, size, frame.channel));
}

void TableMedium::begin(std::uint32_t number, PayloadId payload, const FrameRate& rate) {
  Card& card = cards_[number];
  retune(card, rate.channel);
  if (card.receiving != kNone) ++card.counters.missed;
  card.receiving = kNone;

  const std::uint32_t index = take_transmission();
  Transmission& sent = transmissions_[index];
  sent.card = number;
  sent.tx_power_mdb = card.tx_power_mdb;
  sent.rate = rate;
  sent.start = world_.now;
  sent.end = world_.now + sent.rate.airtime;
  sent.payload = payload;
  sent.key = hash_combine(card.random_key, card.frames_begun++);
  sent.is_aborted = false;
  sent.users = 1;  // the air
  for (const std::uint32_t other : on_air_) {
    transmissions_[other].overlaps.push_back(index);
    ++transmissions_[other].users;
    sent.overlaps.push_back(other);
    ++sent.users;
  }
  on_air_.push_back(index);
  card.sending = index;
  card.access.on_sending(sent.end);
  ++frames_sent_;
  ++card.counters.sent;
  card.counters.sent_bytes += sent.rate.frame_bytes;
  card.counters.airtime += sent.rate.airtime;
  world_.schedule(sent.end, {EventKind::kFrameEnd, number, index, 0});
  if (tap_ != nullptr) {
    tap_->sent(world_.now, card.address, sent.rate.channel, sent.rate.params,
               world_.payloads.view(payload));
  }
  arrive(index, sent);
}

void TableMedium::go_on(std::uint32_t number) {
  Card& card = cards_[number];
  if (card.queue.empty()) {
    retune(card, card.wanted_channel);
  } else if (gets_access(number)) {
    begin_next(number);
  }
}

std::uint64_t TableMedium::frame_hash(std::uint32_t transmission) const {
  return world_.payloads.hash(transmissions_[transmission].payload);
}

}  // namespace twinbed::sim
