// What lies around the packets that libpcap reads and writes.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed::backends {

enum class LinkLayer : std::uint8_t {
  kRawIp,     ///< nothing: the packet begins with its IPv4 header (LINKTYPE_RAW)
  kEthernet,  ///< as on loopback, whose addresses are all zero
  kRadiotap,  ///< 802.11 with a radiotap header before it, as cards in monitor mode give it
  kOther,
};

/// The kind of a capture, and libpcap's number for it (DLT_*).
LinkLayer link_layer_of(int data_link_type);
int data_link_type(LinkLayer layer);

/// The IPv4 packet in a frame, without what follows it; empty where the frame carries none, or not
/// all of it.
Bytes ipv4_packet(LinkLayer layer, Bytes frame);

}  // namespace twinbed::backends
