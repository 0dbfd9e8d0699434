// Finds the frames of MAVLink in a stream of bytes, such as that of a serial line or of a TCP
// connection, where nothing else says where one ends:
//
//   version 1   FE | length | number, system, component, message (4) | payload | checksum (2)
//   version 2   FD | length | flags (2) | number, system, component (3) | message (3) | payload |
//               checksum (2) | signature (13), with the flag 1
//
// Checksums are not looked at: they need the definition of each message, and whoever the frame is
// for has the ones that matter to him. Frames of version 2 with other flags than 1 are not known to
// end anywhere, and count as noise. Who joins a stream in the midst of a frame may take a byte of
// it for a beginning, and then finds the next frames only behind that.
//
// Source: MAVLink developer guide, packet serialization.
#pragma once

#include <functional>
#include <optional>

#include "core/base/bytes.h"

namespace twinbed::wfb {

/// Where a frame begins with these bytes: its whole length, or 0 where more of them must come
/// first. Nothing where no frame begins so, or without bytes.
std::optional<std::size_t> mavlink_frame_length(Bytes bytes);

/// What a frame says, whose checksum and signature nobody has looked at.
struct MavlinkMessage {
  std::uint8_t sequence = 0;
  std::uint8_t system = 0;
  std::uint8_t component = 0;
  std::uint32_t number = 0;  ///< of the message's definition
  Bytes payload;             ///< a view; version 2 leaves zeros at its end out
};
/// Nothing where the bytes are not one whole frame.
std::optional<MavlinkMessage> read_mavlink_frame(Bytes bytes);

class MavlinkFrames {
 public:
  using OnFrame = std::function<void(Bytes frame)>;
  static constexpr std::size_t kMostBytes = 280;  ///< of a frame

  /// Takes bytes as they come, and calls back with each frame that is whole now; the view is valid
  /// during the call. Bytes between frames are lost.
  void feed(Bytes bytes, const OnFrame& on_frame);
  /// Bytes that were lost so far.
  std::uint64_t lost() const { return lost_; }
  /// Forgets the frame that is not whole: what comes next follows nothing.
  void reset() { pending_.clear(); }

 private:
  Buffer pending_;
  std::uint64_t lost_ = 0;
};

}  // namespace twinbed::wfb
