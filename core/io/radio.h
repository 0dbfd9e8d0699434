// Radio: link-layer frames on monitor-mode interfaces.
//
// What can be said about a frame is what radiotap can carry and nothing more, so that a simulated
// card can tell a protocol nothing that a real one could not (https://www.radiotap.org).
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"
#include "core/io/ids.h"

namespace twinbed {

/// Centre frequency of the primary channel in MHz, as radiotap's CHANNEL field gives it.
enum class ChannelMhz : std::uint16_t {};

enum class Bandwidth : std::uint8_t { k20Mhz, k40Mhz, k80Mhz, k160Mhz };
enum class Modulation : std::uint8_t { kHt, kVht };

/// How a frame is to be sent: the transmit side of radiotap's MCS and VHT fields.
struct TxParams {
  Modulation modulation = Modulation::kHt;
  std::uint8_t mcs = 1;
  std::uint8_t spatial_streams = 1;
  std::uint8_t stbc_streams = 0;
  Bandwidth bandwidth = Bandwidth::k20Mhz;
  bool short_guard_interval = false;
  bool ldpc = false;
  /// Not sent: by it the host's own queue tells frames apart (SO_MARK). 0: none.
  std::uint32_t mark = 0;

  bool operator==(const TxParams&) const = default;
};

inline constexpr std::size_t kMaxAntennas = 4;

/// What the card measured on one antenna.
struct AntennaReading {
  std::uint8_t antenna = 0;
  std::int8_t signal_dbm = 0;
  std::int8_t noise_dbm = 0;
};

/// A received frame with its radiotap facts; the bytes are valid only during the handler.
struct RxFrame {
  InterfaceId interface{};
  ChannelMhz channel{};
  TxParams rate;
  std::array<AntennaReading, kMaxAntennas> readings{};
  std::uint8_t antenna_count = 0;
  bool bad_fcs = false;
  Bytes frame;
};

class Radio {
 public:
  virtual ~Radio() = default;

  /// Queues an 802.11 frame (without radiotap header and FCS) for transmission.
  virtual void transmit(InterfaceId interface, Bytes frame, const TxParams& params) = 0;

  /// Changes the interface's channel; frames queued before are sent on the old one.
  virtual void tune(InterfaceId interface, ChannelMhz channel) = 0;
};

}  // namespace twinbed
