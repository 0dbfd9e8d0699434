// Traces of radio links from captures of a card in monitor mode: the strength at which it received
// one sender, over time.
#pragma once

#include <string>
#include <vector>

#include "core/base/result.h"
#include "sim/medium/link_record.h"

namespace twinbed::scenarios {

struct CaptureTraceOptions {
  /// Which frames, in libpcap's language ("wlan addr2 57:42:75:05:d6:00"); empty: all, which then
  /// must be of one sender.
  std::string filter;
  /// A step is the mean power of the frames of so long a time.
  Duration average = std::chrono::milliseconds(100);
};

/// Whether a file of this name is a capture (.pcap, .pcapng).
bool is_capture_name(const std::string& file);

/// The signal of a link as the capture has it, from the time of the file's first frame on: the mean
/// power over frames and antennas. A frame that was sent by the capturing host itself, or was
/// received broken, or has no signal, counts for nothing; while nothing is heard the last signal
/// holds. Errors name the frame, as Wireshark counts them.
Result<std::vector<sim::LinkRecordStep>> read_radio_capture(const std::string& path,
                                                            const CaptureTraceOptions& options);

}  // namespace twinbed::scenarios
