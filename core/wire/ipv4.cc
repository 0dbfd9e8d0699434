#include "core/wire/ipv4.h"

#include "core/base/check.h"
#include "core/wire/internet_checksum.h"
#include "core/wire/reader.h"

namespace twinbed {
namespace {

constexpr std::size_t kIpHeaderBytes = 20;  // without options, like the others
constexpr std::size_t kTcpHeaderBytes = 20;
constexpr std::size_t kUdpHeaderBytes = 8;
constexpr std::size_t kIpChecksumAt = 10;
constexpr std::size_t kAddressesAt = 12;
constexpr std::size_t kTcpChecksumAt = 16;
constexpr std::size_t kUdpChecksumAt = 6;

/// Where the parts of a packet lie; offsets count from its first byte.
struct Layout {
  std::size_t header = 0;       // length of the IPv4 header
  std::size_t total = 0;        // of the packet
  std::uint8_t protocol = 0;
  std::size_t checksum_at = 0;  // of TCP or UDP; 0 where there is none
};

std::optional<Layout> layout_of(Bytes packet) {
  Reader reader(packet);
  const std::uint8_t first = reader.u8();
  reader.skip(1);
  Layout layout;
  layout.header = std::size_t{first & 0x0fU} * 4;
  layout.total = reader.u16be();
  reader.skip(2);
  const std::uint16_t fragment = reader.u16be();
  reader.skip(1);
  layout.protocol = reader.u8();
  if (!reader.ok() || first >> 4 != 4 || layout.header < kIpHeaderBytes ||
      layout.total < layout.header || layout.total > packet.size()) {
    return std::nullopt;
  }
  const bool is_fragment = (fragment & 0x3fffU) != 0;  // "more fragments", or an offset
  const std::size_t size = layout.total - layout.header;
  if (is_fragment) return layout;
  if (layout.protocol == kProtocolTcp && size >= kTcpHeaderBytes) {
    layout.checksum_at = layout.header + kTcpChecksumAt;
  } else if (layout.protocol == kProtocolUdp && size >= kUdpHeaderBytes) {
    layout.checksum_at = layout.header + kUdpChecksumAt;
  }
  return layout;
}

std::uint16_t word_at(Bytes packet, std::size_t at) {
  return Reader(packet.subspan(at, 2)).u16be();
}

void put_word(std::span<std::byte> packet, std::size_t at, std::uint16_t word) {
  packet[at] = static_cast<std::byte>(word >> 8);
  packet[at + 1] = static_cast<std::byte>(word & 0xff);
}

/// Addresses, protocol and length, which TCP and UDP guard with their checksums (RFC 9293 section
/// 3.1).
InternetChecksum pseudo_header(Bytes packet, const Layout& layout) {
  InternetChecksum checksum;
  checksum.add(packet.subspan(kAddressesAt, 8));
  checksum.add_word(layout.protocol);
  checksum.add_word(static_cast<std::uint16_t>(layout.total - layout.header));
  return checksum;
}

void write_transport_checksum(std::span<std::byte> packet, const Layout& layout) {
  put_word(packet, layout.checksum_at, 0);
  InternetChecksum checksum = pseudo_header(packet, layout);
  checksum.add(packet.subspan(layout.header, layout.total - layout.header));
  std::uint16_t value = checksum.value();
  // In UDP a zero says that there is no checksum (RFC 768).
  if (layout.protocol == kProtocolUdp && value == 0) value = 0xffff;
  put_word(packet, layout.checksum_at, value);
}

}  // namespace

std::optional<PacketEnds> packet_ends(Bytes packet) {
  const std::optional<Layout> layout = layout_of(packet);
  if (!layout) return std::nullopt;
  PacketEnds ends;
  Reader addresses(packet.subspan(kAddressesAt));
  ends.from.address.value = addresses.u32be();
  ends.to.address.value = addresses.u32be();
  if (layout->checksum_at != 0) {
    Reader ports(packet.subspan(layout->header));
    ends.from.port = ports.u16be();
    ends.to.port = ports.u16be();
  }
  return ends;
}

void write_checksums(std::span<std::byte> packet) {
  const std::optional<Layout> layout = layout_of(packet);
  TWINBED_CHECK(layout.has_value(), "checksums were asked for what is no IPv4 packet");
  put_word(packet, kIpChecksumAt, 0);
  InternetChecksum checksum;
  checksum.add(packet.first(layout->header));
  put_word(packet, kIpChecksumAt, checksum.value());
  if (layout->checksum_at != 0) write_transport_checksum(packet, *layout);
}

void finish_checksum(std::span<std::byte> packet) {
  const std::optional<Layout> layout = layout_of(packet);
  if (!layout || layout->checksum_at == 0) return;
  const std::uint16_t unfinished = pseudo_header(packet, *layout).sum();
  if (word_at(packet, layout->checksum_at) != unfinished) return;
  write_transport_checksum(packet, *layout);
}

}  // namespace twinbed
