// The receiving half of the table medium.
#include <algorithm>
#include <cmath>

#include "core/base/hash.h"
#include "core/wire/radiotap.h"
#include "sim/medium/airtime.h"
#include "sim/medium/decibel.h"
#include "sim/medium/frame_random.h"
#include "sim/medium/table_medium.h"

namespace twinbed::sim {
namespace {

/// What an antenna that is off hears.
constexpr int kSilentMdb = -1'000'000;
/// So far below the noise a frame disturbs nobody.
constexpr int kNegligibleMdb = 10'000;
constexpr Duration kPreambleEnd = std::chrono::microseconds(4);

/// A channel's band in MHz: 20 MHz around the primary channel, and what lies above it.
struct Band {
  int low = 0;
  int high = 0;
};

Band band_of(ChannelMhz channel, Bandwidth bandwidth) {
  const int low = static_cast<int>(channel) - 10;
  return {low, low + bandwidth_mhz(bandwidth)};
}

/// Which part of the power in one band falls into another; in thousandths of a decibel. Nothing
/// where they are apart.
std::optional<int> overlap_mdb(const Band& sent, const Band& heard) {
  const int common = std::min(sent.high, heard.high) - std::max(sent.low, heard.low);
  if (common <= 0) return std::nullopt;
  const int width = sent.high - sent.low;
  return common == width ? 0 : mdb_from_ratio(static_cast<double>(common) / width);
}

/// The same of a frame, for a receiver on another channel.
[[gnu::noinline]] std::optional<int> heard_part_mdb(const FrameRate& rate, ChannelMhz channel) {
  return overlap_mdb(band_of(rate.channel, rate.params.bandwidth),
                     band_of(channel, Bandwidth::k20Mhz));
}

}  // namespace

std::uint64_t TableMedium::fading_key(const Transmission& sent, std::uint32_t receiver) const {
  if (coherence_ == Duration{}) return sent.key;
  // The same in both directions, as the paths are.
  const auto ends = std::minmax(sent.card, receiver);
  const std::uint64_t pair = std::uint64_t{ends.first} << 32 | ends.second;
  const auto epoch = static_cast<std::uint64_t>(to_ns(sent.start) / to_ns(coherence_));
  return hash_combine(hash_combine(~random_key_, pair), epoch);
}

/// The power at each antenna of the card.
void TableMedium::find_powers(const Transmission& sent, const Card& card, const RadioLink& link,
                              Reception& heard) {
  int mean_mdb = sent.tx_power_mdb + link.gain_mdb;
  std::array<int, kMaxAntennas> fading_mdb{};
  FrameRandom random(fading_key(sent, link.receiver),
                     coherence_ == Duration{} ? link.receiver : 0);
  if (link.record != nullptr) heard.is_lost = link.record->loses(sent.start, random);
  if (link.record != nullptr && link.record->has_signal()) {
    // What was measured holds for the set-up as it was; what a fault adds comes on top.
    mean_mdb = link.record->signal_mdb(sent.start) + link.gain_mdb;
  } else {
    fading_.draw_antennas_mdb(link.distance_m, card.antenna_correlation, random,
                              {fading_mdb.data(), card.antennas});
  }
  heard.strongest_mdb = kSilentMdb;
  for (std::size_t i = 0; i < card.antennas; ++i) {
    heard.powers_mdb[i] = card.is_antenna_on[i]
                              ? mean_mdb + card.antenna_gains_mdb[i] + fading_mdb[i]
                              : kSilentMdb;
    heard.strongest_mdb = std::max(heard.strongest_mdb, heard.powers_mdb[i]);
  }
}

/// The same for what most links are: one antenna, and no record.
void TableMedium::find_power(const Transmission& sent, const Card& card, const RadioLink& link,
                             Reception& heard) {
  FrameRandom random(fading_key(sent, link.receiver),
                     coherence_ == Duration{} ? link.receiver : 0);
  const int fading_mdb = fading_.draw_mdb(link.distance_m, random);
  heard.strongest_mdb =
      card.is_antenna_on[0]
          ? sent.tx_power_mdb + link.gain_mdb + card.antenna_gains_mdb[0] + fading_mdb
          : kSilentMdb;
  heard.powers_mdb[0] = heard.strongest_mdb;
}

/// Adds the frame to what the link's receiver hears, where it is not too weak to matter.
void TableMedium::reach(std::uint32_t index, Transmission& sent, const RadioLink& link) {
  Card& card = cards_[link.receiver];
  const bool is_same_channel = card.channel == sent.rate.channel;
  int reduced_mdb = 0;
  if (!is_same_channel) {
    const std::optional<int> part_mdb = heard_part_mdb(sent.rate, card.channel);
    if (!part_mdb) return;
    reduced_mdb = *part_mdb;
  }
  if (!card.is_plugged || !card.duty.is_on_throughout(sent.start, sent.end)) {
    ++card.counters.touched;
    return;
  }
  Reception& heard = sent.receptions.emplace_back();
  heard.card = link.receiver;
  heard.is_same_channel = is_same_channel;
  if (card.antennas == 1 && link.record == nullptr) {
    find_power(sent, card, link, heard);
  } else {
    find_powers(sent, card, link, heard);
  }
  if (reduced_mdb != 0) {
    for (int& power : heard.powers_mdb) power += reduced_mdb;
    heard.strongest_mdb += reduced_mdb;
  }
  const auto bandwidth = static_cast<std::size_t>(sent.rate.params.bandwidth);
  if (heard.strongest_mdb < card.noise_mdb[bandwidth] - kNegligibleMdb) {
    sent.receptions.pop_back();
  } else {
    notice(index, sent, heard, card);
  }
}

void TableMedium::notice(std::uint32_t index, const Transmission& sent, Reception& heard,
                         Card& card) {
  const int busy_from_mdb =
      heard.is_same_channel ? card.carrier_sense_mdb : card.energy_detection_mdb;
  bool is_busy = heard.strongest_mdb >= busy_from_mdb;
  if (heard.is_same_channel && heard.strongest_mdb >= card.sensitivity_mdb) {
    is_busy = locks(index, sent, heard, card) || is_busy;
  }
  if (is_busy && card.access.on_busy(world_.now, sent.end, card.channel)) {
    schedule_access(heard.card, card.access.access_at());
  }
}

/// Whether the card turns to this frame.
bool TableMedium::locks(std::uint32_t index, const Transmission& sent, Reception& heard,
                        Card& card) {
  const int ratio_mdb = is_disturbed(sent) ? disturbed_snr_mdb(sent, heard)
                                           : snr_mdb(sent, heard, card);
  if (ratio_mdb < card.preamble_snr_mdb) return false;
  if (card.sending != kNone || card.receiving != kNone) {
    ++card.counters.missed;  // this frame or the other one
    if (card.sending != kNone) return false;
    const bool is_early = sent.start - transmissions_[card.receiving].start < kPreambleEnd;
    if (!is_early || heard.strongest_mdb <= card.receiving_mdb) return false;
  }
  card.receiving = index;
  card.receiving_mdb = heard.strongest_mdb;
  return true;
}

/// The ratio to noise and all that disturbs the frame's begin.
int TableMedium::disturbed_snr_mdb(const Transmission& sent, const Reception& heard) {
  find_disturbances(sent, heard);
  std::array<double, kMaxAntennas> over_noise{};
  for (const Disturbance& disturbance : disturbances_) {
    if (disturbance.begin > sent.start || disturbance.end <= sent.start) continue;
    for (std::size_t i = 0; i < kMaxAntennas; ++i) over_noise[i] += disturbance.over_noise[i];
  }
  return combined_sinr_mdb(signal_of(sent, heard), over_noise);
}

void TableMedium::arrive(std::uint32_t index, Transmission& sent) {
  for (const RadioLink& link : links_.of(sent.card, sent.rate.channel, world_.now)) {
    reach(index, sent, link);
  }
}

/// Behind the combiner, without interference.
int TableMedium::snr_mdb(const Transmission& sent, Reception& heard, const Card& card) const {
  if (card.antennas == 1) {
    return heard.strongest_mdb -
           card.noise_mdb[static_cast<std::size_t>(sent.rate.params.bandwidth)];
  }
  return combined_mdb(sent, heard);
}

int TableMedium::combined_mdb(const Transmission& sent, Reception& heard) const {
  if (!heard.combined_mdb) heard.combined_mdb = combined_snr_mdb(signal_of(sent, heard));
  return *heard.combined_mdb;
}

Signal TableMedium::signal_of(const Transmission& sent, const Reception& heard) const {
  const Card& card = cards_[heard.card];
  Signal signal;
  signal.antennas = card.antennas;
  signal.power_mdb = heard.powers_mdb;
  signal.noise_mdb = card.noise_mdb[static_cast<std::size_t>(sent.rate.params.bandwidth)];
  signal.combining = card.combining;
  return signal;
}

bool TableMedium::survives(const Transmission& sent, Reception& heard, const Card& card) {
  if (sent.is_aborted || heard.is_lost) return false;
  std::uint64_t success = 0;
  if (!is_disturbed(sent)) {
    const int ratio_mdb = snr_mdb(sent, heard, card);
    if (ratio_mdb >= sent.rate.certain_mdb) return true;  // as most do: no number is needed
    success = clean_success(sent.rate, ratio_mdb);
  } else {
    find_disturbances(sent, heard);
    success = disturbed_.success(sent.rate, sent.start, signal_of(sent, heard),
                                 card.preamble_snr_mdb, disturbances_);
  }
  FrameRandom random(~sent.key, heard.card);
  return random.next() >> 32 < success;
}

/// Whether anybody has received it.
bool TableMedium::receive(std::uint32_t index, Transmission& sent) {
  const std::size_t before = arrivals_.size();
  std::uint32_t number = 0;
  for (Reception& heard : sent.receptions) {
    const std::uint64_t arrival = arrival_of(index, number++);
    Card& card = cards_[heard.card];
    if (card.receiving != index) continue;
    card.receiving = kNone;
    if (survives(sent, heard, card)) {
      ++card.counters.received;
      arrivals_.push_back(arrival);
    } else {
      ++card.counters.corrupted;
    }
  }
  return arrivals_.size() > before;
}

void TableMedium::on_frame_end(std::uint32_t index) {
  Transmission& sent = transmissions_[index];
  on_air_.erase(std::find(on_air_.begin(), on_air_.end(), index));
  const std::uint32_t sender = sent.card;
  cards_[sender].sending = kNone;
  const bool is_received = receive(index, sent);
  for (const std::uint32_t other : sent.overlaps) release(other);
  sent.overlaps.clear();
  if (!is_received) release(index);  // or else it is used until the last delivery
  go_on(sender);
}

/// What disturbs the frame at the receiver, from the frames that overlap it and from jammers.
void TableMedium::find_disturbances(const Transmission& sent, const Reception& heard) {
  const Card& card = cards_[heard.card];
  const Bandwidth bandwidth = sent.rate.params.bandwidth;
  const int noise_mdb = card.noise_mdb[static_cast<std::size_t>(bandwidth)];
  disturbances_.clear();
  for (const std::uint32_t other : sent.overlaps) {
    const Transmission& disturbing = transmissions_[other];
    const auto at = std::lower_bound(
        disturbing.receptions.begin(), disturbing.receptions.end(), heard.card,
        [](const Reception& reception, std::uint32_t wanted) { return reception.card < wanted; });
    if (at == disturbing.receptions.end() || at->card != heard.card) continue;
    Disturbance disturbance{disturbing.start, disturbing.end, {}};
    for (std::size_t i = 0; i < card.antennas; ++i) {
      disturbance.over_noise[i] =
          ratio_from_mdb(at->powers_mdb[i] - noise_mdb);
    }
    disturbances_.push_back(disturbance);
  }
  for (ActiveJammer& active : jammers_) {
    Disturbance disturbance;
    if (!active.jammer ||
        !jam_over_noise(*active.jammer, heard.card, bandwidth, disturbance.over_noise)) {
      continue;
    }
    ++active.touched;
    const DutyCycle& duty = active.jammer->duty;
    for (Time at = sent.start; at < sent.end; at = disturbance.end) {
      disturbance.begin = at;
      disturbance.end = std::min(duty.next_change(at), sent.end);
      if (duty.is_on(at)) disturbances_.push_back(disturbance);
    }
  }
}

bool TableMedium::jam_over_noise(const Jammer& jammer, std::uint32_t number, Bandwidth bandwidth,
                                 std::array<double, kMaxAntennas>& over_noise) {
  const Card& card = cards_[number];
  const Band band{static_cast<int>(jammer.low_mhz), static_cast<int>(jammer.high_mhz)};
  const std::optional<int> part_mdb = overlap_mdb(band, band_of(card.channel, bandwidth));
  if (!part_mdb) return false;
  const int loss_mdb =
      links_.loss_from_mdb(jammer.position, number, card.channel, world_.now);
  const int power_mdb = mdb_from_db(jammer.power_dbm) + *part_mdb - loss_mdb;
  for (std::size_t i = 0; i < card.antennas; ++i) {
    over_noise[i] = ratio_from_mdb(power_mdb + card.antenna_gains_mdb[i] -
                                   card.noise_mdb[static_cast<std::size_t>(bandwidth)]);
  }
  return true;
}

/// What is the same wherever the frame is received.
void TableMedium::describe(const Transmission& sent) {
  delivery_.payload = sent.payload;
  delivery_.frame.channel = sent.rate.channel;
  delivery_.frame.rate = sent.rate.params;
  delivery_.frame.frame = world_.payloads.view(sent.payload);
}

/// What its receiver has made of it.
void TableMedium::describe(const Transmission& sent, const Reception& heard) {
  const Card& card = cards_[heard.card];
  RxFrame& frame = delivery_.frame;
  delivery_.node = card.address.node;
  frame.interface = card.address.interface;
  std::uint8_t count = 0;
  for (std::size_t i = 0; i < card.antennas; ++i) {
    if (!card.is_antenna_on[i]) continue;
    AntennaReading& reading = frame.readings[count++];
    reading.antenna = static_cast<std::uint8_t>(i);
    reading.signal_dbm = dbm_from_mdb(heard.powers_mdb[i]);
    reading.noise_dbm = card.noise_dbm;
  }
  // What is left of the last delivery.
  for (std::size_t i = count; i < frame.antenna_count; ++i) frame.readings[i] = kUnknownReading;
  frame.antenna_count = count;
  if (jammers_on_ > 0) add_jam_to_noise(sent, heard, frame);
}

void TableMedium::add_jam_to_noise(const Transmission& sent, const Reception& heard,
                                   RxFrame& frame) {
  std::array<double, kMaxAntennas> over_noise{};
  for (const ActiveJammer& active : jammers_) {
    std::array<double, kMaxAntennas> jam{};
    if (!active.jammer || !active.jammer->duty.is_on(sent.start) ||
        !jam_over_noise(*active.jammer, heard.card, Bandwidth::k20Mhz, jam)) {
      continue;
    }
    for (std::size_t i = 0; i < kMaxAntennas; ++i) over_noise[i] += jam[i];
  }
  for (std::size_t i = 0; i < frame.antenna_count; ++i) {
    AntennaReading& reading = frame.readings[i];
    reading.noise_dbm =
        dbm_from_mdb(cards_[heard.card].noise_mdb[0] +
                     mdb_from_ratio(1 + over_noise[reading.antenna]));
  }
}

[[gnu::noinline]] const RadioDelivery* TableMedium::deliver(std::uint64_t arrival) {
  const auto transmission = static_cast<std::uint32_t>(arrival >> 32);
  const Transmission& sent = transmissions_[transmission];
  if (transmission != delivered_) {  // all of one transmission come in a row
    if (delivered_ != kNone) release(delivered_);
    delivered_ = transmission;
    describe(sent);
  }
  describe(sent, sent.receptions[static_cast<std::uint32_t>(arrival)]);
  if (tap_ != nullptr) tap_->received(world_.now, delivery_.node, delivery_.frame);
  return &delivery_;
}

const RadioDelivery* TableMedium::next_delivery() {
  if (next_arrival_ < arrivals_.size()) return deliver(arrivals_[next_arrival_++]);
  if (delivered_ == kNone) return nullptr;
  release(delivered_);
  delivered_ = kNone;
  arrivals_.clear();
  next_arrival_ = 0;
  return nullptr;
}

}  // namespace twinbed::sim
