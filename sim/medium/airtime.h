// How long a frame is on the air, and of how many bits it consists there: IEEE 802.11-2020,
// section 19.4.3 (HT, mixed format) and section 21.4.3 (VHT, single user).
//
//   HT:   L-STF 8 | L-LTF 8 | L-SIG 4 | HT-SIG 8 | HT-STF 4 | HT-LTF 4 each | data
//   VHT:  L-STF 8 | L-LTF 8 | L-SIG 4 | SIG-A 8  | STF 4    | LTF 4 each | SIG-B 4 | data
//                                                                   (all in microseconds)
//
// A PSDU is what the radio sends as data: the frame with its check sequence (4 bytes), and in VHT
// its A-MPDU delimiter before it (4 more).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/time.h"
#include "core/io/radio.h"

namespace twinbed::sim {

/// What makes it impossible to send with these parameters, in a few words; empty: nothing. More is
/// refused than radiotap refuses: HT has MCS 0 to 31, VHT has MCS 0 to 9 on 1 to 4 streams, without
/// the combinations that section 21.5 leaves out.
std::string_view mistake_in_rate(const TxParams& params);

/// Spatial streams: HT's follow from its MCS. All functions below take parameters without mistakes.
int spatial_streams(const TxParams& params);

/// Data bits of a symbol over all spatial streams, N_DBPS.
int data_bits_per_symbol(const TxParams& params);

/// The channel's width in MHz.
int bandwidth_mhz(Bandwidth bandwidth);

/// Symbols of the data field with service and tail bits, padding and, where LDPC is used, its own
/// rounding (sections 19.3.11.7.5 and 21.3.10.5.4).
std::int64_t data_symbols(const TxParams& params, std::size_t psdu_bytes);

/// The bits of the data field that one spatial stream carries: the length that ns-3's receiver
/// hands to its error-rate model.
std::int64_t data_bits_per_stream(const TxParams& params, std::size_t psdu_bytes);

/// From the begin of the frame to that of its data field.
Duration preamble_duration(const TxParams& params);

/// From the begin of the frame to its end, TXTIME, with the signal extension of 6 us below 3 GHz.
/// A short guard interval ends at the next multiple of 4 us, as the standard has it.
Duration frame_airtime(const TxParams& params, std::size_t psdu_bytes, ChannelMhz channel);

}  // namespace twinbed::sim
