// The timers of a live node's protocol, in the order in which they fire.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "core/base/time.h"
#include "core/io/ids.h"

namespace twinbed::backends {

/// The protocol's timers in the order of (deadline, setting).
class TimerTable {
 public:
  void set(TimerId id, Time deadline) {
    cancel(id);
    const Key key{deadline, next_++};
    order_[key] = id;
    keys_[id] = key;
  }
  void cancel(TimerId id) {
    const auto found = keys_.find(id);
    if (found == keys_.end()) return;
    order_.erase(found->second);
    keys_.erase(found);
  }
  /// Takes the first timer that is due at `now` and was set before the setting number `before`.
  bool take_due(Time now, std::uint64_t before, TimerId& id, Time& deadline) {
    for (auto it = order_.begin(); it != order_.end() && it->first.first <= now; ++it) {
      if (it->first.second >= before) continue;
      id = it->second;
      deadline = it->first.first;
      keys_.erase(id);
      order_.erase(it);
      return true;
    }
    return false;
  }
  /// The number that the next setting gets.
  std::uint64_t next_setting() const { return next_; }
  Time next_deadline() const { return order_.empty() ? kNever : order_.begin()->first.first; }

 private:
  using Key = std::pair<Time, std::uint64_t>;
  std::map<Key, TimerId> order_;
  std::map<TimerId, Key> keys_;
  std::uint64_t next_ = 0;
};

}  // namespace twinbed::backends
