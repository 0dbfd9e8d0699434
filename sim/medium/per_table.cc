#include "sim/medium/per_table.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/check.h"
#include "core/base/portable_math.h"
#include "sim/medium/airtime.h"

namespace twinbed::sim {
namespace {

constexpr int kStepMdb = 10;
constexpr int kLowestMdb = -30'000;
constexpr int kHighestMdb = 60'000;
constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

// Lengths at which ns-3's table-based model was tabulated, and where it changes between them.
constexpr std::uint64_t kShortSampleBits = 8 * 32;
constexpr std::uint64_t kLongSampleBits = 8 * 1458;
constexpr std::uint64_t kLongBytes = 400;

/// 2^-(i / 1024) of kCertain.
constexpr int kPowerBits = 10;
std::array<std::uint64_t, (1 << kPowerBits) + 1> make_powers() {
  constexpr double kLn2 = 0.6931471805599453;
  std::array<std::uint64_t, (1 << kPowerBits) + 1> powers{};
  for (std::size_t i = 0; i < powers.size(); ++i) {
    const double exponent = -kLn2 * static_cast<double>(i) / (1 << kPowerBits);
    powers[i] = static_cast<std::uint64_t>(std::llround(portable_exp(exponent) * 0x1p32));
  }
  return powers;
}
const auto kPowers = make_powers();

/// 2^-x of kCertain, where x is in 2^-32; linear between 1025 powers, to 1e-7.
std::uint64_t power_of_half(std::uint64_t x) {
  const std::uint64_t whole = x >> 32;
  if (whole > 32) return 0;
  constexpr int kRestBits = 32 - kPowerBits;
  const std::uint64_t fraction = x & 0xffff'ffff;
  const std::uint64_t index = fraction >> kRestBits;
  const std::uint64_t rest = fraction & ((std::uint64_t{1} << kRestBits) - 1);
  const std::uint64_t fall = kPowers[index] - kPowers[index + 1];
  return (kPowers[index] - ((fall * rest) >> kRestBits)) >> whole;
}

std::uint32_t rounded(double fraction) {
  return static_cast<std::uint32_t>(
      std::llround(std::clamp(fraction * 0x1p32, 0.0, static_cast<double>(kMost))));
}

/// The loss exponent of one bit, where this many bits arrive with this probability.
std::uint32_t exponent_of(double success, std::uint64_t bits) {
  constexpr double kLog2E = 1.4426950408889634;
  if (success < 1e-300) return kMost;
  return rounded(-portable_log(success) * kLog2E / static_cast<double>(bits));
}

/// The lowest step from which on the sample is at most `bound`, where samples never rise.
template <class Sample>
int first_at_most(std::uint32_t bound, const Sample& sample) {
  int low = kLowestMdb / kStepMdb, high = kHighestMdb / kStepMdb;
  while (low < high) {
    const int middle = low + (high - low) / 2;
    if (sample(middle * kStepMdb) <= bound) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

}  // namespace

template <class Sample>
PerTable::Curve PerTable::sample_curve(std::uint32_t highest, const Sample& sample) {
  const int first = first_at_most(highest, sample) - 1;
  const int last = first_at_most(0, sample);
  Curve curve{first * kStepMdb, {}};
  for (int step = first; step <= last; ++step) curve.samples.push_back(sample(step * kStepMdb));
  return curve;
}

PerTable::PerTable(ErrorRateModel model, const TxParams& params)
    : is_tabulated_(model == ErrorRateModel::kTable) {
  const ErrorRate rate(model, params);
  const auto exponents = [&](std::uint64_t bits) {
    // No frame is shorter than the 26 bits of a symbol: half a bit and more is a lost frame.
    return sample_curve(kMost / 2, [&](int snr_mdb) {
      return exponent_of(rate.data_success(bits, snr_mdb / 1000.0), bits);
    });
  };
  exponents_[0] = exponents(is_tabulated_ ? kShortSampleBits : 1);
  if (is_tabulated_) exponents_[1] = exponents(kLongSampleBits);
  header_loss_ = sample_curve(kMost - 1, [&](int snr_mdb) {
    return rounded(1.0 - rate.header_success(snr_mdb / 1000.0));
  });
}

std::uint64_t PerTable::Curve::at(int snr_mdb, bool is_stepped) const {
  if (snr_mdb < first_mdb) return samples.front();
  const auto offset = static_cast<unsigned>(snr_mdb - first_mdb);
  const std::size_t index = offset / kStepMdb;
  if (index + 1 >= samples.size()) return samples.back();
  const unsigned rest = offset % kStepMdb;
  const std::uint64_t low = samples[index], high = samples[index + 1];
  if (is_stepped) return rest < kStepMdb / 2 ? low : high;
  return (low * (kStepMdb - rest) + high * rest) / kStepMdb;
}

/// From where on the curve is 0.
int PerTable::Curve::zero_from_mdb() const {
  if (samples.back() > 0) return std::numeric_limits<int>::max();
  return first_mdb + kStepMdb * static_cast<int>(samples.size() - 1);
}

const PerTable::Curve& PerTable::exponent_curve(std::uint64_t bits) const {
  return exponents_[is_tabulated_ && bits / 8 >= kLongBytes ? 1 : 0];
}

int PerTable::certain_from_mdb(std::uint64_t bits) const {
  return std::max(exponent_curve(bits).zero_from_mdb(), header_loss_.zero_from_mdb());
}

std::uint64_t PerTable::data_success(std::uint64_t bits, int snr_mdb) const {
  TWINBED_CHECK(bits >> 31 == 0, "more bits than a frame has");
  const std::uint64_t whole = is_tabulated_ ? 8 * std::max<std::uint64_t>(1, bits / 8) : bits;
  return power_of_half(whole * exponent_curve(bits).at(snr_mdb, is_tabulated_));
}

std::uint64_t PerTable::header_success(int snr_mdb) const {
  return kCertain - header_loss_.at(snr_mdb, is_tabulated_);
}

std::size_t PerTable::size_bytes() const {
  const std::size_t samples = exponents_[0].samples.size() + exponents_[1].samples.size() +
                              header_loss_.samples.size();
  return samples * sizeof(std::uint32_t);
}

const PerTable& PerTables::of(const TxParams& params) {
  std::uint32_t key = 0;
  const auto add = [&key](unsigned value, int bits) { key = key << bits | value; };
  add(static_cast<unsigned>(params.modulation), 1);
  add(params.mcs, 8);
  add(static_cast<unsigned>(spatial_streams(params)), 8);
  add(params.stbc_streams, 4);
  add(static_cast<unsigned>(params.bandwidth), 2);
  add(params.short_guard_interval ? 1 : 0, 1);
  add(params.ldpc ? 1 : 0, 1);
  std::unique_ptr<const PerTable>& table = tables_[key];
  if (!table) table = std::make_unique<const PerTable>(model_, params);
  return *table;
}

}  // namespace twinbed::sim
