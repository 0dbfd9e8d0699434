// A serial line of a flight controller or an OSD: 8 data bits, no parity, one stop bit, no flow
// control, and nothing of the bytes is changed on their way.
//
// A device that goes while the program runs, as USB adapters do, is looked for each second until it
// is back. Where the line is slower than what is to be sent over it, a second's worth of bytes
// waits and what comes then is lost, a payload at a time: telemetry that is older helps nobody.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/bytes.h"
#include "core/base/result.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

class WfbSerial {
 public:
  struct Events {
    std::function<void(Bytes)> on_bytes;  ///< what comes, as it comes; it may be hostile
    std::function<void()> on_open;        ///< the device is back: what comes follows nothing
    std::function<void(const std::string&)> say;  ///< a sentence for the user
  };

  /// Opens the device of a peer, whose name is below /dev unless it begins with a slash. The loop
  /// outlives the line. The error is a sentence with the remedy.
  static Result<std::unique_ptr<WfbSerial>> open(backends::EventLoop& loop, const Peer& peer,
                                                 Events events);
  WfbSerial(const WfbSerial&) = delete;
  WfbSerial& operator=(const WfbSerial&) = delete;

  /// Sends a payload, or loses it.
  void send(Bytes payload);

 private:
  WfbSerial(backends::EventLoop& loop, std::string path, std::uint32_t baud, Events events);

  Result<std::monostate> open_device();
  void wait_for_bytes();
  void read();
  void write();
  void lose_device();
  void try_again();

  backends::EventLoop& loop_;
  std::string path_;
  std::uint32_t baud_;
  Events events_;
  backends::Socket device_;  ///< a descriptor that closes itself
  std::optional<backends::Watch> watch_;  // after the device
  backends::Alarm alarm_;  ///< of the next read, or of the next attempt to open the device
  std::string pending_;
  bool is_waiting_ = false;  ///< for room to write
};

}  // namespace twinbed::scenarios
