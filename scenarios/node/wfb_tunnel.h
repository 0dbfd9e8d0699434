// The network interface of a WFB-NG tunnel: a TUN device, whose packets the stream carries.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

namespace twinbed::scenarios {

class WfbTunnel {
 public:
  /// By which a packet is longer within a payload.
  static constexpr int kLengthBytes = 2;
  using OnPacket = std::function<void(Bytes packet)>;

  struct Options {
    std::string name;
    std::string address;  ///< such as "10.5.0.1/24"
    int mtu = 0;
    /// What has no other way goes through it, too. Of several default routes the one with the least
    /// metric counts; this one's is kMetric, as WFB-NG's.
    bool is_default_route = false;
  };
  static constexpr int kMetric = 10;

  /// Creates the interface and sets it up; it goes with this object, its route included. Calls
  /// `on_packet` with each packet that the system sends through it. The loop outlives the tunnel.
  /// The error is a sentence with the remedy.
  static Result<std::unique_ptr<WfbTunnel>> open(backends::EventLoop& loop,
                                                 const Options& options, OnPacket on_packet);
  WfbTunnel(const WfbTunnel&) = delete;
  WfbTunnel& operator=(const WfbTunnel&) = delete;

  /// Gives the system a packet; one that is none is lost.
  void send(Bytes packet);

 private:
  WfbTunnel(backends::EventLoop& loop, backends::Socket device, OnPacket on_packet);
  void wait();

  backends::Socket device_;  ///< a descriptor that closes itself
  backends::Watch watch_;
  OnPacket on_packet_;
};

}  // namespace twinbed::scenarios
