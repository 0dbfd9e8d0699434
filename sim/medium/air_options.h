// What the air and the cards in it are like: plain data, as scenarios say it.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "sim/medium/error_rate.h"
#include "sim/medium/fading.h"
#include "sim/medium/mobility.h"
#include "sim/medium/propagation.h"

namespace twinbed::sim {

/// What is the same for all cards.
struct AirOptions {
  ErrorRateModel error_rate{};  ///< a choice of the scenario: the models differ by decibels
  PathLossOptions path_loss;
  ShadowingOptions shadowing;
  FadingOptions fading;
  /// How long a link's fading stays as it is; 0: it is drawn anew for each frame.
  Duration coherence{};
  /// What is lost between two cards of one node, whose antennas stand side by side. It is that of
  /// free space over 0.4 m at 5.8 GHz.
  double isolation_db = 40;
  /// Positions are taken at multiples of this, so that links that do not change cost nothing.
  Duration position_step = std::chrono::milliseconds(1);

  bool operator==(const AirOptions&) const = default;
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_air(const AirOptions& options);

/// How a receiver puts the signals of its antennas together.
enum class Combining : std::uint8_t {
  kMaximumRatio,  ///< signal-to-noise ratios add up (Brennan 1959)
  kSelection,     ///< the best antenna alone counts
};

struct CardOptions {
  ChannelMhz channel{5825};
  double tx_power_dbm = 20;
  std::vector<double> antenna_gains_dbi = {0};  ///< 1 to 4; it sends on the first
  /// Between the powers of any two antennas under Rayleigh fading, 0 to 1.
  double antenna_correlation = 0;
  Combining combining = Combining::kMaximumRatio;
  double noise_figure_db = 7;
  /// The weakest signal that is noticed at all (ns3::WifiPhy::RxSensitivity).
  double sensitivity_dbm = -101;
  /// The least ratio at which a preamble is recognised
  /// (ns3::ThresholdPreambleDetectionModel::Threshold).
  double preamble_snr_db = 4;
  std::uint32_t queue_frames = 128;  ///< of the device; what comes on top is refused with ENOBUFS
  /// It waits for silence before it sends: DIFS and a random back-off (802.11 DCF, IEEE
  /// 802.11-2020, section 10.3). Broadcasts are not acknowledged, so that the contention window
  /// stays as it is.
  bool carrier_sense = true;
  std::uint32_t contention_window = 15;  ///< slots of back-off are 0 to this
  double carrier_sense_dbm = -82;        ///< a preamble from which the medium is busy
  double energy_detection_dbm = -62;     ///< noise from which the medium is busy

  bool operator==(const CardOptions&) const = default;
};

/// What makes these options impossible, in one sentence; empty: nothing.
std::string_view mistake_in_card(const CardOptions& options);

/// A node's cards, all at one place.
struct RadioNode {
  std::unique_ptr<Mobility> mobility;
  bool is_moving = false;  ///< false: the position is that of the start for ever
  std::vector<CardOptions> cards;
};

}  // namespace twinbed::sim
