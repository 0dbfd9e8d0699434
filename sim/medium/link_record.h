// A radio link as it was measured, or made up: signal strengths and losses over time.
//
// Where a record has a signal it replaces path loss, shadowing and fading of its link; its losses
// come on top of whatever else loses frames, and so do its bursts. Steps hold from their time until
// the next one; before the first the first holds, and the last one for good.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "sim/network/link_effects.h"

namespace twinbed::sim {

struct LinkRecordStep {
  Time at{};
  std::optional<int> signal_mdb;  ///< mean received power, in thousandths of a dBm
  double loss = 0;                ///< probability that a frame is lost

  bool operator==(const LinkRecordStep&) const = default;
};

class LinkRecord {
 public:
  /// Steps in the order of their times, which differ.
  explicit LinkRecord(std::vector<LinkRecordStep> steps, const GilbertElliott& bursts = {})
      : steps_(std::move(steps)), bursts_(bursts) {}

  /// Whether signals replace the model.
  bool has_signal() const { return !steps_.empty() && steps_.front().signal_mdb.has_value(); }
  /// The mean received power; `now` must not decrease from call to call.
  int signal_mdb(Time now);
  /// Whether the next frame is lost; draws only where something can be.
  bool loses(Time now, Random& random);

 private:
  const LinkRecordStep* at(Time now);

  std::vector<LinkRecordStep> steps_;
  BurstLossEffect bursts_;
  std::size_t next_ = 0;  ///< the first step that is still to come
};

}  // namespace twinbed::sim
