#include "sim/medium/link_record.h"

#include "core/base/check.h"

namespace twinbed::sim {

const LinkRecordStep* LinkRecord::at(Time now) {
  while (next_ < steps_.size() && steps_[next_].at <= now) ++next_;
  if (steps_.empty()) return nullptr;
  return &steps_[next_ == 0 ? 0 : next_ - 1];
}

int LinkRecord::signal_mdb(Time now) {
  const LinkRecordStep* const step = at(now);
  TWINBED_CHECK(step != nullptr && step->signal_mdb, "a record without a signal was asked for it");
  return *step->signal_mdb;
}

bool LinkRecord::loses(Time now, Random& random) {
  const bool is_lost = bursts_.loses(random);
  const LinkRecordStep* const step = at(now);
  return random.chance(step == nullptr ? 0 : step->loss) || is_lost;
}

}  // namespace twinbed::sim
