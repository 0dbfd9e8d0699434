#include "sim/medium/radio_links.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "sim/medium/decibel.h"
#include "sim/medium/noise.h"

namespace twinbed::sim {
namespace {

/// By how much fading may lift a signal above its mean: Rayleigh's power is 15 dB above its mean
/// once in 10^13 frames.
constexpr int kFadingHeadroomMdb = 15'000;
/// So far below the noise a signal disturbs by less than half a decibel.
constexpr int kNegligibleMdb = 10'000;
constexpr double kShadowingDeviations = 4;

}  // namespace

RadioLinks::RadioLinks(const AirOptions& options, std::uint64_t seed)
    : options_(options), seed_(seed) {
  TWINBED_CHECK(mistake_in_air(options).empty(), mistake_in_air(options));
}

std::uint32_t RadioLinks::add_place(std::unique_ptr<Mobility> mobility, bool is_moving) {
  places_.push_back({{std::move(mobility), is_moving, options_.position_step}});
  return static_cast<std::uint32_t>(places_.size() - 1);
}

std::uint32_t RadioLinks::add_radio(std::uint32_t place, const CardOptions& card) {
  TWINBED_CHECK(mistake_in_card(card).empty(), mistake_in_card(card));
  const std::vector<double>& gains = card.antenna_gains_dbi;
  const int best_gain_mdb = mdb_from_db(*std::max_element(gains.begin(), gains.end()));
  const int noise_mdb = noise_floor_mdb(Bandwidth::k20Mhz, mdb_from_db(card.noise_figure_db));
  Radio radio;
  radio.place = place;
  radio.tx_gain_mdb = mdb_from_db(gains.front());
  radio.tx_mdb = mdb_from_db(card.tx_power_dbm) + radio.tx_gain_mdb;
  radio.hears_mdb = noise_mdb - kNegligibleMdb - kFadingHeadroomMdb - best_gain_mdb;
  radios_.push_back(radio);
  neighbours_.emplace_back();
  const auto number = static_cast<std::uint32_t>(radios_.size() - 1);
  if (places_[place].mobility.is_moving()) moving_.push_back(number);
  ++version_;
  return number;
}

void RadioLinks::set_record(std::uint32_t from, std::uint32_t to, LinkRecord record) {
  records_[{from, to}] = std::make_unique<LinkRecord>(std::move(record));
  ++version_;
}

void RadioLinks::set_fade_mdb(std::uint32_t place, int loss_mdb) {
  places_[place].fade_mdb = loss_mdb;
  ++version_;
}

const PathLoss& RadioLinks::path_loss(ChannelMhz channel) {
  std::unique_ptr<PathLoss>& model = path_losses_[channel];
  if (!model) model = std::make_unique<PathLoss>(options_.path_loss, channel);
  return *model;
}

/// Looks from far away towards the sender, in steps of 2 %, for the first distance at which the
/// strongest radio may be heard by the best one. Heights matter to some of the models; all pairs of
/// the lowest and the highest are tried.
double RadioLinks::range_m(ChannelMhz channel) {
  auto& [version, range] = ranges_[channel];
  if (version == version_) return range;
  version = version_;
  int strongest = std::numeric_limits<int>::min(), weakest = std::numeric_limits<int>::max();
  for (const Radio& radio : radios_) {
    strongest = std::max(strongest, radio.tx_mdb);
    weakest = std::min(weakest, radio.hears_mdb);
  }
  double low = std::numeric_limits<double>::max(), high = std::numeric_limits<double>::lowest();
  for (const Place& place : places_) {
    if (place.mobility.is_moving()) continue;
    low = std::min(low, place.mobility.last().z);
    high = std::max(high, place.mobility.last().z);
  }
  const int budget = strongest - weakest +
                     mdb_from_db(kShadowingDeviations * options_.shadowing.deviation_db);
  const PathLoss& model = path_loss(channel);
  constexpr double kFarthestM = 1e6, kStep = 1.02;
  const auto is_heard = [&](double distance) {
    for (const double from : {low, high}) {
      for (const double to : {low, high}) {
        if (model.loss_mdb({0, 0, from}, {distance, 0, to}) <= budget) return true;
      }
    }
    return false;
  };
  range = kFarthestM;
  while (range > 1 && !is_heard(range)) range /= kStep;
  range = range >= kFarthestM ? std::numeric_limits<double>::infinity() : range * kStep;
  return range;
}

int RadioLinks::shadow_mdb(std::uint32_t a, std::uint32_t b) {
  if (options_.shadowing.deviation_db <= 0) return 0;
  const auto key = std::minmax(a, b);
  const std::uint64_t number = std::uint64_t{key.first} << 32 | key.second;
  auto found = shadows_.find(key);
  if (found == shadows_.end()) {
    Shadow fresh{RandomStream(seed_, "shadowing", number), Shadowing(options_.shadowing)};
    found = shadows_.emplace(key, std::move(fresh)).first;
  }
  Shadow& shadow = found->second;
  return shadow.shadowing.loss_mdb(places_[key.first].mobility.last(),
                                   places_[key.second].mobility.last(), shadow.random);
}

std::optional<RadioLink> RadioLinks::link(std::uint32_t sender, std::uint32_t receiver,
                                          const PathLoss& path_loss, double range_m, Time now) {
  const Radio& from = radios_[sender];
  const Radio& to = radios_[receiver];
  const Position& here = place_at(from.place, now);
  const Position& there = place_at(to.place, now);
  RadioLink link{receiver, from.tx_gain_mdb, 0, nullptr};
  const int fade_mdb = places_[from.place].fade_mdb + places_[to.place].fade_mdb;
  if (from.place == to.place) {
    link.gain_mdb -= mdb_from_db(options_.isolation_db);
    return link;
  }
  const auto record = records_.find({from.place, to.place});
  if (record != records_.end()) link.record = record->second.get();
  link.distance_m = distance_m(here, there);
  link.gain_mdb -= fade_mdb;
  if (link.record != nullptr && link.record->has_signal()) return link;
  if (link.distance_m > range_m) return std::nullopt;
  link.gain_mdb -= path_loss.loss_mdb(here, there) + shadow_mdb(from.place, to.place);
  const int mean_mdb = from.tx_mdb - from.tx_gain_mdb + link.gain_mdb;
  if (mean_mdb < to.hears_mdb) return std::nullopt;
  return link;
}

void RadioLinks::find_fixed(Neighbours& neighbours, std::uint32_t sender, Time now) {
  neighbours.fixed.clear();
  if (is_moving(sender)) return;
  const PathLoss& model = path_loss(neighbours.channel);
  const double range = range_m(neighbours.channel);
  for (std::uint32_t receiver = 0; receiver < radios_.size(); ++receiver) {
    if (receiver == sender || is_moving(receiver)) continue;
    if (const auto found = link(sender, receiver, model, range, now)) {
      neighbours.fixed.push_back(*found);
    }
  }
}

/// The fixed links and those that have an end that moves, all by their receivers.
void RadioLinks::find_all(Neighbours& neighbours, std::uint32_t sender, Time now) {
  const PathLoss& model = path_loss(neighbours.channel);
  neighbours.links.clear();
  std::size_t next = 0;
  const auto add = [&](std::uint32_t receiver) {
    const std::vector<RadioLink>& fixed = neighbours.fixed;
    while (next < fixed.size() && fixed[next].receiver < receiver) {
      neighbours.links.push_back(fixed[next++]);
    }
    if (receiver == sender || receiver == radios_.size()) return;
    constexpr double kAnywhere = std::numeric_limits<double>::infinity();
    if (const auto found = link(sender, receiver, model, kAnywhere, now)) {
      neighbours.links.push_back(*found);
    }
  };
  const auto end = static_cast<std::uint32_t>(radios_.size());
  if (is_moving(sender)) {
    for (std::uint32_t receiver = 0; receiver < end; ++receiver) add(receiver);
  } else {
    for (const std::uint32_t receiver : moving_) add(receiver);
  }
  add(end);
}

void RadioLinks::find(Neighbours& neighbours, std::uint32_t sender, ChannelMhz channel,
                      std::int64_t step, Time now) {
  if (neighbours.version != version_ || neighbours.channel != channel) {
    neighbours.version = version_;
    neighbours.channel = channel;
    find_fixed(neighbours, sender, now);
  }
  neighbours.step = step;
  find_all(neighbours, sender, now);
}

int RadioLinks::loss_from_mdb(const Position& from, std::uint32_t receiver, ChannelMhz channel,
                              Time now) {
  const Radio& radio = radios_[receiver];
  return path_loss(channel).loss_mdb(from, place_at(radio.place, now)) +
         places_[radio.place].fade_mdb;
}

}  // namespace twinbed::sim
