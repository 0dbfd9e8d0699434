// A monitor-mode interface without hardware, which every program takes for a card: a TUN device
// whose link type is 802.11 with radiotap headers (ARPHRD_IEEE80211_RADIOTAP).
//
//   programs, ours and others'           the kernel             the owner of the air
//   packet socket, raw send  ──►  interface NAME (TUN)  ──►  read():  how to send it, and the frame
//   libpcap, AF_PACKET       ◄──                        ◄──  write(): the frame, and how it came in
//
// What is sent waits in the interface's queue until it is read; a program that finds the queue full
// gets ENOBUFS, as from a card. The interface goes when this object does.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "backends/socket/posix.h"
#include "core/base/result.h"
#include "core/io/radio.h"

namespace twinbed::backends {

/// A frame that a program sends on a virtual radio; the bytes are valid during the callback.
struct VirtualTransmission {
  TxParams params;
  Bytes frame;  ///< 802.11, without radiotap header and check sequence
};

class VirtualRadio {
 public:
  /// Creates the interface in the caller's network namespace and sets it up. `queue_frames` is the
  /// length of its queue of frames that were not read yet. Errors name the interface and the
  /// remedy: the name is taken or too long, /dev/net/tun or the privilege CAP_NET_ADMIN is missing.
  static Result<VirtualRadio> create(const std::string& name, int queue_frames = 500);

  const std::string& name() const { return name_; }
  /// To wait on; readable when something was sent.
  int descriptor() const { return tun_.number(); }
  /// Hands over what programs have sent, in their order, and does not wait for more; at most `most`
  /// frames. How many there were.
  std::size_t read(const std::function<void(const VirtualTransmission&)>& visit,
                   std::size_t most = 64);
  /// Lets programs receive the frame. False where the kernel has no room for it.
  bool write(const RxFrame& frame);

  /// What was sent without a radiotap header that says how; the kernel's own packets, say.
  std::uint64_t malformed() const { return malformed_; }
  /// Frames that programs were refused as the queue was full (ENOBUFS), by the kernel's statistics.
  std::uint64_t refused() const;
  /// Why this process cannot create virtual radios, in one sentence; nothing where it can.
  static std::optional<Error> problem();

 private:
  VirtualRadio(std::string name, Socket tun) : name_(std::move(name)), tun_(std::move(tun)) {}

  std::string name_;
  Socket tun_;  ///< a descriptor that closes itself
  Buffer buffer_;
  std::uint64_t malformed_ = 0;
};

}  // namespace twinbed::backends
