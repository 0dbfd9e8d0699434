// A capture file of 802.11 frames as the radio of a live host: the frames come in at the times at
// which they were captured, counted from the first one. What the protocol sends goes nowhere.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "backends/live_host.h"
#include "backends/pcap/capture_file.h"
#include "backends/socket/posix.h"

namespace twinbed::backends {

class CaptureReplay final : public RadioBackend {
 public:
  /// Opens a file of pcap or pcapng whose frames have radiotap headers. The first one comes in as
  /// soon as a host runs. `filter` is in libpcap's language; empty: all frames. Errors name the
  /// file and what is wrong with it.
  static Result<std::unique_ptr<CaptureReplay>> open(const std::string& path,
                                                     const std::string& filter = {});

  void transmit(InterfaceId, Bytes, const TxParams&) override { ++transmitted_; }
  void tune(InterfaceId, ChannelMhz) override {}
  std::vector<int> descriptors() const override { return {timer_.number()}; }
  bool receive(int descriptor, const FrameHandler& handler) override;

  /// Frames that the protocol has sent.
  std::uint64_t transmitted() const { return transmitted_; }
  /// Packets of the file without a sound radiotap header, and frames that their host had injected.
  std::uint64_t passed_over() const { return passed_over_; }
  /// Why the file ended before its end, one sentence; empty: it did not.
  const std::string& error() const { return file_.error(); }

 private:
  CaptureReplay(CaptureFile file, Socket timer);
  void hand_over(Bytes packet, const FrameHandler& handler);
  void arm(std::int64_t monotonic_ns);

  CaptureFile file_;
  Socket timer_;  ///< a timerfd: a descriptor that closes itself
  std::optional<CaptureFile::Packet> next_;  ///< nothing: the file has ended
  std::int64_t shift_ns_ = 0;   ///< from times of the file to CLOCK_MONOTONIC
  bool has_begun_ = false;
  std::uint64_t transmitted_ = 0;
  std::uint64_t passed_over_ = 0;
};

}  // namespace twinbed::backends
