// Timers: a table of deadlines named by the protocol.
#pragma once

#include "core/base/time.h"
#include "core/io/ids.h"

namespace twinbed {

class Timers {
 public:
  virtual ~Timers() = default;

  /// Asks for on_timer(id) at `deadline` on this node's clock. A timer with this id that is already
  /// set is replaced. A deadline in the past fires at the present time, after this handler.
  virtual void set(TimerId id, Time deadline) = 0;

  /// Forgets the timer. Cancelling a timer that is not set does nothing.
  virtual void cancel(TimerId id) = 0;
};

}  // namespace twinbed
