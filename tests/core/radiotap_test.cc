// Radiotap headers: those that are written can be read, those of real drivers can, and malformed
// ones are refused.
#include <gtest/gtest.h>

#include "core/wire/radiotap.h"

namespace twinbed {
namespace {

using enum Modulation;
using enum Bandwidth;

Buffer bytes_of(std::string_view hex) {
  Buffer bytes;
  EXPECT_TRUE(from_hex(hex, bytes)) << hex;
  return bytes;
}

RxFrame frame_of(int antennas, const TxParams& rate) {
  RxFrame frame;
  frame.channel = ChannelMhz{5825};
  frame.rate = rate;
  frame.readings.fill(kUnknownReading);
  frame.antenna_count = static_cast<std::uint8_t>(antennas);
  for (int i = 0; i < antennas; ++i) {
    frame.readings[static_cast<std::size_t>(i)] = {static_cast<std::uint8_t>(i),
                                                   static_cast<std::int8_t>(-40 - i),
                                                   static_cast<std::int8_t>(-95 + i)};
  }
  return frame;
}

bool same_rate(const TxParams& a, const TxParams& b) {
  return a.modulation == b.modulation && a.mcs == b.mcs &&
         a.spatial_streams == b.spatial_streams && a.stbc_streams == b.stbc_streams &&
         a.bandwidth == b.bandwidth && a.short_guard_interval == b.short_guard_interval &&
         a.ldpc == b.ldpc;
}

void expect_same(const RxFrame& found, const RxFrame& expected) {
  EXPECT_EQ(found.channel, expected.channel);
  EXPECT_TRUE(same_rate(found.rate, expected.rate));
  EXPECT_EQ(found.antenna_count, expected.antenna_count);
  for (std::size_t i = 0; i < kMaxAntennas; ++i) {
    EXPECT_EQ(found.readings[i].antenna, expected.readings[i].antenna) << i;
    EXPECT_EQ(found.readings[i].signal_dbm, expected.readings[i].signal_dbm) << i;
    EXPECT_EQ(found.readings[i].noise_dbm, expected.readings[i].noise_dbm) << i;
  }
}

TEST(RadiotapRx, IsReadAsItWasWritten) {
  const std::vector<TxParams> rates{{kHt, 0, 1, 0, k20Mhz, false, false},
                                    {kHt, 15, 2, 2, k40Mhz, true, true},
                                    {kVht, 9, 2, 1, k80Mhz, true, true},
                                    {kVht, 0, 1, 0, k160Mhz, false, false}};
  for (const TxParams& rate : rates) {
    for (int antennas = 0; antennas <= 4; ++antennas) {
      for (const bool bad_fcs : {false, true}) {
        RxFrame frame = frame_of(antennas, rate);
        frame.bad_fcs = bad_fcs;
        Buffer packet;
        write_radiotap_rx(frame, packet);
        packet.push_back(std::byte{0x5a});
        const auto read = read_radiotap_rx(packet);
        ASSERT_TRUE(read) << to_hex(packet);
        expect_same(read->frame, frame);
        EXPECT_EQ(read->frame.bad_fcs, bad_fcs);
        EXPECT_FALSE(read->is_injected);
        EXPECT_EQ(to_hex(read->frame.frame), "5a");
      }
    }
  }
}

// The headers below were put together by hand from https://www.radiotap.org.

TEST(RadiotapRx, TakesTheFirstReadingFromTheFirstWordAndMoreFromTheNextOnes) {
  const Buffer packet = bytes_of(
      "00002900"            // 41 bytes
      "2b4008a0"            // TSFT, flags, channel, signal, RX flags, MCS; more words
      "200800a0" "20080000" // signal and antenna, twice; the first of them has one more word
      "1122334455667788"    // TSFT
      "10" "00"             // flags: the check sequence is at the end; padding
      "85160001"            // 5765 MHz
      "d3" "00"             // -45 dBm; padding
      "0000"                // RX flags
      "071407"              // MCS 7, short guard interval, LDPC not known
      "d3" "00" "c9" "01"   // -45 dBm at antenna 0, -55 dBm at antenna 1
      "aabb" "01020304");
  const auto read = read_radiotap_rx(packet);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->frame.channel, ChannelMhz{5765});
  EXPECT_EQ(read->frame.antenna_count, 2);
  EXPECT_EQ(read->frame.readings[0].signal_dbm, -45);
  EXPECT_EQ(read->frame.readings[1].signal_dbm, -55);
  EXPECT_EQ(read->frame.readings[1].antenna, 1);
  EXPECT_EQ(read->frame.readings[1].noise_dbm, 127);
  EXPECT_EQ(read->frame.rate.mcs, 7);
  EXPECT_TRUE(read->frame.rate.short_guard_interval);
  EXPECT_FALSE(read->frame.rate.ldpc);
  EXPECT_EQ(to_hex(read->frame.frame), "aabb");
}

TEST(RadiotapRx, KeepsASignalWithoutAnAntenna) {
  const auto read = read_radiotap_rx(bytes_of("00000900" "20000000" "c4" "ff"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->frame.antenna_count, 0);
  EXPECT_EQ(read->frame.readings[0].signal_dbm, -60);
  EXPECT_EQ(read->frame.readings[0].antenna, 0xff);
}

TEST(RadiotapRx, StopsAtTheFourthAntenna) {
  // Six words with an antenna each.
  const auto read = read_radiotap_rx(
      bytes_of("00002200" "000800a0" "000800a0" "000800a0" "000800a0" "000800a0" "00080000"
               "00010203" "0405"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->frame.antenna_count, 4);
  EXPECT_EQ(read->frame.readings[3].antenna, 3);
}

TEST(RadiotapRx, PassesOverWhatAVendorSays) {
  const auto read = read_radiotap_rx(
      bytes_of("00001c00" "200000c0" "ffffffa0" "00080000"  // a vendor's word in between
               "c4" "00" "001122" "05" "0300" "aaaaaa" "02" "ee"));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->frame.readings[0].signal_dbm, -60);
  EXPECT_EQ(read->frame.readings[0].antenna, 2);
  EXPECT_EQ(read->frame.antenna_count, 1);
}

TEST(RadiotapRx, KnowsAnInjectedFrame) {
  Buffer packet;
  write_radiotap_tx(TxParams{}, packet);
  const auto read = read_radiotap_rx(packet);
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->is_injected);
}

TEST(RadiotapRx, KnowsWhatItsHostHasSentWithChannelAndRate) {
  for (const TxParams& rate : {TxParams{kHt, 5, 1, 1, k40Mhz, true, true},
                               TxParams{kVht, 4, 2, 1, k80Mhz, true, true}}) {
    Buffer packet;
    write_radiotap_sent(rate, ChannelMhz{2437}, packet);
    packet.push_back(std::byte{0x77});
    const auto read = read_radiotap_rx(packet);
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->is_injected);
    EXPECT_EQ(read->frame.channel, ChannelMhz{2437});
    EXPECT_TRUE(same_rate(read->frame.rate, rate));
    EXPECT_EQ(read->frame.antenna_count, 0);
    EXPECT_EQ(to_hex(read->frame.frame), "77");
  }
}

