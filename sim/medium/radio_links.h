// Which radios a radio can reach, and how much is lost on the way: everything about a link that
// does not change from frame to frame.
//
//   transmitter ──► list of its links, by receiver ──► mean gain, distance, what replaces the model
//
// Receivers that would not even be disturbed are not in the lists, so that a frame costs as much as
// there are radios near it, however many there are in the world. Between radios that stand still a
// link is computed once; one that has an end that moves, at most once in a position step.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/base/random_stream.h"
#include "core/base/time.h"
#include "core/io/radio.h"
#include "sim/medium/air_options.h"
#include "sim/medium/link_record.h"

namespace twinbed::sim {

struct RadioLink {
  std::uint32_t receiver = 0;  ///< a radio
  int gain_mdb = 0;            ///< on the mean, of the air and the sending antenna
  double distance_m = 0;
  LinkRecord* record = nullptr;  ///< what was measured, where that replaces the model
};

class RadioLinks {
 public:
  /// The options must be without mistake.
  RadioLinks(const AirOptions& options, std::uint64_t seed);

  /// A place with radios; returns its number.
  std::uint32_t add_place(std::unique_ptr<Mobility> mobility, bool is_moving);
  /// A radio there; returns its number. What its receiver notices is where its links end.
  std::uint32_t add_radio(std::uint32_t place, const CardOptions& card);
  /// Replaces the model between two places, in this direction.
  void set_record(std::uint32_t from, std::uint32_t to, LinkRecord record);
  /// What is lost on top at a place.
  void set_fade_mdb(std::uint32_t place, int loss_mdb);

  /// The links of a radio that sends, by their receivers; valid until the next call.
  std::span<const RadioLink> of(std::uint32_t sender, ChannelMhz channel, Time now) {
    Neighbours& neighbours = neighbours_[sender];
    const std::int64_t step = moving_.empty() ? 0 : to_ns(now) / to_ns(options_.position_step);
    const bool is_found = neighbours.version == version_ && neighbours.channel == channel;
    if (!is_found || neighbours.step != step) find(neighbours, sender, channel, step, now);
    return neighbours.links;
  }

  /// The mean loss from anywhere to a radio, in thousandths of a decibel, without antennas.
  int loss_from_mdb(const Position& from, std::uint32_t receiver, ChannelMhz channel, Time now);

  Position position(std::uint32_t place, Time now) { return place_at(place, now); }

 private:
  struct Place {
    SteppedMobility mobility;
    int fade_mdb = 0;
  };
  struct Radio {
    std::uint32_t place = 0;
    int tx_mdb = 0;        ///< power and gain of the sending antenna
    int hears_mdb = 0;     ///< the weakest mean power at which a link is kept
    int tx_gain_mdb = 0;
  };
  struct Neighbours {
    std::uint64_t version = 0;  ///< of the world for which it was made; 0: never
    std::int64_t step = -1;
    ChannelMhz channel{};
    std::vector<RadioLink> fixed;  ///< between ends that stand still
    std::vector<RadioLink> links;
  };
  struct Shadow {
    RandomStream random;
    Shadowing shadowing;
  };

  const Position& place_at(std::uint32_t place, Time now) {
    return places_[place].mobility.at(now);
  }
  bool is_moving(std::uint32_t radio) const {
    return places_[radios_[radio].place].mobility.is_moving();
  }
  void find(Neighbours& neighbours, std::uint32_t sender, ChannelMhz channel, std::int64_t step,
            Time now);
  void find_fixed(Neighbours& neighbours, std::uint32_t sender, Time now);
  void find_all(Neighbours& neighbours, std::uint32_t sender, Time now);
  std::optional<RadioLink> link(std::uint32_t sender, std::uint32_t receiver,
                                const PathLoss& path_loss, double range_m, Time now);
  int shadow_mdb(std::uint32_t a, std::uint32_t b);
  const PathLoss& path_loss(ChannelMhz channel);
  /// Beyond it no link between places that stand still can be strong enough.
  double range_m(ChannelMhz channel);

  AirOptions options_;
  std::uint64_t seed_;
  std::uint64_t version_ = 1;
  std::vector<Place> places_;
  std::vector<Radio> radios_;
  std::vector<std::uint32_t> moving_;  ///< radios
  std::vector<Neighbours> neighbours_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<LinkRecord>> records_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, Shadow> shadows_;
  std::map<ChannelMhz, std::unique_ptr<PathLoss>> path_losses_;
  std::map<ChannelMhz, std::pair<std::uint64_t, double>> ranges_;  ///< with the world's version
};

}  // namespace twinbed::sim
