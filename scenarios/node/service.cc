#include "scenarios/node/service.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>

namespace twinbed::scenarios {
namespace {

/// Where nobody hears it, it is lost: a server works without its manager.
void notify(const std::string& lines) { (void)sd_notify(0, lines.c_str()); }

/// Each line of a message is an assignment of its own, and a status must not become another one.
std::string status_line(std::string status) {
  std::replace_if(status.begin(), status.end(), [](char c) { return c == '\n' || c == '\0'; },
                  ' ');
  return "STATUS=" + status;
}

}  // namespace

void Service::ready(const std::string& status) {
  notify("READY=1\n" + status_line(status));
  std::uint64_t limit_us = 0;
  if (sd_watchdog_enabled(0, &limit_us) <= 0) return;
  feed_watchdog(static_cast<std::int64_t>(std::min<std::uint64_t>(limit_us, 1ULL << 40) * 500));
}

void Service::feed_watchdog(std::int64_t interval_ns) {
  notify("WATCHDOG=1");
  watchdog_.set(backends::monotonic_now_ns() + interval_ns,
                [this, interval_ns] { feed_watchdog(interval_ns); });
}

void Service::status(const std::string& status) { notify(status_line(status)); }

void Service::stopping() { notify("STOPPING=1\nSTATUS=stopping"); }

}  // namespace twinbed::scenarios
