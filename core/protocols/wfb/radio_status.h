// What WFB-NG tells the user of a telemetry stream about the link: a MAVLink message RADIO_STATUS
// (number 109 of the dialect `common`) among the messages that come over the air.
//
//   rssi, remrssi      mean signal of the best antenna in dBm, as a signed byte
//   noise, remnoise    flags: 1 nothing is heard, 2 packets are damaged
//   txbuf              100
//   rxerrors, fixed    payloads and packets lost, fragments recovered; 65535 at the most
//
// Source: MAVLink developer guide, packet serialization of MAVLink 2.
#pragma once

#include <vector>

#include "core/protocols/wfb/aggregator.h"

namespace twinbed::wfb {

/// Who messages come from.
struct MavlinkSender {
  std::uint8_t system = 3;
  std::uint8_t component = 68;

  bool operator==(const MavlinkSender&) const = default;
};

/// How the receivers of a profile have heard in an interval.
struct RadioStatus {
  int signal_dbm = -128;  ///< mean of the best antenna; -128 where none has heard anything
  std::uint64_t damaged = 0;
  std::uint64_t lost = 0;
  std::uint64_t recovered = 0;

  /// Adds the figures of a receiver.
  void add(const Aggregator& receiver);
  bool operator==(const RadioStatus&) const = default;
};

/// Appends the message as a packet of MAVLink 2, without a signature.
void write_radio_status(const RadioStatus& status, const MavlinkSender& sender,
                        std::uint8_t sequence, Buffer& out);

}  // namespace twinbed::wfb
