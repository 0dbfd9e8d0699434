#include "sim/faults/plan.h"

namespace twinbed::sim {

DiskFault combine(const DiskFault& a, const DiskFault& b) {
  const auto either = [](double p, double q) { return p + q - p * q; };
  return {a.sync_delay + b.sync_delay, a.full || b.full, either(a.lose_write, b.lose_write),
          either(a.tear_write, b.tear_write)};
}

}  // namespace twinbed::sim
