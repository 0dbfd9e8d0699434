// Powers of fading signals by one look into a table: the quantiles of a gamma distribution.
//
// The quantile function is kept in thousandths of a decibel. Both halves of the distribution are
// divided into octaves of probability, 1/4 to 1/2, 1/8 to 1/4 and so on down to 2^-41, and each
// octave into 64 cells, between whose ends it is a straight line: deep fades are as exact as the
// median. A draw takes one random word, whatever comes out of it.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/base/random.h"

namespace twinbed::sim {

class GammaQuantiles {
 public:
  /// Of Gamma(shape, 1 / shape), whose mean is 1; shape 0.5 to 1000. Takes some milliseconds.
  explicit GammaQuantiles(double shape);

  /// A power, in thousandths of a decibel.
  int draw_mdb(Random& random) const { return at_mdb(random.next()); }

  /// The power below which lies a part of the distribution: of the lower half where the highest bit
  /// is 0, and the other 63 then are the probability, of 2^64; of the upper half where it is 1, and
  /// they are that of all larger powers.
  int at_mdb(std::uint64_t bits) const {
    const auto half = static_cast<std::size_t>(bits >> 63);
    const std::uint64_t rest = bits << 1 | 1;
    const auto zeros = static_cast<std::size_t>(std::countl_zero(rest));
    const std::size_t octave = zeros < kOctaves ? zeros : kOctaves - 1;
    const std::uint64_t position = rest << octave << 1;  // within the octave, of 2^64
    const std::int32_t* const ends =
        &ends_mdb_[half][octave * kEnds + static_cast<std::size_t>(position >> kCellShift)];
    constexpr int kFractionBits = 20;
    const auto fraction = static_cast<std::int64_t>(position << (64 - kCellShift) >>
                                                    (64 - kFractionBits));
    constexpr std::int64_t kHalf = 1 << (kFractionBits - 1);
    const std::int64_t rise = (ends[1] - ends[0]) * fraction + kHalf;
    return static_cast<int>(ends[0] + (rise >> kFractionBits));
  }

 private:
  static constexpr std::size_t kOctaves = 40;
  static constexpr std::size_t kCells = 64;
  static constexpr std::size_t kEnds = kCells + 1;  // an octave's last is its neighbour's first
  static constexpr int kCellShift = 58;

  void fill(double shape, bool is_upper);

  /// Below and above the median; within an octave from the smaller tail to the larger.
  std::array<std::array<std::int32_t, kOctaves * kEnds>, 2> ends_mdb_{};
};

}  // namespace twinbed::sim
