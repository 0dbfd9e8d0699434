// What the native programs of WFB-NG share: one protocol object on a live host, its lines on
// standard output with the time of CLOCK_MONOTONIC, and an end in good order.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/live_host.h"
#include "backends/pcap/monitor_radio.h"
#include "core/base/result.h"
#include "core/protocols/wfb/keys.h"

namespace twinbed::scenarios {

/// Prints a line on standard output at once; whoever reads it may wait for it.
void print_wfb_line(const std::string& line);
/// The first column of a line: CLOCK_MONOTONIC in milliseconds.
std::int64_t wfb_time_ms();

/// The key in this file. Errors name it and the remedy.
Result<wfb::KeyFile> read_wfb_key(const std::string& path);

class WfbHost {
 public:
  /// Buffers of 0 bytes are as large as the kernel or the live host makes them.
  WfbHost(int receive_buffer_bytes, int send_buffer_bytes);

  backends::EventLoop& loop() { return loop_; }
  /// Opens these cards for the program, which ends if one of them fails. `on_frame` is told what
  /// became of each frame that is sent.
  Result<std::monostate> open_radio(
      backends::MonitorRadioOptions options,
      std::function<void(const backends::InjectedFrame&)> on_frame = {});
  /// To be told of each datagram that is sent, before start().
  void observe(backends::SentDatagramObserver observer) { observer_ = std::move(observer); }
  /// The sockets that the protocol finds open, before start().
  void adopt(SocketId id, backends::Socket socket,
             std::optional<backends::AbstractAddress> destination = {});

  /// Runs the protocol until SIGINT or SIGTERM; the exit status, or why it had to end.
  Result<int> run(const backends::ProtocolFactory& factory);
  /// What has happened so far.
  backends::LiveHostCounters counters() const { return host_->counters(); }

 private:
  /// Tells standard error what WFB-NG's receiver tells it.
  class Sink final : public RunSink {
   public:
    void sample(Time at, NodeId node, const Metric& metric, double value) override;
    void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
    void fault(Time, const FaultRow&) override {}
  };
  struct Adopted {
    SocketId id{};
    backends::Socket socket;
    std::optional<backends::AbstractAddress> destination;
  };

  void fail(const std::string& sentence);

  backends::EventLoop loop_;
  Sink sink_;
  backends::DatagramBuffers buffers_;
  std::unique_ptr<backends::MonitorRadio> radio_;
  backends::SentDatagramObserver observer_;
  std::vector<Adopted> adopted_;
  std::optional<backends::LiveHost> host_;
  std::string fatal_;
};

}  // namespace twinbed::scenarios
