// The header of 802.11 data frames with three addresses (IEEE 802.11-2020, section 9.3.2): 24
// bytes, little-endian, before the frame's body.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/base/bytes.h"

namespace twinbed {

using MacAddress = std::array<std::byte, 6>;

struct MacHeader {
  static constexpr std::size_t kBytes = 24;

  std::uint16_t frame_control = 0;  ///< version, type, subtype in the low byte; flags in the high
  std::uint16_t duration = 0;
  MacAddress receiver{};     ///< address 1
  MacAddress transmitter{};  ///< address 2
  MacAddress third{};        ///< address 3
  std::uint16_t sequence_control = 0;  ///< sequence number << 4 | fragment number

  bool operator==(const MacHeader&) const = default;
};

/// Appends the header.
void write_mac_header(const MacHeader& header, Buffer& out);
/// The header at the beginning of a frame; nothing where the frame is shorter.
std::optional<MacHeader> read_mac_header(Bytes frame);

}  // namespace twinbed
