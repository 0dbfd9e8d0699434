// What the user of a telemetry stream is told of the link.
#include <gmock/gmock.h>

#include "core/protocols/wfb/radio_status.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::bytes_of;

struct Nobody final : DecoderOwner {
  void on_payload(Bytes) override {}
  void on_session(const Session&) override {}
};

// Packets made by pymavlink 2.4.50 (MAVLink_radio_status_message of its dialect common).
TEST(WfbRadioStatus, IsAPacketOfMavlink) {
  struct {
    RadioStatus status;
    std::uint8_t sequence;
    const char* packet;
  } const cases[] = {
      {{-41, 0, 0, 0}, 0, "fd0700000003446d000000000000d7d764e205"},
      {{-80, 500, 13, 258}, 7, "fd0900000703446d000001020201b0b06402023867"},
      {{-128, 0, 0, 0}, 255, "fd090000ff03446d0000000000008080640101089a"},
  };
  for (const auto& [status, sequence, packet] : cases) {
    Buffer written{std::byte{1}};
    write_radio_status(status, {}, sequence, written);
    EXPECT_EQ(Buffer(written.begin() + 1, written.end()), to_buffer(bytes_of(packet))) << packet;
  }
}

TEST(WfbRadioStatus, CountsNoFurtherThanItsFieldsDo) {
  Buffer written;
  write_radio_status({-41, 70'000, 0, 80'000}, {}, 0, written);
  constexpr std::size_t kErrors = 10;
  EXPECT_EQ(Buffer(written.begin() + kErrors, written.begin() + kErrors + 4),
            Buffer(4, std::byte{0xff}));
}

TEST(WfbRadioStatus, IsThatOfTheBestAntennaAndOfAllPackets) {
  Nobody nobody;
  Aggregator near({testing::wfb_link_keys().ground, ChannelId::of(7669206, 0), 0}, nobody);
  Aggregator deaf({testing::wfb_link_keys().ground, ChannelId::of(7669206, 0), 0}, nobody);
  RadioStatus status;
  status.add(deaf);
  EXPECT_EQ(status, (RadioStatus{-128, 0, 0, 0}));
  for (const std::string& datagram : testing::texts_of(
           testing::wfb_vectors("vectors_tun.json")["forwarder"]["udp_datagrams"])) {
    near.receive_datagram(0x0a4d000b, bytes_of(datagram));
  }
  deaf.receive_datagram(0x0a4d000c, Buffer(Reception::kBytes + 3));
  status.add(near);
  EXPECT_EQ(status, (RadioStatus{-41, 0, 0, 0}));
  status.add(deaf);
  EXPECT_EQ(status.damaged, 1U);
  EXPECT_EQ(status.signal_dbm, -41);
}

}  // namespace
}  // namespace twinbed::wfb
