#include "sim/medium/air_options.h"

#include <algorithm>

namespace twinbed::sim {
namespace {

constexpr double kMostDb = 200;

bool is_level(double db) { return db >= -kMostDb && db <= kMostDb; }

}  // namespace

std::string_view mistake_in_air(const AirOptions& options) {
  for (const std::string_view mistake :
       {mistake_in_path_loss(options.path_loss), mistake_in_shadowing(options.shadowing),
        mistake_in_fading(options.fading)}) {
    if (!mistake.empty()) return mistake;
  }
  if (options.coherence < Duration{}) return "the coherence time must not be negative";
  if (!is_level(options.isolation_db)) return "the isolation of cards is -200 to 200 dB";
  if (options.position_step < std::chrono::microseconds(1)) {
    return "the position step must be 1 us or more";
  }
  return "";
}

std::string_view mistake_in_card(const CardOptions& options) {
  const std::vector<double>& gains = options.antenna_gains_dbi;
  if (gains.empty() || gains.size() > kMaxAntennas) return "a card has 1 to 4 antennas";
  if (!std::all_of(gains.begin(), gains.end(), is_level)) {
    return "the gain of an antenna is -200 to 200 dBi";
  }
  if (!(options.antenna_correlation >= 0 && options.antenna_correlation <= 1)) {
    return "the correlation of antennas is 0 to 1";
  }
  for (const double level : {options.tx_power_dbm, options.noise_figure_db,
                             options.sensitivity_dbm, options.preamble_snr_db,
                             options.carrier_sense_dbm, options.energy_detection_dbm}) {
    if (!is_level(level)) return "powers are -200 to 200 dBm and ratios -200 to 200 dB";
  }
  if (options.queue_frames == 0) return "a transmit queue holds at least 1 frame";
  return options.contention_window <= 1023 ? "" : "a contention window is 0 to 1023 slots";
}

}  // namespace twinbed::sim
