// What waits for the handlers of nodes, in order.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "sim/network/packet.h"

namespace twinbed::sim {

/// Two lists that change places, so that a delivery can be read where it lies while its handler
/// causes further ones. Nothing is allocated once both have grown to a run's needs.
class DeliveryQueue {
 public:
  /// A new delivery at the end, for the caller to fill in at once: one that is copied right after
  /// it was written field by field makes the processor wait.
  Delivery& add() { return incoming_.emplace_back(); }

  /// The next delivery, null when there is none; valid until the next call of next().
  const Delivery* next() {
    if (next_ == current_.size()) {
      current_.clear();
      next_ = 0;
      current_.swap(incoming_);
      if (current_.empty()) return nullptr;
    }
    return &current_[next_++];
  }

  /// Takes out those that next() has not given yet and for which this answers true; it is asked
  /// once for each.
  template <class IsUnwanted>
  void drop(IsUnwanted is_unwanted) {
    const auto waiting = current_.begin() + static_cast<std::ptrdiff_t>(next_);
    current_.erase(std::remove_if(waiting, current_.end(), is_unwanted), current_.end());
    std::erase_if(incoming_, is_unwanted);
  }

 private:
  std::vector<Delivery> current_;
  std::size_t next_ = 0;
  std::vector<Delivery> incoming_;
};

}  // namespace twinbed::sim
