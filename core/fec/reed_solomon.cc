#include "core/fec/reed_solomon.h"

#include <isa-l/erasure_code.h>

#include <algorithm>

#include "core/base/check.h"

namespace twinbed {
namespace {

/// ISA-L's expanded form of one coefficient.
constexpr std::size_t kTableBytes = 32;

std::size_t size(int count) { return static_cast<std::size_t>(count); }

std::uint8_t* raw(std::byte* bytes) { return reinterpret_cast<std::uint8_t*>(bytes); }

/// The first k columns of n rows of powers, as described in the header.
std::vector<std::uint8_t> vandermonde(int k, int n) {
  std::vector<std::uint8_t> rows(size(n) * size(k));
  rows[0] = 1;
  std::uint8_t base = 1;  // 2 to the power of the row's number less one
  for (int row = 1; row < n; ++row) {
    std::uint8_t power = 1;
    for (int column = 0; column < k; ++column) {
      rows[size(row) * size(k) + size(column)] = power;
      power = gf_mul(power, base);
    }
    base = gf_mul(base, 2);
  }
  return rows;
}

/// `row` of k coefficients times a k by k matrix.
void multiply(const std::uint8_t* row, const std::vector<std::uint8_t>& matrix, int k,
              std::uint8_t* product) {
  for (int column = 0; column < k; ++column) {
    std::uint8_t sum = 0;
    for (int i = 0; i < k; ++i) {
      sum = static_cast<std::uint8_t>(sum ^
                                      gf_mul(row[i], matrix[size(i) * size(k) + size(column)]));
    }
    product[column] = sum;
  }
}

}  // namespace

ReedSolomon::ReedSolomon(int k, int n)
    : k_(k),
      n_(n),
      generator_(size(n) * size(k)),
      encode_tables_(kTableBytes * size(k) * size(n - k)),
      sources_(size(k)),
      targets_(size(n - k)) {
  TWINBED_CHECK(1 <= k && k <= n && n <= kMostFragments, "no such code: 1 <= k <= n <= 255");
  const std::vector<std::uint8_t> powers = vandermonde(k, n);
  std::vector<std::uint8_t> first_rows(powers.begin(), powers.begin() + k * k);
  std::vector<std::uint8_t> inverse(first_rows.size());
  const int singular = gf_invert_matrix(first_rows.data(), inverse.data(), k);
  TWINBED_CHECK(singular == 0, "the rows of a Vandermonde matrix are independent");
  for (int row = 0; row < n; ++row) {
    const std::size_t at = size(row) * size(k);
    multiply(&powers[at], inverse, k, &generator_[at]);
  }
  if (n > k) ec_init_tables(k, n - k, &generator_[size(k) * size(k)], encode_tables_.data());

  const std::size_t most_missing = size(std::min(k, n - k));
  missing_.reserve(most_missing);
  parities_.reserve(most_missing);
  square_.resize(most_missing * most_missing);
  inverse_.resize(square_.size());
  missing_rows_.resize(most_missing * size(k));
  decode_tables_.resize(kTableBytes * missing_rows_.size());
}

std::span<const std::uint8_t> ReedSolomon::row(int parity) const {
  return std::span(generator_).subspan(size(k_ + parity) * size(k_), size(k_));
}

void ReedSolomon::encode(std::span<std::byte* const> fragments, std::size_t length) {
  if (n_ == k_ || length == 0) return;
  std::transform(fragments.begin(), fragments.begin() + k_, sources_.begin(), raw);
  std::transform(fragments.begin() + k_, fragments.begin() + n_, targets_.begin(), raw);
  ec_encode_data(static_cast<int>(length), k_, n_ - k_, encode_tables_.data(), sources_.data(),
                 targets_.data());
}

void ReedSolomon::recover(std::span<std::byte* const> fragments, const std::vector<bool>& is_there,
                          std::size_t length) {
  // Parities take the places of what is missing, the lowest ones first.
  missing_.clear();
  parities_.clear();
  int parity = k_;
  for (int row = 0; row < k_; ++row) {
    int used = row;
    if (!is_there[size(row)]) {
      while (parity < n_ && !is_there[size(parity)]) ++parity;
      TWINBED_CHECK(parity < n_, "fewer than k fragments are there");
      used = parity++;
      targets_[missing_.size()] = raw(fragments[size(row)]);
      missing_.push_back(row);
      parities_.push_back(used);
    }
    sources_[size(row)] = raw(fragments[size(used)]);
  }
  if (missing_.empty() || length == 0) return;
  solve();
  const int count = static_cast<int>(missing_.size());
  ec_init_tables(k_, count, missing_rows_.data(), decode_tables_.data());
  ec_encode_data(static_cast<int>(length), k_, count, decode_tables_.data(), sources_.data(),
                 targets_.data());
}

/// What is missing, M, as combinations of the sources. With the parities p = P_M M + P_A A, where A
/// is the data that is there, M = Q p + Q P_A A for Q the inverse of P_M: signs mean nothing here.
void ReedSolomon::solve() {
  const std::size_t count = missing_.size();
  for (std::size_t i = 0; i < count; ++i) {
    for (std::size_t j = 0; j < count; ++j) {
      square_[i * count + j] = generator_[size(parities_[i]) * size(k_) + size(missing_[j])];
    }
  }
  const int singular = gf_invert_matrix(square_.data(), inverse_.data(), static_cast<int>(count));
  TWINBED_CHECK(singular == 0, "any k rows of the generator matrix are independent");
  for (std::size_t i = 0; i < count; ++i) {
    std::uint8_t* row = &missing_rows_[i * size(k_)];
    for (std::size_t column = 0; column < size(k_); ++column) {
      std::uint8_t sum = 0;
      for (std::size_t j = 0; j < count; ++j) {
        const std::uint8_t coefficient = generator_[size(parities_[j]) * size(k_) + column];
        sum = static_cast<std::uint8_t>(sum ^ gf_mul(inverse_[i * count + j], coefficient));
      }
      row[column] = sum;
    }
    for (std::size_t j = 0; j < count; ++j) row[missing_[j]] = inverse_[i * count + j];
  }
}

}  // namespace twinbed
