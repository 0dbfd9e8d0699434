// The cards of this machine that are in monitor mode, as the radio of a live host: frames come in
// by libpcap with radiotap headers, and go out by packet sockets (frame_injector.h).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "backends/live_host.h"
#include "backends/pcap/frame_injector.h"
#include "backends/pcap/live_capture.h"

namespace twinbed::backends {

struct MonitorRadioOptions {
  /// In the order of their InterfaceIds, from 0.
  std::vector<std::string> interfaces;
  bool captures = true;
  bool injects = true;
  /// Which frames are captured, in libpcap's language ("wlan[0] == 0x08"); empty: all.
  std::string filter;
  /// Of each card's capture, for frames that were not read yet.
  std::size_t capture_buffer_bytes = LiveCaptureOptions{}.buffer_bytes;
  InjectionOptions injection;
  FrameInjector::Events events;  ///< on_error also tells that a card has gone
};

struct MonitorRadioCounters {
  std::uint64_t malformed = 0;  ///< packets without a sound radiotap header
  std::uint64_t own = 0;        ///< frames that this machine has injected itself
};

class MonitorRadio final : public RadioBackend {
 public:
  /// Opens all cards. The error names the interface and the remedy: there is none of this name, it
  /// is not in monitor mode, it is down, a privilege is missing, or the filter is not one. The loop
  /// outlives the radio.
  static Result<std::unique_ptr<MonitorRadio>> open(EventLoop& loop, MonitorRadioOptions options);

  void transmit(InterfaceId interface, Bytes frame, const TxParams& params) override;
  /// Calls `iw dev INTERFACE set freq MHZ`, and waits for its end; on_error is told of a failure.
  void tune(InterfaceId interface, ChannelMhz channel) override;
  std::vector<int> descriptors() const override;
  bool receive(int descriptor, const FrameHandler& handler) override;

  MonitorRadioCounters counters() const { return counters_; }
  /// Frames for which a card's capture had no room.
  std::uint64_t dropped();

 private:
  struct Card {
    std::string interface;
    std::unique_ptr<LiveCapture> capture;     ///< null: the card only injects
    std::unique_ptr<FrameInjector> injector;  ///< null: the card only captures
  };

  explicit MonitorRadio(FrameInjector::Events events) : events_(std::move(events)) {}
  Result<std::monostate> add(EventLoop& loop, const std::string& interface,
                             const MonitorRadioOptions& options);
  void hand_over(InterfaceId interface, Bytes packet, const FrameHandler& handler);
  void fail(const std::string& sentence) const;

  FrameInjector::Events events_;
  std::vector<Card> cards_;
  MonitorRadioCounters counters_;
};

}  // namespace twinbed::backends
