#include "sim/medium/reception.h"

#include <algorithm>
#include <limits>

#include "sim/medium/decibel.h"

namespace twinbed::sim {
namespace {

constexpr Duration kPreambleEnd = std::chrono::microseconds(4);
constexpr Duration kHeaderBegin = std::chrono::microseconds(16);
constexpr Duration kHeaderEnd = std::chrono::microseconds(28);

std::uint64_t product(std::uint64_t a, std::uint64_t b) {
  // Both are at most 2^32, so that the product may just not fit.
  if (a == kCertain) return b;
  return a * b >> 32;
}

/// How much of [begin, end) lies in [from, to).
Duration overlap(Time begin, Time end, Time from, Time to) {
  return std::max(Duration{}, std::min(end, to) - std::max(begin, from));
}

}  // namespace

int combined_snr_mdb(const Signal& signal) {
  constexpr std::array<double, kMaxAntennas> kNothing{};
  return combined_sinr_mdb(signal, kNothing);
}

int combined_sinr_mdb(const Signal& signal, std::span<const double> over_noise) {
  double sum = 0, best = 0;
  for (std::size_t i = 0; i < signal.antennas; ++i) {
    const double ratio =
        ratio_from_mdb(signal.power_mdb[i] - signal.noise_mdb) / (1 + over_noise[i]);
    sum += ratio;
    best = std::max(best, ratio);
  }
  return mdb_from_ratio(signal.combining == Combining::kSelection ? best : sum);
}

std::uint64_t clean_success(const FrameRate& rate, int snr_mdb) {
  return product(rate.errors->header_success(snr_mdb),
                 rate.errors->data_success(rate.data_bits, snr_mdb));
}

void DisturbedReception::find_boundaries(Time start, Time end,
                                         std::span<const Disturbance> disturbances) {
  boundaries_.clear();
  boundaries_.push_back(start);
  boundaries_.push_back(end);
  for (const Disturbance& disturbance : disturbances) {
    if (disturbance.begin > start && disturbance.begin < end) {
      boundaries_.push_back(disturbance.begin);
    }
    if (disturbance.end > start && disturbance.end < end) boundaries_.push_back(disturbance.end);
  }
  std::sort(boundaries_.begin(), boundaries_.end());
}

std::uint64_t DisturbedReception::success(const FrameRate& rate, Time start, const Signal& signal,
                                          int preamble_snr_mdb,
                                          std::span<const Disturbance> disturbances) {
  const Time end = start + rate.airtime;
  const Time data = start + rate.preamble;
  find_boundaries(start, end, disturbances);
  int worst_header_mdb = std::numeric_limits<int>::max();
  std::uint64_t probability = kCertain;
  std::uint64_t bits_before = 0;
  for (std::size_t i = 0; i + 1 < boundaries_.size(); ++i) {
    const Time from = boundaries_[i], to = boundaries_[i + 1];
    if (from == to) continue;
    std::array<double, kMaxAntennas> over_noise{};
    for (const Disturbance& disturbance : disturbances) {
      if (disturbance.begin >= to || disturbance.end <= from) continue;
      for (std::size_t a = 0; a < signal.antennas; ++a) over_noise[a] += disturbance.over_noise[a];
    }
    const int sinr_mdb = combined_sinr_mdb(signal, over_noise);
    const bool is_in_preamble = overlap(from, to, start, start + kPreambleEnd) > Duration{};
    if (is_in_preamble && sinr_mdb < preamble_snr_mdb) return 0;
    if (overlap(from, to, start + kHeaderBegin, start + kHeaderEnd) > Duration{}) {
      worst_header_mdb = std::min(worst_header_mdb, sinr_mdb);
    }
    if (to <= data) continue;
    // Shares of the bits are counted from the data's begin, so that none is lost by rounding.
    const auto data_ns = static_cast<std::uint64_t>(to_ns(end - data));
    const auto passed_ns = static_cast<std::uint64_t>(to_ns(to - data));
    const std::uint64_t bits = rate.data_bits * passed_ns / data_ns;
    if (bits == bits_before) continue;
    probability = product(probability, rate.errors->data_success(bits - bits_before, sinr_mdb));
    bits_before = bits;
  }
  return product(probability, rate.errors->header_success(worst_header_mdb));
}

}  // namespace twinbed::sim
