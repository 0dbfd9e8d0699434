// Capture files as libpcap itself reads them, and captures on the loopback interface.
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "backends/pcap/live_capture.h"
#include "backends/pcap/packet_file.h"
#include "core/wire/ipv4.h"

namespace twinbed::backends {
namespace {

struct Stored {
  std::int64_t time_ns = 0;
  std::string bytes;

  bool operator==(const Stored&) const = default;
};

class PacketFileTest : public ::testing::Test {
 protected:
  ~PacketFileTest() override { std::filesystem::remove(path); }

  std::vector<Stored> read_back() const {
    std::array<char, PCAP_ERRBUF_SIZE> reason{};
    pcap_t* file = pcap_open_offline_with_tstamp_precision(
        path.c_str(), PCAP_TSTAMP_PRECISION_NANO, reason.data());
    EXPECT_NE(file, nullptr) << reason.data();
    if (file == nullptr) return {};
    EXPECT_EQ(pcap_datalink(file), DLT_RAW);
    std::vector<Stored> packets;
    pcap_pkthdr* header = nullptr;
    const u_char* bytes = nullptr;
    while (pcap_next_ex(file, &header, &bytes) == 1) {
      EXPECT_EQ(header->caplen, header->len);
      packets.push_back({std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec,
                         std::string(reinterpret_cast<const char*>(bytes), header->caplen)});
    }
    pcap_close(file);
    return packets;
  }

