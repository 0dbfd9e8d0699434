// Numbers with units, as people write them, to and from exact integers.
//
// A quantity is a decimal number, at most one space, and a unit: "5 ms", "1.5 s", "10 Mbit/s",
// "64 KiB", "2 %". Nothing is rounded: what an integer in the base unit cannot hold is refused.
// Every error is one sentence that names a remedy.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"
#include "core/base/time.h"
#include "sim/faults/plan.h"

namespace twinbed::scenarios {

/// "7 ns", "250 us", "5 ms", "1.5 s", "2 min", "1 h"; may be negative.
Result<Duration> parse_duration(std::string_view text);
/// Whether the text has the form of a duration, be it in range or not.
bool looks_like_duration(std::string_view text);

/// A duration, or two with " .. " between them, the earlier one first: "20 s .. 21 s".
Result<sim::DurationRange> parse_duration_range(std::string_view text);
std::string format_duration_range(const sim::DurationRange& range);

/// Bits per second: "300 bit/s", "64 kbit/s", "10 Mbit/s", "1 Gbit/s", "1 Tbit/s"; never zero.
/// "unlimited" reads as 0.
Result<std::uint64_t> parse_rate(std::string_view text);
std::string format_rate(std::uint64_t bits_per_second);

/// Bytes: "1500 B", "64 KiB", "1 MiB", "2 GiB", "9 kB", "9 MB", "9 GB"; never zero.
/// "unlimited" reads as 0.
Result<std::uint64_t> parse_size(std::string_view text);
std::string format_size(std::uint64_t bytes);

/// A probability from 0 to 1: "2 %" or "0.02", which are the same double.
Result<double> parse_probability(std::string_view text);

/// Parts per million: "20 ppm", "-0.5 ppm".
Result<double> parse_ppm(std::string_view text);
std::string format_ppm(double ppm);

/// A unit of a measure that is a real number, as a power of ten of its base unit.
struct MeasureUnit {
  std::string_view name;
  int exponent = 0;
};
/// What the messages about a measure need to know. The first unit is the base unit.
struct Measure {
  std::string_view what;     ///< "a power"
  std::string_view example;  ///< "20 dBm"
  std::span<const MeasureUnit> units;
};
extern const Measure kPower;      ///< "20 dBm"
extern const Measure kRatio;      ///< "3 dB"
extern const Measure kGain;       ///< of antennas: "2 dBi"
extern const Measure kDistance;   ///< in metres: "150 m", "1.2 km"
extern const Measure kSpeed;      ///< in metres a second: "12 m/s"
extern const Measure kAngle;      ///< "45 deg"
extern const Measure kFrequency;  ///< in MHz: "5825 MHz", "5.825 GHz"

/// A number in the base unit; may be negative.
Result<double> parse_measure(std::string_view text, const Measure& measure);
std::string format_measure(double value, const Measure& measure);

/// The shortest decimal text that reads back to the same double.
std::string format_number(double value);

}  // namespace twinbed::scenarios
