#include "core/protocols/wfb/antenna_stats.h"

#include <algorithm>
#include <cmath>

#include "core/base/portable_math.h"

namespace twinbed::wfb {
namespace {

constexpr double kLn10 = 2.302585092994046;
constexpr std::int8_t kUnknownNoise = 127;
constexpr std::uint8_t kUnknownAntenna = 0xff;

/// The power of a whole number of dB from -255 to 255.
double power_of(int decibels) {
  constexpr int kMost = 255;
  static const std::array<double, 2 * kMost + 1> powers = [] {
    std::array<double, 2 * kMost + 1> table{};
    for (int i = -kMost; i <= kMost; ++i) {
      table[static_cast<std::size_t>(i + kMost)] = portable_exp(i * kLn10 / 10);
    }
    return table;
  }();
  return powers[static_cast<std::size_t>(std::clamp(decibels, -kMost, kMost) + kMost)];
}

}  // namespace

void DecibelStats::add(int decibels) {
  DecibelStats one;
  one.least_ = one.most_ = decibels;
  one.power_ = power_of(decibels);
  one.count_ = 1;
  merge(one);
}

void DecibelStats::merge(const DecibelStats& other) {
  if (other.count_ == 0) return;
  least_ = count_ == 0 ? other.least_ : std::min(least_, other.least_);
  most_ = count_ == 0 ? other.most_ : std::max(most_, other.most_);
  power_ += other.power_;
  count_ += other.count_;
}

int DecibelStats::mean() const {
  if (count_ == 0) return 0;
  return static_cast<int>(
      std::lround(portable_log(power_ / static_cast<double>(count_)) * 10 / kLn10));
}

void AntennaTable::add(std::uint32_t node_address, const Reception& reception) {
  for (const AntennaReading& reading : reception.readings) {
    if (reading.antenna == kUnknownAntenna) continue;
    AntennaStats& row =
        rows_[{reception.mhz, reception.mcs, reception.bandwidth_mhz,
               AntennaId::of(node_address, reception.wlan, reading.antenna)}];
    ++row.count;
    row.signal_dbm.add(reading.signal_dbm);
    row.snr_db.add(reading.noise_dbm == kUnknownNoise ? 0
                                                      : reading.signal_dbm - reading.noise_dbm);
  }
}

void AntennaTable::clear() {
  std::erase_if(rows_, [](const auto& row) { return row.second.count == 0; });
  for (auto& [key, stats] : rows_) stats = {};
}

}  // namespace twinbed::wfb
