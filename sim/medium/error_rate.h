// How often a frame of 802.11n or ac arrives whole at a given signal-to-noise ratio: ns-3's
// ErrorRateModels, called as ns-3's own receiver calls them.
//
// ns-3 keeps registries without locks: one thread of a process at a time makes and asks these. In a
// run nothing asks them but the tables made of them (sim/medium/per_table.h).
#pragma once

#include <cstdint>
#include <memory>

#include "core/io/radio.h"

namespace twinbed::sim {

/// Which of ns-3's models; they differ by decibels, so that a scenario has to choose.
enum class ErrorRateModel : std::uint8_t {
  kNist,  ///< ns3::NistErrorRateModel: union bounds, checked against measurements (Pei, Henderson)
  kYans,  ///< ns3::YansErrorRateModel: the first-order bounds of the simulator Yans
  /// ns3::TableBasedErrorRateModel: link simulations in white noise. It has steps of 0.01 dB in the
  /// signal-to-noise ratio and of whole bytes in the length.
  kTable,
};

class ErrorRate {
 public:
  /// Of frames sent with these parameters, which must be without mistake (mistake_in_rate).
  ErrorRate(ErrorRateModel model, const TxParams& params);
  ~ErrorRate();
  ErrorRate(const ErrorRate&) = delete;
  ErrorRate& operator=(const ErrorRate&) = delete;

  /// The probability that so many bits of the data field arrive without error. For a whole frame
  /// they are data_bits_per_stream() of its PSDU, as the model knows one spatial stream.
  double data_success(std::uint64_t bits, double snr_db) const;

  /// The probability that the headers arrive: L-SIG and HT-SIG, or L-SIG and VHT-SIG-A. Each is
  /// lost or found alone, and without all of them the data are lost. Whether the preamble is
  /// noticed at all is a matter of power and not of this.
  double header_success(double snr_db) const;

 private:
  struct Ns3;
  std::unique_ptr<Ns3> ns3_;
};

}  // namespace twinbed::sim
