// What a server tells the service manager that started it: sd_notify(3) of systemd.
//
// Without a service manager (NOTIFY_SOCKET is not set) nothing here does anything. A unit needs
// Type=notify; with WatchdogSec= a server whose loop hangs is started anew.
#pragma once

#include <string>

#include "backends/event_loop.h"

namespace twinbed::scenarios {

class Service {
 public:
  /// The loop outlives the service.
  explicit Service(backends::EventLoop& loop) : watchdog_(loop) {}

  /// It serves from now on; `status` is one line for `systemctl status`. The loop then shows that
  /// it lives twice in each WatchdogSec.
  void ready(const std::string& status);
  /// Replaces the line.
  void status(const std::string& status);
  /// It has begun to stop.
  void stopping();

 private:
  void feed_watchdog(std::int64_t interval_ns);

  backends::Alarm watchdog_;
};

}  // namespace twinbed::scenarios
