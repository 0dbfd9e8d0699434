// Whether a frame survives what else is in the air: signal, noise and interference.
//
//   start      4 us        16 us          28 us         data                           end
//   |-preamble-|    ...    |-L-SIG HT-SIG-|     ...     |------------------------------|
//        |                        |                        |
//   must be recognised     found or lost as a whole   each stretch of constant interference has
//   (preamble_snr)         at its worst ratio         its share of the bits; successes multiply
//
// Interference is taken for noise, as ns-3 does (ns3::InterferenceHelper).
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/time.h"
#include "core/io/radio.h"
#include "sim/medium/air_options.h"
#include "sim/medium/rates.h"

namespace twinbed::sim {

/// Interference at a receiver for a while, at each antenna as a multiple of its noise.
struct Disturbance {
  Time begin{};
  Time end{};
  std::array<double, kMaxAntennas> over_noise{};
};

/// A signal at a receiver: the power at each antenna that is on, and the noise at all of them.
struct Signal {
  std::array<int, kMaxAntennas> power_mdb{};
  std::uint8_t antennas = 0;
  int noise_mdb = 0;
  Combining combining{};
};

/// The signal-to-noise ratio behind the combiner, without interference.
int combined_snr_mdb(const Signal& signal);

/// The same with interference.
int combined_sinr_mdb(const Signal& signal, std::span<const double> over_noise);

/// The probability that a frame without interference arrives, of kCertain. Its preamble has been
/// recognised.
std::uint64_t clean_success(const FrameRate& rate, int snr_mdb);

/// Reckons with disturbances; keeps its memory from frame to frame.
class DisturbedReception {
 public:
  /// The probability that the frame that began at `start` arrives, of kCertain; 0 where its
  /// preamble is not recognised.
  std::uint64_t success(const FrameRate& rate, Time start, const Signal& signal,
                        int preamble_snr_mdb, std::span<const Disturbance> disturbances);

 private:
  void find_boundaries(Time start, Time end, std::span<const Disturbance> disturbances);

  std::vector<Time> boundaries_;
};

}  // namespace twinbed::sim