  const std::string path = ::testing::TempDir() + "twinbed_packet_file_test.pcap";
};

TEST_F(PacketFileTest, PacketsKeepTheirNanosecondsAndBytes) {
  auto file = PacketFile::create(path, LinkLayer::kRawIp);
  ASSERT_TRUE(file) << file.error();
  const std::string largest(65'535, '\x45');
  file->write(Time{}, as_bytes("first"));
  file->write(time_from_ns(1'999'999'999), as_bytes("second"));
  file->write(time_from_ns(3'600'000'000'001), as_bytes(largest));
  EXPECT_FALSE(file->close());
  const std::vector<Stored> expected{
      {0, "first"}, {1'999'999'999, "second"}, {3'600'000'000'001, largest}};
  EXPECT_EQ(read_back(), expected);
}

TEST_F(PacketFileTest, TheFileSaysRawIpAndNanoseconds) {
  auto file = PacketFile::create(path, LinkLayer::kRawIp);
  ASSERT_TRUE(file) << file.error();
  EXPECT_FALSE(file->close());
  std::array<std::uint32_t, 6> head{};
  std::ifstream stream(path, std::ios::binary);
  stream.read(reinterpret_cast<char*>(head.data()), sizeof head);
  EXPECT_EQ(head[0], 0xa1b2'3c4dU);
  EXPECT_EQ(head[5], 101U) << "LINKTYPE_RAW";
  EXPECT_EQ(std::filesystem::file_size(path), sizeof head) << "an empty capture is a valid file";
}

TEST_F(PacketFileTest, AFileThatCannotBeWrittenIsASentence) {
  const auto missing = PacketFile::create("/nowhere/at/all.pcap", LinkLayer::kRawIp);
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error(), "the capture file cannot be written (/nowhere/at/all.pcap: No such "
                             "file or directory), check the path");
  auto full = PacketFile::create("/dev/full", LinkLayer::kRawIp);
  ASSERT_TRUE(full) << full.error();
  full->write(Time{}, as_bytes(std::string(100'000, 'x')));
  const auto error = full->close();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "the capture file /dev/full could not be written to its end (No space "
                            "left on device), check the disk");
}

TEST(LinkLayerTest, PacketsAreFoundInTheirFrames) {
  const std::string packet = std::string("\x45\0\0\x15", 4) + std::string(17, 'p');
  const std::string ethernet = std::string(12, '\0') + std::string("\x08\0", 2) + packet;
  EXPECT_EQ(as_text(ipv4_packet(LinkLayer::kRawIp, as_bytes(packet))), packet);
  EXPECT_EQ(as_text(ipv4_packet(LinkLayer::kEthernet, as_bytes(ethernet + "padding"))), packet);
  EXPECT_TRUE(ipv4_packet(LinkLayer::kOther, as_bytes(packet)).empty());
  for (std::size_t size = 0; size < ethernet.size(); ++size) {
    EXPECT_TRUE(ipv4_packet(LinkLayer::kEthernet, as_bytes(ethernet.substr(0, size))).empty());
  }
  std::string arp = ethernet;
  arp[13] = '\x06';
  EXPECT_TRUE(ipv4_packet(LinkLayer::kEthernet, as_bytes(arp)).empty());
}

/// UDP over 127.200.0.1, at a port that nothing else has: other tests may run at the same time.
class LoopbackSender {
 public:
  LoopbackSender() : socket_(socket(AF_INET, SOCK_DGRAM, 0)) {
    address_.sin_family = AF_INET;
    address_.sin_addr.s_addr = inet_addr("127.200.0.1");
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&address_), sizeof address_), 0);
    socklen_t size = sizeof address_;
    EXPECT_EQ(getsockname(socket_, reinterpret_cast<sockaddr*>(&address_), &size), 0);
  }
  ~LoopbackSender() { close(socket_); }
  LoopbackSender(const LoopbackSender&) = delete;
  LoopbackSender& operator=(const LoopbackSender&) = delete;

  std::string filter() const {
    return "udp and dst host 127.200.0.1 and dst port " + std::to_string(ntohs(address_.sin_port));
  }
  void send(const std::string& text) {
    EXPECT_EQ(sendto(socket_, text.data(), text.size(), 0,
                     reinterpret_cast<sockaddr*>(&address_), sizeof address_),
              static_cast<ssize_t>(text.size()));
  }

 private:
  int socket_;
  sockaddr_in address_{};
};

class LiveCaptureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = LiveCapture::open({"lo", sender.filter(), std::size_t{4} << 20,
                                     std::chrono::milliseconds(20)});
    if (!opened) GTEST_SKIP() << opened.error();
    capture.emplace(*std::move(opened));
  }

  /// Reads until so many frames have come, or two seconds have passed.
  std::vector<Stored> read(std::size_t count) {
    std::vector<Stored> frames;
    const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (frames.size() < count && std::chrono::steady_clock::now() < limit) {
      pollfd wait{capture->descriptor(), POLLIN, 0};
      poll(&wait, 1, 100);
      const auto got = capture->read([&](const CapturedFrame& frame) {
        frames.push_back({frame.wall_ns, std::string(as_text(frame.bytes))});
      });
      EXPECT_TRUE(got) << got.error();
    }
    return frames;
  }

  std::optional<LiveCapture> capture;
  LoopbackSender sender;
};

TEST_F(LiveCaptureTest, EachPacketOnLoopbackIsSeenOnceAndWhole) {
  const auto before = std::chrono::system_clock::now().time_since_epoch() / Duration{1};
  const std::string largest(65'507, 'z');
  for (const std::string& text : {std::string("one"), std::string("two"), largest}) {
    sender.send(text);
  }
  std::vector<Stored> frames = read(3);
  ASSERT_EQ(frames.size(), 3U);
  EXPECT_TRUE(read(1).empty()) << "no frame comes a second time";
  const auto after = std::chrono::system_clock::now().time_since_epoch() / Duration{1};
  EXPECT_EQ(capture->link_layer(), LinkLayer::kEthernet);
  for (const Stored& frame : frames) {
    const Bytes packet = ipv4_packet(capture->link_layer(), as_bytes(frame.bytes));
    const auto ends = packet_ends(packet);
    ASSERT_TRUE(ends);
    EXPECT_EQ(to_string(ends->from.address), "127.200.0.1");
    EXPECT_EQ(ends->from, ends->to);
    EXPECT_GE(frame.time_ns, before);
    EXPECT_LE(frame.time_ns, after);
  }
  EXPECT_TRUE(frames[0].bytes.ends_with("one"));
  EXPECT_TRUE(frames[1].bytes.ends_with("two"));
  EXPECT_TRUE(frames[2].bytes.ends_with(largest));
  EXPECT_EQ(capture->dropped(), 0U);
}

TEST_F(LiveCaptureTest, AReadDoesNotWait) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(capture->read([](const CapturedFrame&) {}));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(15));
}

TEST_F(LiveCaptureTest, WhatFindsNoRoomIsCounted) {
  constexpr std::size_t kSent = 3000;  // which the kernel sees twice each, going out and coming in
  for (std::size_t i = 0; i < kSent; ++i) sender.send(std::string(8000, 'x'));
  const std::vector<Stored> frames = read(kSent);
  EXPECT_LT(frames.size(), kSent) << "24 MB do not fit into 4 MiB";
  EXPECT_GT(frames.size(), 0U);
  EXPECT_NEAR(2.0 * static_cast<double>(frames.size()) + static_cast<double>(capture->dropped()),
              2.0 * kSent, 2.0);
}

TEST_F(LiveCaptureTest, MistakesAreSentences) {
  EXPECT_EQ(LiveCapture::open({"nosuch0", "", 1 << 20, {}}).error(),
            "packets on the interface nosuch0 cannot be captured: there is no such interface; ip "
            "link lists them");
  const std::string filter = LiveCapture::open({"lo", "udp und tcp", 1 << 20, {}}).error();
  EXPECT_TRUE(filter.starts_with("the filter 'udp und tcp' is not one of libpcap: ")) << filter;
}

}  // namespace
}  // namespace twinbed::backends
