// The packet error rate as a table: sampled from ns-3 once, integers from then on.
//
// What is kept is not the error rate of a length but the loss exponent of a bit, -log2 of the
// probability that one bit arrives, for every 0.01 dB of the signal-to-noise ratio:
//
//     P(all bits arrive) = 2^(-bits * exponent(SNR))
//
// ns-3's NIST and Yans models are of this form for any number of bits, so that one table serves all
// lengths. Its table-based model is so below 400 bytes and from 400 bytes on, so that it has
// two. Between two samples the exponent is a straight line; the table-based model has steps of
// 0.01 dB itself, and the nearest sample is the model's own value.
//
// All entries are rounded to integers and looking up is integer arithmetic: the last bits in which
// C libraries differ cannot change a run.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "sim/medium/error_rate.h"

namespace twinbed::sim {

/// Probabilities are integers here; this one is certainty.
inline constexpr std::uint64_t kCertain = std::uint64_t{1} << 32;

/// Signal-to-noise ratios are in thousandths of a decibel (mdb): the curves fall by up to 1.3 a
/// decibel, so that hundredths would shift an error rate by 0.006.
class PerTable {
 public:
  /// Samples ns-3; takes some milliseconds.
  PerTable(ErrorRateModel model, const TxParams& params);

  /// The probability that so many bits of the data field arrive without error, of kCertain. For a
  /// whole frame they are data_bits_per_stream(); where interference changes within the frame, the
  /// parts' probabilities multiply. At most 2^31 bits.
  std::uint64_t data_success(std::uint64_t bits, int snr_mdb) const;

  /// The probability that all headers arrive, of kCertain (ErrorRate::header_success).
  std::uint64_t header_success(int snr_mdb) const;

  /// The lowest ratio from which on headers and so many bits arrive for certain.
  int certain_from_mdb(std::uint64_t bits) const;

  /// Memory of the samples, in bytes.
  std::size_t size_bytes() const;

 private:
  /// Samples at first_mdb, first_mdb + 10, ...; beyond its ends the last one holds.
  struct Curve {
    int first_mdb = 0;
    std::vector<std::uint32_t> samples;

    std::uint64_t at(int snr_mdb, bool is_stepped) const;
    int zero_from_mdb() const;
  };
  const Curve& exponent_curve(std::uint64_t bits) const;
  template <class Sample>
  static Curve sample_curve(std::uint32_t highest, const Sample& sample);

  bool is_tabulated_;  // by ns-3, which then has the steps
  std::array<Curve, 2> exponents_;  // of a bit, in 2^-32; the second for 400 bytes and more
  Curve header_loss_;               // of kCertain
};

/// The tables of one error-rate model, each made when it is first asked for.
class PerTables {
 public:
  explicit PerTables(ErrorRateModel model) : model_(model) {}

  /// Valid as long as this object lives: who sends many frames alike asks once.
  const PerTable& of(const TxParams& params);

 private:
  ErrorRateModel model_;
  std::map<std::uint32_t, std::unique_ptr<const PerTable>> tables_;
};

}  // namespace twinbed::sim
