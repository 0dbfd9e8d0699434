#include "sim/clock.h"

namespace twinbed::sim {
namespace {

__extension__ typedef __int128 Wide;
constexpr std::int64_t kBillion = 1'000'000'000;

}  // namespace

Duration NodeClock::scaled(Duration elapsed) const {
  if (drift_ppb_ == 0) return elapsed;
  const Wide product = static_cast<Wide>(elapsed.count()) * (kBillion + drift_ppb_);
  return Duration{static_cast<std::int64_t>(product / kBillion)};
}

Time NodeClock::when(Time local_time) const {
  if (local_time == kNever) return kNever;
  if (local_time <= local_base_) return true_base_;
  if (drift_ppb_ == 0) return true_base_ + (local_time - local_base_);
  const Wide wanted = static_cast<Wide>((local_time - local_base_).count()) * kBillion;
  const std::int64_t rate = kBillion + drift_ppb_;
  const Wide elapsed = (wanted + rate - 1) / rate;
  if (elapsed > (kNever - true_base_).count()) return kNever;
  return true_base_ + Duration{static_cast<std::int64_t>(elapsed)};
}

void NodeClock::set_drift(Time now, std::int64_t parts_per_billion) {
  local_base_ = local(now);
  true_base_ = now;
  drift_ppb_ = parts_per_billion;
}

std::int64_t drift_to_ppb(double drift_ppm) {
  return static_cast<std::int64_t>(drift_ppm * 1000.0 + (drift_ppm < 0 ? -0.5 : 0.5));
}

}  // namespace twinbed::sim
