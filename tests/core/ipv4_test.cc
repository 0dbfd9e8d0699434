#include "core/wire/ipv4.h"

#include <gtest/gtest.h>

#include "core/base/random_stream.h"
#include "core/wire/internet_checksum.h"

namespace twinbed {
namespace {

Buffer bytes_of(std::string_view hex) {
  Buffer out;
  EXPECT_TRUE(from_hex(hex, out));
  return out;
}

/// A UDP datagram of the four bytes "ping" from 192.168.0.1:5000 to 192.168.0.199:53, its checksums
/// left open.
Buffer open_datagram() {
  return bytes_of("450000200000400040110000c0a80001c0a800c713880035000c000070696e67");
}

TEST(InternetChecksum, IsThatOfTheExampleInRfc1071) {
  InternetChecksum checksum;
  checksum.add(bytes_of("0001f203f4f5f6f7"));
  EXPECT_EQ(checksum.sum(), 0xddf2);
  EXPECT_EQ(checksum.value(), 0x220d);
}

TEST(InternetChecksum, AnOddByteIsTheHighOneOfAWord) {
  InternetChecksum odd;
  odd.add(bytes_of("0001f2"));
  InternetChecksum even;
  even.add(bytes_of("0001f200"));
  EXPECT_EQ(odd.value(), even.value());
  InternetChecksum words;
  words.add_word(0x0001);
  words.add_word(0xf200);
  EXPECT_EQ(words.value(), even.value());
}

TEST(Ipv4, TheHeadersChecksumIsRight) {
  // The worked example of an IPv4 header with the checksum b861, with a body of zeros.
  Buffer packet = bytes_of("450000730000400040110000c0a80001c0a800c7");
  packet.resize(0x73);
  write_checksums(packet);
  EXPECT_EQ(to_hex(Bytes(packet).subspan(10, 2)), "b861");
}

TEST(Ipv4, ChecksumsCoverThePseudoHeader) {
  Buffer packet = open_datagram();
  write_checksums(packet);
  InternetChecksum whole;  // with the right checksum in it everything sums up to ones
  whole.add(Bytes(packet).subspan(12, 8));
  whole.add_word(kProtocolUdp);
  whole.add_word(12);
  whole.add(Bytes(packet).subspan(20));
  EXPECT_EQ(whole.sum(), 0xffff);
  const Buffer before = packet;
  packet[31] ^= std::byte{1};
  write_checksums(packet);
  EXPECT_NE(to_hex(Bytes(packet).subspan(26, 2)), to_hex(Bytes(before).subspan(26, 2)));
}

TEST(Ipv4, AUdpChecksumOfZeroIsSentAsOnes) {
  Buffer packet = open_datagram();
  write_checksums(packet);
  // Adding the checksum to a word of the payload makes the new one zero.
  const std::uint32_t word = 0x7069U + (std::to_integer<std::uint32_t>(packet[26]) << 8 |
                                        std::to_integer<std::uint32_t>(packet[27]));
  const std::uint32_t folded = (word & 0xffff) + (word >> 16);
  packet[28] = static_cast<std::byte>(folded >> 8);
  packet[29] = static_cast<std::byte>(folded & 0xff);
  write_checksums(packet);
  EXPECT_EQ(to_hex(Bytes(packet).subspan(26, 2)), "ffff");
}

TEST(Ipv4, AChecksumThatTheKernelHasBegunIsFinished) {
  Buffer right = open_datagram();
  write_checksums(right);
  Buffer begun = right;
  InternetChecksum pseudo;
  pseudo.add(Bytes(begun).subspan(12, 8));
  pseudo.add_word(kProtocolUdp);
  pseudo.add_word(12);
  begun[26] = static_cast<std::byte>(pseudo.sum() >> 8);
  begun[27] = static_cast<std::byte>(pseudo.sum() & 0xff);
  finish_checksum(begun);
  EXPECT_EQ(to_hex(begun), to_hex(right));
  finish_checksum(begun);
  EXPECT_EQ(to_hex(begun), to_hex(right)) << "a finished one stays";
  Buffer wrong = right;
  wrong[26] ^= std::byte{1};
  const Buffer before = wrong;
  finish_checksum(wrong);
  EXPECT_EQ(to_hex(wrong), to_hex(before)) << "a wrong one stays wrong";
}

TEST(Ipv4, EndsAreReadFromThePacket) {
  const auto ends = packet_ends(open_datagram());
  ASSERT_TRUE(ends.has_value());
  EXPECT_EQ(to_string(ends->from), "192.168.0.1:5000");
  EXPECT_EQ(to_string(ends->to), "192.168.0.199:53");
  Buffer icmp = open_datagram();
  icmp[9] = std::byte{1};
  EXPECT_EQ(to_string(packet_ends(icmp)->to), "192.168.0.199:0");
  Buffer fragment = open_datagram();
  fragment[6] = std::byte{0x20};
  EXPECT_EQ(to_string(packet_ends(fragment)->from), "192.168.0.1:0");
}

TEST(Ipv4, BytesThatAreNoPacketAreRefused) {
  const Buffer packet = open_datagram();
  for (std::size_t size = 0; size < packet.size(); ++size) {
    EXPECT_FALSE(packet_ends(Bytes(packet).first(size))) << size;
  }
  Buffer version = packet;
  version[0] = std::byte{0x65};
  EXPECT_FALSE(packet_ends(version));
  Buffer header = packet;
  header[0] = std::byte{0x44};
  EXPECT_FALSE(packet_ends(header));
}

TEST(Ipv4, RandomBytesDoNoHarm) {
  RandomStream random(1, "bytes");
  for (int i = 0; i < 20'000; ++i) {
    Buffer bytes(random.below(80));
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    if (!bytes.empty()) bytes[0] = static_cast<std::byte>(0x40 + random.below(16));
    if (bytes.size() > 3) bytes[2] = std::byte{};
    const bool is_packet = packet_ends(bytes).has_value();
    EXPECT_TRUE(!is_packet || bytes.size() >= 20);
    finish_checksum(bytes);
  }
}

}  // namespace
}  // namespace twinbed