TEST(RadiotapRx, RefusesEveryTruncation) {
  Buffer packet;
  write_radiotap_rx(frame_of(4, {kVht, 9, 2, 1, k80Mhz, true, true}), packet);
  const auto length = static_cast<std::uint8_t>(packet.size());
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(read_radiotap_rx(Bytes(packet).first(size))) << size;
    // The length may lie, too: the fields are then beyond the header.
    Buffer shorter = packet;
    shorter[2] = static_cast<std::byte>(size);
    if (size + 3 < length) {
      EXPECT_FALSE(read_radiotap_rx(shorter)) << size;
    }
  }
  packet[0] = std::byte{1};
  EXPECT_FALSE(read_radiotap_rx(packet)) << "another version";
}

TEST(RadiotapTx, SaysWhatCannotBeSent) {
  EXPECT_EQ(mistake_in({kHt, 7, 1, 3, k40Mhz, true, true}), "");
  EXPECT_EQ(mistake_in({kHt, 7, 1, 4, k40Mhz, true, true}), "there are at most 3 STBC streams");
  EXPECT_EQ(mistake_in({kHt, 7, 1, 0, k80Mhz, true, true}),
            "HT is at most 40 MHz wide; use VHT");
  EXPECT_EQ(mistake_in({kVht, 9, 2, 1, k160Mhz, true, true}), "");
  EXPECT_EQ(mistake_in({kVht, 16, 2, 1, k160Mhz, true, true}), "an MCS of VHT is at most 15");
}

TEST(RadiotapTx, RefusesAHeaderWithoutARate) {
  EXPECT_FALSE(read_radiotap_tx(bytes_of("00000a00" "00800000" "0800")));
  EXPECT_FALSE(read_radiotap_tx({}));
}

}  // namespace
}  // namespace twinbed
