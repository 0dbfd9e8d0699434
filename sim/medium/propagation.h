// How much weaker a signal is at one place than at another: ns-3's PropagationLossModels.
//
// Here is the mean loss of a path, a function of two positions and a frequency alone, computed by
// ns-3. What is random about a path, shadowing and fading, is in sim/medium/fading.h and draws from
// our streams. A matrix of losses is one kFixed for each link.
//
// As with all that calls ns-3: one thread of a process at a time.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "core/io/radio.h"
#include "sim/medium/position.h"

namespace twinbed::sim {

enum class PathLossModel : std::uint8_t {
  kFriis,             ///< free space
  kLogDistance,       ///< 10 n log10(d / d0) beyond a reference distance
  kThreeLogDistance,  ///< three fields, each with an exponent of its own
  kTwoRay,            ///< a ray reflected by flat ground; Friis below the crossover distance
  /// Cities, 150 to 1500 MHz; above, COST 231's extension. ns-3 3.37 has 4.70 in open areas where
  /// Hata has 4.78, some 0.7 dB more.
  kOkumuraHata,
  kItuR1411Los,       ///< street canyons, in line of sight (ITU-R P.1411)
  kItuR1411Nlos,      ///< over rooftops, without line of sight (ITU-R P.1411)
  kRange,             ///< nothing is lost up to a distance, everything beyond
  kFixed,             ///< the same loss everywhere
};
enum class Environment : std::uint8_t { kUrban, kSuburban, kOpen };
enum class CitySize : std::uint8_t { kSmall, kMedium, kLarge };

/// A model and its parameters, named and set as ns-3's attributes are; each belongs to the models
/// named with it and means nothing to the others.
struct PathLossOptions {
  PathLossModel model{};

  double system_loss = 1;  ///< kFriis, kTwoRay: a factor of at least 1
  double min_loss_db = 0;  ///< kFriis: never less than this

  double exponent = 3;              ///< kLogDistance
  double reference_distance_m = 1;  ///< kLogDistance
  /// kLogDistance, kThreeLogDistance: the loss at the reference distance, or at the first of three.
  /// Without one, that of free space at the frequency in use; ns-3 has that of 5.15 GHz always.
  std::optional<double> reference_loss_db = std::nullopt;
  /// kThreeLogDistance: where each field begins; nothing is lost before the first.
  std::array<double, 3> distances_m = {1, 200, 500};
  std::array<double, 3> exponents = {1.9, 3.8, 3.8};  ///< kThreeLogDistance

  double min_distance_m = 0.5;  ///< kTwoRay: nothing is lost up to here
  double height_above_z_m = 0;  ///< kTwoRay: of every antenna above its position

  Environment environment = Environment::kUrban;  ///< kOkumuraHata, kItuR1411Nlos
  CitySize city_size = CitySize::kLarge;          ///< kOkumuraHata, kItuR1411Nlos
  double rooftop_m = 20;                          ///< kItuR1411Nlos: height of the houses
  double street_width_m = 20;                     ///< kItuR1411Nlos
  double street_orientation_deg = 45;             ///< kItuR1411Nlos: towards the path, 0 to 90
  double buildings_extend_m = 80;                 ///< kItuR1411Nlos: length of the built-up path
  double building_separation_m = 50;              ///< kItuR1411Nlos

  double max_range_m = 250;  ///< kRange
  double loss_db = 0;        ///< kFixed

  bool operator==(const PathLossOptions&) const = default;
};

/// What makes these options impossible, in one sentence with the remedy; empty: nothing.
std::string_view mistake_in_path_loss(const PathLossOptions& options);

class PathLoss {
 public:
  /// The options must be without mistake.
  PathLoss(const PathLossOptions& options, ChannelMhz frequency);
  ~PathLoss();
  PathLoss(const PathLoss&) = delete;
  PathLoss& operator=(const PathLoss&) = delete;

  /// The mean loss in thousandths of a decibel, 0 to 1,000 dB. Okumura-Hata and ITU-R P.1411 know
  /// no height below 1 m: lower positions are taken to be that high.
  int loss_mdb(const Position& from, const Position& to) const;

 private:
  struct Ns3;
  PathLossModel model_;
  std::unique_ptr<Ns3> ns3_;
};

}  // namespace twinbed::sim
