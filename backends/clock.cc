#include "backends/clock.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "backends/event_loop.h"
#include "core/base/check.h"

namespace twinbed::backends {
namespace {

__extension__ typedef __int128 Wide;
constexpr std::int64_t kBillion = 1'000'000'000;

std::int64_t clamp_ns(Wide value) {
  constexpr Wide kLow = std::numeric_limits<std::int64_t>::min();
  constexpr Wide kHigh = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(value, kLow, kHigh));
}

}  // namespace

Clock::Clock(std::int64_t run_start_monotonic_ns, const ClockSettings& settings)
    : run_start_ns_(run_start_monotonic_ns),
      offset_(settings.offset),
      base_monotonic_ns_(run_start_monotonic_ns),
      last_ns_(std::numeric_limits<std::int64_t>::min()) {
  set_drift(settings.drift_ppm);
  // The drift that the node was given holds from the start of the run, not from now.
  base_monotonic_ns_ = run_start_monotonic_ns;
  base_node_ns_ = 0;
}

Time Clock::run_now() const { return time_from_ns(monotonic_now_ns() - run_start_ns_); }

std::int64_t Clock::node_ns_at(std::int64_t monotonic_ns) const {
  const Wide elapsed = static_cast<Wide>(monotonic_ns) - base_monotonic_ns_;
  return clamp_ns(base_node_ns_ + elapsed * (kBillion + drift_ppb_) / kBillion);
}

Time Clock::now() {
  last_ns_ = std::max(last_ns_, node_ns_at(monotonic_now_ns()));
  return time_from_ns(last_ns_);
}

WallTime Clock::wall() const {
  const std::int64_t machine_ns =
      std::chrono::duration_cast<Duration>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  const std::int64_t monotonic_ns = monotonic_now_ns();
  const std::int64_t drifted_ns = node_ns_at(monotonic_ns) - (monotonic_ns - run_start_ns_);
  return wall_from_ns(machine_ns + drifted_ns) + offset_;
}

std::int64_t Clock::monotonic_at(Time node_time) const {
  const Wide wanted = (static_cast<Wide>(to_ns(node_time)) - base_node_ns_) * kBillion;
  const std::int64_t rate = kBillion + drift_ppb_;
  // Rounded up, so that the node's clock has really got there.
  const Wide elapsed = wanted > 0 ? (wanted + rate - 1) / rate : wanted / rate;
  return clamp_ns(base_monotonic_ns_ + elapsed);
}

void Clock::set_drift(double ppm) {
  TWINBED_CHECK(ppm > -1e6 && ppm < 1e12, "a clock cannot drift by -1,000,000 ppm or less");
  const std::int64_t now_ns = monotonic_now_ns();
  base_node_ns_ = node_ns_at(now_ns);
  base_monotonic_ns_ = now_ns;
  drift_ppm_ = ppm;
  drift_ppb_ = static_cast<std::int64_t>(ppm * 1000.0 + (ppm < 0 ? -0.5 : 0.5));
}

}  // namespace twinbed::backends
