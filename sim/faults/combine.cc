#include <cmath>

#include "sim/faults/plan.h"

namespace twinbed::sim {

DiskFault combine(const DiskFault& a, const DiskFault& b) {
  const auto either = [](double p, double q) { return p + q - p * q; };
  return {a.sync_delay + b.sync_delay, a.sync_jitter + b.sync_jitter, a.full || b.full,
          either(a.lose_write, b.lose_write), either(a.tear_write, b.tear_write)};
}

Duration draw_sync_delay(const DiskFault& fault, Random& random) {
  if (fault.sync_jitter <= Duration{}) return fault.sync_delay;
  const double jitter_ns = static_cast<double>(to_ns(fault.sync_jitter)) * random.exponential();
  return fault.sync_delay + Duration(std::llround(jitter_ns));
}

bool is_radio_fault(FaultAction action) { return action >= FaultAction::kJam; }

}  // namespace twinbed::sim
