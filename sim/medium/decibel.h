// Decibels as integers of a thousandth (mdb), and back: equal bits on every machine.
#pragma once

#include <algorithm>
#include <cstdint>

namespace twinbed::sim {

/// 10^(mdb / 10,000), for -3,000 dB to 3,000 dB; relative error below 1e-13.
double ratio_from_mdb(int mdb);

/// The nearest thousandth of a decibel of a ratio of powers; what is not above 1e-300 is -3,000 dB.
int mdb_from_ratio(double ratio);

/// The nearest thousandth of a decibel, for results of models; at most 1,000 dB either way, and
/// what is no number is 1,000 dB.
int mdb_from_db(double db);

/// A power as radiotap has it: whole dBm, rounded to the nearest, -127 to 126.
inline std::int8_t dbm_from_mdb(int mdb) {
  const int shifted = mdb + (mdb < 0 ? -500 : 500);
  return static_cast<std::int8_t>(std::clamp(shifted / 1000, -127, 126));
}

}  // namespace twinbed::sim
