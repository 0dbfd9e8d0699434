#include "backends/pcap/link_layer.h"

#include <pcap/pcap.h>

#include "core/wire/reader.h"

namespace twinbed::backends {
namespace {

constexpr std::size_t kEthernetHeaderBytes = 14;
constexpr std::size_t kEthernetTypeAt = 12;
constexpr std::uint16_t kEthernetIpv4 = 0x0800;

}  // namespace

LinkLayer link_layer_of(int data_link_type) {
  if (data_link_type == DLT_RAW) return LinkLayer::kRawIp;
  if (data_link_type == DLT_EN10MB) return LinkLayer::kEthernet;
  if (data_link_type == DLT_IEEE802_11_RADIO) return LinkLayer::kRadiotap;
  return LinkLayer::kOther;
}

int data_link_type(LinkLayer layer) {
  switch (layer) {
    case LinkLayer::kRawIp: return DLT_RAW;
    case LinkLayer::kEthernet: return DLT_EN10MB;
    case LinkLayer::kRadiotap: return DLT_IEEE802_11_RADIO;
    case LinkLayer::kOther: break;
  }
  return DLT_USER0;
}

Bytes ipv4_packet(LinkLayer layer, Bytes frame) {
  if (layer == LinkLayer::kEthernet) {
    Reader header(frame);
    header.skip(kEthernetTypeAt);
    if (header.u16be() != kEthernetIpv4) return {};
    frame = frame.subspan(kEthernetHeaderBytes);
  } else if (layer != LinkLayer::kRawIp) {
    return {};
  }
  Reader packet(frame);
  const std::uint8_t version = packet.u8() >> 4;
  packet.skip(1);
  const std::size_t size = packet.u16be();
  if (!packet.ok() || version != 4 || size > frame.size()) return {};
  return frame.first(size);
}

}  // namespace twinbed::backends
