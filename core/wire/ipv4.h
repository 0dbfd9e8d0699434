// IPv4 packets as bytes: as much of RFC 791, RFC 768 and RFC 9293 as captures of traffic need.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "core/base/bytes.h"
#include "core/io/endpoint.h"

namespace twinbed {

/// What the header's field "protocol" says.
inline constexpr std::uint8_t kProtocolTcp = 6;
inline constexpr std::uint8_t kProtocolUdp = 17;

/// Who sent a packet and for whom it is; ports are 0 where it carries neither TCP nor UDP, or is a
/// fragment.
struct PacketEnds {
  Endpoint from;
  Endpoint to;
};

/// Nothing where the bytes do not begin with a whole IPv4 packet; more may follow it.
std::optional<PacketEnds> packet_ends(Bytes packet);

/// Computes the header's checksum, and that of the TCP or UDP in it, and writes them into their
/// fields. The packet must be whole, its lengths right.
void write_checksums(std::span<std::byte> packet);

/// Finishes a TCP or UDP checksum that the kernel has left to the network device, as it does on
/// loopback, where no device ever comes: the field then holds the sum of the pseudo header alone.
/// Any other packet stays as it is.
void finish_checksum(std::span<std::byte> packet);

}  // namespace twinbed
