// Application: what the protocol hands to its user.
#pragma once

#include "core/base/bytes.h"

namespace twinbed {

class Application {
 public:
  virtual ~Application() = default;

  /// Hands a message to whoever stands above the protocol: the workload, the user's program, an
  /// interactive prompt or a checker. The way down is Protocol::on_command.
  virtual void deliver(Bytes message) = 0;
};

}  // namespace twinbed
