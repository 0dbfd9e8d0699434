// Radiotap (https://www.radiotap.org): what a card in monitor mode says of a frame, or is told how
// to send it, in a little-endian header before the frame.
//
//   offset  bytes
//        0      1  version, 0
//        1      1  padding
//        2      2  length of the whole header
//        4    4 n  words of bits, each of which says that a field is there; bit 31: one more word
//                  follows, bit 29: its bits count from 0 again, bit 30: they are a vendor's
//        .      .  the fields in the order of their bits, each at a multiple of its alignment
#pragma once

#include <cstdint>
#include <optional>

#include "core/base/bytes.h"
#include "core/io/radio.h"

namespace twinbed {

// How to send a frame.

/// Appends the header that a frame is injected with: TX_FLAGS (no acknowledgement) and MCS, 13
/// bytes, or TX_FLAGS and VHT, 22 bytes. The parameters must be sound (mistake_in).
void write_radiotap_tx(const TxParams& params, Buffer& out);

/// What makes these parameters impossible to send with, in a few words; empty: nothing.
std::string_view mistake_in(const TxParams& params);

/// An injected header's parameters, and where the frame begins.
struct RadiotapTx {
  TxParams params;
  std::size_t header_bytes = 0;
};
/// Nothing where the header is malformed or names neither MCS nor VHT.
std::optional<RadiotapTx> read_radiotap_tx(Bytes packet);

// What was received.

/// The reading of an antenna that has not been named, with a signal and noise that are not known.
inline constexpr AntennaReading kUnknownReading{0xff, -128, 127};

/// A captured packet, taken apart.
struct RadiotapRx {
  /// `frame` lies in the packet, without the check sequence. Readings beyond antenna_count are
  /// kUnknownReading, but the first of these may have a signal and noise.
  RxFrame frame;
  bool is_injected = false;  ///< it bears TX_FLAGS: this host's own frame, on its way out
};

/// Nothing where the header is malformed: too short, of another version, or with fields beyond its
/// end. Fields after one that is not known cannot be found and are passed over; so is what follows
/// the reading of the fourth antenna.
std::optional<RadiotapRx> read_radiotap_rx(Bytes packet);

/// Appends a header as a card in monitor mode writes it: FLAGS, CHANNEL, the rate as MCS or VHT,
/// and for each antenna its signal, noise and number.
void write_radiotap_rx(const RxFrame& frame, Buffer& out);

/// Appends a header as a capture has it of what its own host has sent: CHANNEL, TX_FLAGS (no
/// acknowledgement), and the rate as MCS or VHT. The parameters must be sound (mistake_in).
void write_radiotap_sent(const TxParams& params, ChannelMhz channel, Buffer& out);

}  // namespace twinbed
