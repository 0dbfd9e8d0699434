// Traces of radio links from captures of a card in monitor mode: the strength at which it received
// one sender, over time, and which of the sender's frames it missed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "sim/medium/link_record.h"

namespace twinbed::scenarios {

/// Whether the trace has the signals of the frames that were heard.
enum class CaptureSignal : std::uint8_t { kMean, kNone };
/// Whether it has losses, from gaps in the frames' numbers (scenarios/capture_gaps.h).
enum class CaptureLosses : std::uint8_t { kNone, kGaps };

struct CaptureTraceOptions {
  /// Which frames, in libpcap's language ("wlan addr2 57:42:75:05:d6:00"); empty: all, which then
  /// must be of one sender.
  std::string filter;
  /// A step is the mean power of the frames of so long a time.
  Duration average = std::chrono::milliseconds(100);
  CaptureSignal signal = CaptureSignal::kMean;
  CaptureLosses losses = CaptureLosses::kNone;
};

/// Whether a file of this name is a capture (.pcap, .pcapng).
bool is_capture_name(const std::string& file);

/// A link as the capture has it, from the time of the file's first frame on. Its signal is the mean
/// power over frames and antennas, and holds while nothing is heard; a frame without a signal
/// counts for nothing there. Its loss is the part of the frames that are missing, and holds while
/// nothing was sent. A frame that was sent by the capturing host itself, or was received broken, is
/// not heard. Errors name the frame, as Wireshark counts them.
Result<std::vector<sim::LinkRecordStep>> read_radio_capture(const std::string& path,
                                                            const CaptureTraceOptions& options);

}  // namespace twinbed::scenarios
