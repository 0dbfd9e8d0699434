// Which hosts cannot hear which, while a partition lasts.
#pragma once

#include <vector>

#include "core/base/time.h"
#include "sim/network/topology.h"

namespace twinbed::sim {

/// A packet is lost when its pair of hosts was blocked at any moment of its flight. Several
/// partitions may block the same pair; it opens when the last of them has ended.
class Partitions {
 public:
  void resize(std::size_t devices) { devices_ = devices; }

  void block(DeviceIndex from, DeviceIndex to) {
    if (pairs_.empty()) pairs_.resize(devices_ * devices_);
    ++pairs_[from * devices_ + to].blocks;
  }
  void unblock(Time now, DeviceIndex from, DeviceIndex to) {
    Pair& pair = pairs_[from * devices_ + to];
    --pair.blocks;
    pair.open_since = now;
  }
  bool blocked(DeviceIndex from, DeviceIndex to, Time sent_at) const {
    if (pairs_.empty()) return false;
    const Pair& pair = pairs_[from * devices_ + to];
    return pair.blocks > 0 || pair.open_since > sent_at;
  }

 private:
  struct Pair {
    std::uint32_t blocks = 0;
    Time open_since{};
  };
  std::size_t devices_ = 0;
  std::vector<Pair> pairs_;  // empty until the first partition
};

}  // namespace twinbed::sim
