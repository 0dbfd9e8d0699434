// What a stream of telemetry is joined to apart from its user's datagrams:
//
//   from the air ──┬──► serial line of the peer ──┐
//   RADIO_STATUS   ├──► clients of mavlink_tcp_port ──┴──► whole frames of MAVLink ──► to the air
//                  ├──► osd: datagrams, or a serial line
//                  └──► clients of osd_tcp
//
// What one of them sends goes over the air, and not to the others. Bytes that are no frames of
// MAVLink go nowhere. Frames of both directions are looked at for the log and for what is called
// when the vehicle is armed.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "core/protocols/wfb/mavlink_frames.h"
#include "scenarios/node/wfb_arm_calls.h"
#include "scenarios/node/wfb_serial.h"
#include "scenarios/node/wfb_tcp_port.h"
#include "scenarios/wfb/cluster_config.h"

namespace twinbed::scenarios {

class WfbTelemetry {
 public:
  struct Options {
    std::size_t batch_limit = 0;  ///< bytes of whole frames that are sent together, at most
    std::function<void(Bytes)> send;  ///< over the air
    std::function<void(const std::string&)> say;  ///< a sentence for the user
    std::function<void(Bytes)> log;               ///< a frame, where log_messages is on
  };

  /// Whether a stream has anything of this.
  static bool is_asked_for(const StreamConfig& stream);
  /// Opens what the stream asks for. The loop outlives this. The error is a sentence with the
  /// remedy.
  static Result<std::unique_ptr<WfbTelemetry>> open(backends::EventLoop& loop,
                                                    const StreamConfig& stream, Options options);
  WfbTelemetry(const WfbTelemetry&) = delete;
  WfbTelemetry& operator=(const WfbTelemetry&) = delete;

  /// A payload from the air, or the link's own message.
  void deliver(Bytes payload);
  /// A payload that goes over the air, whoever has sent it.
  void on_sent(Bytes payload) { look_at(sent_, payload); }

 private:
  WfbTelemetry(backends::EventLoop& loop, Options options)
      : loop_(loop), options_(std::move(options)) {}

  Result<std::monostate> open_serial(const Peer& peer);
  Result<std::monostate> open_tcp(std::uint16_t port);
  Result<std::monostate> open_osd(const Peer& peer);
  Result<std::monostate> open_osd_tcp(std::uint16_t port);
  void take(wfb::MavlinkFrames& frames, Bytes bytes);
  void look_at(wfb::MavlinkFrames& direction, Bytes payload);

  backends::EventLoop& loop_;
  Options options_;
  wfb::MavlinkFrames serial_frames_;
  std::unique_ptr<WfbSerial> serial_;
  std::unique_ptr<WfbTcpPort> tcp_;
  std::unique_ptr<WfbSerial> osd_serial_;
  backends::Socket osd_;
  std::function<void(Bytes)> send_to_osd_;
  std::unique_ptr<WfbTcpPort> osd_tcp_;
  wfb::MavlinkFrames sent_;
  wfb::MavlinkFrames received_;
  bool is_logged_ = false;
  std::unique_ptr<WfbArmCalls> arm_calls_;
};

}  // namespace twinbed::scenarios
