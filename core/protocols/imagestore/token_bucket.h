// A limit to how often something may happen: so many times at once, and so often in the long run.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "core/base/time.h"

namespace twinbed::imagestore {

/// Full at first. It is kept as the time at which it will be full again, so that nothing need be
/// done while nothing happens.
class TokenBucket {
 public:
  /// `size` tokens, of which `per_second` come back in a second; both at least 1.
  TokenBucket(std::uint32_t size, std::uint32_t per_second)
      : each_(Duration(std::chrono::seconds(1)) / per_second), empty_(each_ * size) {}

  /// Takes a token, if there is one.
  bool take(Time now) {
    const Time full_at = std::max(full_at_, now) + each_;
    if (full_at - now > empty_) return false;
    full_at_ = full_at;
    return true;
  }

 private:
  Duration each_;   ///< in which one token comes back
  Duration empty_;  ///< in which all of them do
  Time full_at_{};
};

}  // namespace twinbed::imagestore
