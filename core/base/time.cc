#include "core/base/time.h"

#include <array>
#include <cstdio>

namespace twinbed {

std::string format_time(Time time) {
  const std::int64_t ns = to_ns(time);
  const std::int64_t magnitude = ns < 0 ? -ns : ns;
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%s%lld.%09lld s", ns < 0 ? "-" : "",
                static_cast<long long>(magnitude / 1'000'000'000),
                static_cast<long long>(magnitude % 1'000'000'000));
  return text.data();
}

std::string format_duration(Duration duration) {
  struct Unit {
    std::int64_t ns;
    const char* name;
    int digits;
  };
  static constexpr std::array<Unit, 4> kUnits{
      {{1'000'000'000, "s", 9}, {1'000'000, "ms", 6}, {1'000, "us", 3}, {1, "ns", 0}}};
  const std::int64_t ns = duration.count();
  if (ns == 0) return "0 s";
  const std::int64_t magnitude = ns < 0 ? -ns : ns;
  for (const Unit& unit : kUnits) {
    if (magnitude < unit.ns) continue;
    std::string text = ns < 0 ? "-" : "";
    text += std::to_string(magnitude / unit.ns);
    if (std::int64_t rest = magnitude % unit.ns; rest != 0) {
      std::string fraction = std::to_string(rest);
      fraction.insert(0, static_cast<std::size_t>(unit.digits) - fraction.size(), '0');
      fraction.erase(fraction.find_last_not_of('0') + 1);
      text += "." + fraction;
    }
    return text + " " + unit.name;
  }
  return std::to_string(ns) + " ns";
}

}  // namespace twinbed
