// What is wrong with options of path-loss models: apart from the models, so that a program that
// only checks them needs no ns-3.
#include <algorithm>

#include "sim/medium/propagation.h"

namespace twinbed::sim {
namespace {

bool is_at_least_0(double value) { return value >= 0 && value < 1e9; }

bool is_positive(double value) { return value > 0 && value < 1e9; }
std::string_view mistake_in_three_log(const PathLossOptions& options) {
  const std::array<double, 3>& distances = options.distances_m;
  if (!is_positive(distances[0]) || !(distances[0] <= distances[1]) ||
      !(distances[1] <= distances[2])) {
    return "the three distances must be above 0 m and in rising order";
  }
  const bool are_exponents = std::ranges::all_of(options.exponents, is_at_least_0);
  return are_exponents ? "" : "each of the three exponents must be 0 or more";
}

std::string_view mistake_in_rooftops(const PathLossOptions& options) {
  const double degrees = options.street_orientation_deg;
  if (!(degrees >= 0 && degrees <= 90)) return "streets lie at 0 to 90 degrees to the path";
  const bool are_lengths = is_positive(options.rooftop_m) && is_positive(options.street_width_m) &&
                           is_positive(options.buildings_extend_m) &&
                           is_positive(options.building_separation_m);
  return are_lengths ? "" : "heights, widths and distances of houses must be above 0 m";
}

}  // namespace

std::string_view mistake_in_path_loss(const PathLossOptions& options) {
  if (options.reference_loss_db && !is_at_least_0(*options.reference_loss_db)) {
    return "a reference loss must be 0 dB or more";
  }
  switch (options.model) {
    case PathLossModel::kFriis:
    case PathLossModel::kTwoRay:
      if (!(options.system_loss >= 1 && options.system_loss < 1e9)) {
        return "a system loss is a factor of at least 1";
      }
      if (!is_at_least_0(options.min_loss_db)) return "the least loss must be 0 dB or more";
      if (!is_at_least_0(options.min_distance_m)) return "the least distance must be 0 m or more";
      return is_at_least_0(options.height_above_z_m) ? "" : "antennas must be 0 m or more above z";
    case PathLossModel::kLogDistance:
      if (!is_at_least_0(options.exponent)) return "a path-loss exponent must be 0 or more";
      return is_positive(options.reference_distance_m) ? ""
                                                       : "a reference distance must be above 0 m";
    case PathLossModel::kThreeLogDistance: return mistake_in_three_log(options);
    case PathLossModel::kOkumuraHata:
    case PathLossModel::kItuR1411Los: return "";
    case PathLossModel::kItuR1411Nlos: return mistake_in_rooftops(options);
    case PathLossModel::kRange:
      return is_at_least_0(options.max_range_m) ? "" : "a range must be 0 m or more";
    case PathLossModel::kFixed:
      return is_at_least_0(options.loss_db) ? "" : "a fixed loss must be 0 dB or more";
  }
  return "there is no such path-loss model";
}

}  // namespace twinbed::sim
