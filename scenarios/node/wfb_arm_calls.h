// Programs that are called when a vehicle is armed or disarmed, by what the HEARTBEATs of its
// autopilot (system 1, component 1) say; also at the first of them.
//
// While a program runs nothing else is called; what has changed meanwhile is seen at the next
// HEARTBEAT.
//
// Source: MAVLink common messages, HEARTBEAT and MAV_MODE_FLAG.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backends/event_loop.h"
#include "core/protocols/wfb/mavlink_frames.h"
#include "scenarios/node/wfb_process.h"

namespace twinbed::scenarios {

class WfbArmCalls {
 public:
  using Say = std::function<void(const std::string&)>;

  /// Programs that are not named are not called. The loop outlives this. Failures of programs are
  /// told to `say`.
  WfbArmCalls(backends::EventLoop& loop, std::optional<std::string> on_arm,
              std::optional<std::string> on_disarm, Say say);
  WfbArmCalls(const WfbArmCalls&) = delete;
  WfbArmCalls& operator=(const WfbArmCalls&) = delete;

  /// A frame either way.
  void on_frame(Bytes frame);

 private:
  void call(const std::string& program);
  void on_end(const std::string& program);

  backends::EventLoop& loop_;
  std::optional<std::string> on_arm_;
  std::optional<std::string> on_disarm_;
  Say say_;
  std::optional<bool> is_armed_;
  WfbProcess process_;
  std::optional<backends::Watch> watch_;  // after the process; there while it runs
};

}  // namespace twinbed::scenarios
