// Captures packets on an interface of this machine, with libpcap.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "backends/pcap/link_layer.h"
#include "core/base/bytes.h"
#include "core/base/result.h"

struct pcap;

namespace twinbed::backends {

struct LiveCaptureOptions {
  std::string interface;
  /// In libpcap's language ("udp port 53"); empty: everything.
  std::string filter;
  /// Room for packets that were not read yet; what finds it full is dropped and counted.
  std::size_t buffer_bytes = std::size_t{16} << 20;
  /// How long the kernel may gather packets before it wakes the reader.
  std::chrono::milliseconds gathering{50};
  /// Wakes the reader with each packet, whatever `gathering` says.
  bool is_immediate = false;
  /// Bytes of a packet that are kept; the default is more than any has.
  int snap_bytes = 262'144;
};

/// A frame as it passed the interface; the bytes are valid during the callback.
struct CapturedFrame {
  std::int64_t wall_ns = 0;  ///< the kernel's time stamp: CLOCK_REALTIME, nanoseconds since 1970
  Bytes bytes;
};

class LiveCapture {
 public:
  /// Begins to capture. An error says what is missing: the interface, the privilege CAP_NET_RAW, or
  /// something in the filter.
  static Result<LiveCapture> open(const LiveCaptureOptions& options);

  LinkLayer link_layer() const { return link_layer_; }
  /// To wait on; readable when there are frames.
  int descriptor() const;
  /// Hands over the frames that have come, in their order, and does not wait for more. Returns how
  /// many there were; the error is the interface's end.
  Result<std::size_t> read(const std::function<void(const CapturedFrame&)>& visit);
  /// The same for at most `most` frames.
  Result<std::size_t> read(const std::function<void(const CapturedFrame&)>& visit, int most);
  /// Frames that the filter let pass and for which there was no room, so far. On loopback the
  /// kernel sees each packet twice, going out and coming in; libpcap hands over one, and this
  /// counts both.
  std::uint64_t dropped();

 private:
  struct Closer {
    void operator()(pcap* handle) const;
  };
  explicit LiveCapture(std::unique_ptr<pcap, Closer> handle);

  std::unique_ptr<pcap, Closer> handle_;
  LinkLayer link_layer_;
};

}  // namespace twinbed::backends
