// What a receiver tells its transmitter of the link, so that it can choose its code and its rate.
//
//   version (1) = 1 | number (4) | epoch (8) | sent (4) | heard (4) | lost (4) | out (4) |
//   signal in dBm (1, signed) | SNR in dB (1, signed)
//
// It travels as the payload of a stream of its own, with k = 1 and n = 2, on the radio port 128
// above: encrypted, authentic, and never twice, as that stream refuses replays.
#pragma once

#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

/// Counts are since the report before.
struct LinkReport {
  std::uint32_t number = 0;  ///< 1, 2, 3, ...: what is missing was lost
  std::uint64_t epoch = 0;   ///< of the session that is on; 0: none was heard
  std::uint32_t sent = 0;    ///< data packets and parities, by their numbers
  std::uint32_t heard = 0;   ///< of them, by any antenna
  std::uint32_t lost = 0;    ///< payloads that stayed missing
  std::uint32_t out = 0;     ///< payloads delivered
  std::int8_t signal_dbm = 0;  ///< mean of the antenna that hears best; 0: nothing was heard
  std::int8_t snr_db = 0;      ///< of the same; 0: the card does not tell its noise

  bool operator==(const LinkReport&) const = default;
};

void write_link_report(const LinkReport& report, Buffer& out);
/// Nothing where the bytes are no report of this version.
std::optional<LinkReport> read_link_report(Bytes bytes);

/// The channel that a stream's reports come back on. Who uses the port 128 above a stream for its
/// other direction, as WFB-NG's telemetry and tunnel do, cannot have reports of it.
ChannelId report_channel(ChannelId stream);

}  // namespace twinbed::wfb
