// Fuzzes 802.11 frames: what can be read can be written, byte for byte, and a packet of WFB-NG is
// found only in frames of its channel, behind the header.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/protocols/wfb/packet.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  const Bytes frame(reinterpret_cast<const std::byte*>(data), size);
  const auto header = read_mac_header(frame);
  TWINBED_CHECK(header.has_value() == (size >= MacHeader::kBytes), "a header needs its bytes");
  const wfb::ChannelId channel = wfb::ChannelId::of(7669206, 32);
  const auto packet = wfb::packet_in_frame(frame, channel);
  if (!header) {
    TWINBED_CHECK(!packet, "a packet in a frame without a header");
    return 0;
  }
  Buffer again;
  write_mac_header(*header, again);
  TWINBED_CHECK(std::ranges::equal(again, frame.first(MacHeader::kBytes)),
                "a header that was written says something else");
  if (!packet) return 0;
  TWINBED_CHECK(packet->data() == frame.data() + MacHeader::kBytes &&
                    packet->size() == size - MacHeader::kBytes,
                "a packet is not what follows the header");
  const MacHeader ours = wfb::frame_header(channel, wfb::FrameType::kData, 0);
  TWINBED_CHECK(header->transmitter == ours.transmitter, "a packet of another channel");
  return 0;
}
