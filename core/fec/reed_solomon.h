// A systematic Reed-Solomon erasure code over GF(2^8): any k of n fragments give the k data
// fragments back.
//
// The field is that of the polynomial x^8 + x^4 + x^3 + x^2 + 1 (0x11d) with the generator 2. The
// generator matrix is that of zfec and of L. Rizzo, "Effective erasure codes for reliable computer
// communication protocols", 1997: a Vandermonde matrix
//
//     row 0: 1 0 0 ... 0        row i: 1 a^j a^2j a^3j ...  with j = i - 1
//
// times the inverse of its first k rows, which makes these the identity. A parity row depends on k
// and on its number alone, so that the parities of k/n begin those of k/(n + 1).
//
// The arithmetic is Intel's ISA-L, which chooses the best instructions of the processor.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/bytes.h"

namespace twinbed {

/// Nothing is allocated after construction. One object serves one thread at a time.
class ReedSolomon {
 public:
  static constexpr int kMostFragments = 255;

  /// A code of k data fragments among n; 1 <= k <= n <= kMostFragments.
  ReedSolomon(int k, int n);

  int k() const { return k_; }
  int n() const { return n_; }
  /// The k coefficients of a parity fragment, 0 <= parity < n - k.
  std::span<const std::uint8_t> row(int parity) const;

  /// Computes all parities: `fragments` are n places of `length` bytes each, of which the first k
  /// hold the data.
  void encode(std::span<std::byte* const> fragments, std::size_t length);

  /// Computes the data fragments that are missing, each in its place: `is_there[i]` says whether
  /// fragment i is, and at least k must be. Parities that are missing are left alone.
  void recover(std::span<std::byte* const> fragments, const std::vector<bool>& is_there,
               std::size_t length);

 private:
  using Coefficients = std::vector<std::uint8_t>;

  void solve();

  int k_;
  int n_;
  Coefficients generator_;  ///< n rows of k coefficients
  Coefficients encode_tables_;
  // Room to work in.
  std::vector<std::uint8_t*> sources_;
  std::vector<std::uint8_t*> targets_;
  std::vector<int> missing_;   ///< rows of the data fragments that are missing
  std::vector<int> parities_;  ///< rows of the parities that stand in for them
  Coefficients square_;
  Coefficients inverse_;
  Coefficients missing_rows_;
  Coefficients decode_tables_;
};

}  // namespace twinbed
