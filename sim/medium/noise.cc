#include "sim/medium/noise.h"

#include "sim/medium/airtime.h"
#include "sim/medium/decibel.h"

namespace twinbed::sim {

int noise_floor_mdb(Bandwidth bandwidth, int noise_figure_mdb) {
  constexpr double kBoltzmann = 1.3803e-23;  // ns-3's digits, in J/K
  constexpr double kKelvin = 290;
  constexpr double kMilliwatts = 1e3;
  const double hertz = 1e6 * bandwidth_mhz(bandwidth);
  return mdb_from_ratio(kBoltzmann * kKelvin * hertz * kMilliwatts) + noise_figure_mdb;
}

}  // namespace twinbed::sim
