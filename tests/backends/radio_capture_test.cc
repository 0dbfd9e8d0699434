// Captures of radio frames: as tshark reads those that are written, and as a radio that plays them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "backends/live_host.h"
#include "backends/pcap/capture_replay.h"
#include "backends/pcap/packet_file.h"
#include "backends/pcap/radio_capture_file.h"
#include "core/wire/ieee80211.h"
#include "core/wire/radiotap.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/text_sink.h"

namespace twinbed::backends {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Duration kMs = std::chrono::milliseconds(1);

/// A data frame of WFB-NG's with this body.
Buffer frame_of(const std::string& body, std::uint16_t number) {
  MacHeader header;
  header.frame_control = 0x0108;
  header.receiver.fill(std::byte{0xff});
  header.transmitter = {std::byte{0x57}, std::byte{0x42}, std::byte{0x75},
                        std::byte{0x05}, std::byte{0xd6}, std::byte{0x00}};
  header.third = header.transmitter;
  header.sequence_control = static_cast<std::uint16_t>(number << 4);
  Buffer frame;
  write_mac_header(header, frame);
  const Bytes bytes = as_bytes(body);
  frame.insert(frame.end(), bytes.begin(), bytes.end());
  return frame;
}

class RadioCaptureTest : public ::testing::Test {
 protected:
  /// What a card with so many antennas has received.
  static RxFrame received(const Buffer& frame, std::uint8_t antennas) {
    RxFrame rx;
    rx.channel = ChannelMhz{5825};
    rx.rate.mcs = 3;
    rx.antenna_count = antennas;
    for (std::uint8_t i = 0; i < antennas; ++i) {
      rx.readings[i] = {i, static_cast<std::int8_t>(-41 - i), -95};
    }
    rx.frame = frame;
    return rx;
  }
  void write(PacketFile& file, Duration at, const RxFrame& frame) {
    Buffer packet;
    write_radiotap_rx(frame, packet);
    packet.insert(packet.end(), frame.frame.begin(), frame.frame.end());
    file.write(Time{at}, packet);
  }
  /// One frame of HT with one antenna, one of VHT with four, and a broken one.
  void write_file() {
    auto file = PacketFile::create(path, LinkLayer::kRadiotap);
    ASSERT_TRUE(file) << file.error();
    const Buffer first = frame_of("first", 1);
    const Buffer second = frame_of("second", 2);
    const Buffer third = frame_of("third", 3);
    RxFrame ht = received(first, 1);
    ht.rate.ldpc = true;
    ht.rate.stbc_streams = 1;
    ht.rate.bandwidth = Bandwidth::k40Mhz;
    RxFrame vht = received(second, 4);
    vht.rate.modulation = Modulation::kVht;
    vht.rate.bandwidth = Bandwidth::k80Mhz;
    vht.rate.spatial_streams = 2;
    vht.rate.short_guard_interval = true;
    RxFrame broken = received(third, 2);
    broken.bad_fcs = true;
    write(*file, 1000 * kMs, ht);
    write(*file, 1040 * kMs, vht);
    write(*file, 1080 * kMs, broken);
    EXPECT_FALSE(file->close());
  }
  /// What tshark prints on the file; the bodies of WFB-NG's frames are no LLC.
  std::string tshark(const std::string& arguments) const {
    const std::string output = directory.path() + "/output";
    const std::string command =
        "tshark --disable-protocol llc -r " + path + " " + arguments + " > " + output +
        " 2> " + output + ".errors";
    EXPECT_EQ(std::system(command.c_str()), 0) << arguments;
    std::ifstream stream(output);
    return std::string(std::istreambuf_iterator<char>(stream), {});
  }

  testing::TemporaryDirectory directory;
  const std::string path = directory.path() + "/radio.pcap";
};

TEST_F(RadioCaptureTest, TsharkReadsEveryFieldWithoutAWarning) {
  if (std::system("tshark --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "tshark is not installed; apt-get install tshark";
  }
  write_file();
  EXPECT_EQ(tshark("-Y '_ws.malformed || (_ws.expert && frame.number < 3)' -T fields "
                   "-e _ws.expert.severity -e _ws.expert.message"), "");
  EXPECT_EQ(tshark("-T fields -E separator=' ' -e frame.time_epoch -e wlan.fc.type_subtype "
                   "-e wlan.ta -e wlan.seq -e radiotap.channel.freq -e data.data "
                   "-Y 'frame.number < 3'"),
            "1.000000000 0x0020 57:42:75:05:d6:00 1 5825 " + to_hex(as_bytes("first")) + "\n" +
            "1.040000000 0x0020 57:42:75:05:d6:00 2 5825 " + to_hex(as_bytes("second")) + "\n");
  EXPECT_EQ(tshark("-T fields -E separator=' ' -e radiotap.dbm_antsignal "
                   "-e radiotap.dbm_antnoise -e radiotap.antenna -e radiotap.flags.badfcs"),
            "-41 -95 0 0\n"
            "-41,-42,-43,-44 -95,-95,-95,-95 0,1,2,3 0\n"
            "-41,-42 -95,-95 0,1 1\n");
  EXPECT_EQ(tshark("-Y 'frame.number == 1' -T fields -E separator=' ' -e radiotap.mcs.index "
                   "-e radiotap.mcs.bw -e radiotap.mcs.gi -e radiotap.mcs.fec "
                   "-e radiotap.mcs.stbc"), "3 1 0 1 1\n");
  EXPECT_EQ(tshark("-Y 'frame.number == 2' -T fields -E separator=' ' -e radiotap.vht.mcs.0 "
                   "-e radiotap.vht.nss.0 -e radiotap.vht.bw -e radiotap.vht.gi"), "3 2 4 1\n");
}

/// Notes what it hears and when, and sends each frame back.
class Listener final : public Protocol {
 public:
  explicit Listener(std::vector<std::string>& heard, std::vector<Time>& times)
      : heard_(heard), times_(times) {}
  void on_start(Context&) override {}
  void on_timer(Context&, TimerId) override {}
  void on_frame(Context& context, const RxFrame& frame) override {
    heard_.push_back(std::string(as_text(frame.frame.subspan(MacHeader::kBytes))) + " " +
                     std::to_string(frame.antenna_count) + (frame.bad_fcs ? " broken" : ""));
    times_.push_back(context.now);
    context.radio.transmit(frame.interface, frame.frame, {});
  }

 private:
  std::vector<std::string>& heard_;
  std::vector<Time>& times_;
};

TEST_F(RadioCaptureTest, AFileIsPlayedAtItsTimes) {
  write_file();
  auto radio = CaptureReplay::open(path);
  ASSERT_TRUE(radio) << radio.error();
  std::vector<std::string> heard;
  std::vector<Time> times;
  EventLoop loop;
  testing::TextSink sink;
  LiveHostOptions options;
  options.storage.root = directory.path() + "/files";
  options.radio = radio->get();
  LiveHost host(loop, std::move(options), sink,
                [&] { return std::make_unique<Listener>(heard, times); });
  host.start();
  loop.run_until([&] { return heard.size() == 3; }, std::chrono::seconds(10));
  ASSERT_THAT(heard, ElementsAre("first 1", "second 4", "third 2 broken"));
  EXPECT_GE(times[1] - times[0], 39 * kMs);
  EXPECT_GE(times[2] - times[0], 79 * kMs);
  EXPECT_EQ((*radio)->transmitted(), 3U);
  EXPECT_EQ((*radio)->passed_over(), 0U);
  EXPECT_EQ((*radio)->error(), "");
}

TEST_F(RadioCaptureTest, OnlyWhatTheFilterLetsPassIsPlayed) {
  write_file();
  auto radio = CaptureReplay::open(path, "wlan[22:2] == 0x2000");
  ASSERT_TRUE(radio) << radio.error();
  std::vector<std::string> heard;
  bool goes_on = true;
  while (goes_on) {
    goes_on = (*radio)->receive((*radio)->descriptors()[0], [&](const RxFrame& frame) {
      heard.emplace_back(as_text(frame.frame.subspan(MacHeader::kBytes)));
    });
  }
  EXPECT_THAT(heard, ElementsAre("second"));
}

TEST_F(RadioCaptureTest, MistakesAreSentences) {
  EXPECT_THAT(CaptureReplay::open("/nowhere/at/all.pcap").error(),
              HasSubstr("the capture file cannot be read (/nowhere/at/all.pcap: No such file"));
  auto file = PacketFile::create(path, LinkLayer::kRawIp);
  ASSERT_TRUE(file && !file->close());
  EXPECT_EQ(CaptureReplay::open(path).error(),
            path + " holds no 802.11 frames with radiotap headers; capture them on an interface in "
                   "monitor mode");
  write_file();
  EXPECT_THAT(CaptureReplay::open(path, "wlan[").error(),
              HasSubstr("the filter 'wlan[' is not one of libpcap: "));
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1);
  auto cut = CaptureReplay::open(path);
  ASSERT_TRUE(cut) << cut.error();
  while ((*cut)->receive((*cut)->descriptors()[0], [](const RxFrame&) {})) continue;
  EXPECT_THAT((*cut)->error(), HasSubstr(path + " cannot be read to its end: "));
}

TEST_F(RadioCaptureTest, EachCardIsAnInterfaceAndLibpcapReadsThemAll) {
  auto file = RadioCaptureFile::create(path);
  ASSERT_TRUE(file) << file.error();
  const std::uint32_t near = file->add_card("near:0");
  Buffer packet;
  const auto packet_of = [&](const Buffer& frame) {
    packet.clear();
    write_radiotap_rx(received(frame, 2), packet);
    packet.insert(packet.end(), frame.begin(), frame.end());
    return Bytes(packet);
  };
  file->write(near, Time{1000 * kMs}, FrameDirection::kReceived, packet_of(frame_of("first", 1)));
  const std::uint32_t far = file->add_card("far:12");
  file->write(far, time_from_ns(5'000'000'000'123), FrameDirection::kSent,
              packet_of(frame_of("second!", 2)));
  EXPECT_FALSE(file->close());
  auto replay = CaptureReplay::open(path, "wlan[22:2] == 0x2000");
  ASSERT_TRUE(replay) << replay.error();
  std::vector<std::string> heard;
  (*replay)->receive((*replay)->descriptors()[0], [&](const RxFrame& frame) {
    heard.emplace_back(as_text(frame.frame.subspan(MacHeader::kBytes)));
  });
  EXPECT_THAT(heard, ElementsAre("second!"));
  if (std::system("tshark --version > /dev/null 2>&1") != 0) {
    GTEST_SKIP() << "tshark is not installed; apt-get install tshark";
  }
  EXPECT_EQ(tshark("-T fields -E separator=' ' -e frame.time_epoch -e frame.interface_name "
                   "-e frame.p2p_dir -e data.data"),
            "1.000000000 near:0 1 " + to_hex(as_bytes("first")) + "\n" +
            "5000.000000123 far:12 0 " + to_hex(as_bytes("second!")) + "\n");
  EXPECT_EQ(tshark("-Y '_ws.malformed || _ws.expert' -T fields -e frame.number"), "");
}

TEST_F(RadioCaptureTest, ATimeThatNoNanosecondsCanHoldIsRefused) {
  auto file = RadioCaptureFile::create(path);
  ASSERT_TRUE(file) << file.error();
  const std::uint32_t card = file->add_card("card");
  Buffer packet;
  write_radiotap_sent({}, ChannelMhz{5825}, packet);
  file->write(card, Time{kMs}, FrameDirection::kSent, packet);
  file->write(card, time_from_ns(-1), FrameDirection::kSent, packet);  // 2^64 - 1 in the file
  EXPECT_FALSE(file->close());
  auto capture = CaptureFile::open(path);
  ASSERT_TRUE(capture) << capture.error();
  EXPECT_TRUE(capture->next());
  EXPECT_FALSE(capture->next());
  EXPECT_EQ(capture->error(), path + " has an impossible time at frame 2");
}

TEST(RadioCaptureFileTest, AFileThatCannotBeWrittenIsASentence) {
  EXPECT_EQ(RadioCaptureFile::create("/nowhere/at/all.pcapng").error(),
            "the capture file cannot be written (/nowhere/at/all.pcapng: No such file or "
            "directory), check the path");
  auto full = RadioCaptureFile::create("/dev/full");
  ASSERT_TRUE(full) << full.error();
  const std::uint32_t card = full->add_card("card");
  full->write(card, Time{}, FrameDirection::kSent, as_bytes(std::string(100'000, 'x')));
  const auto error = full->close();
  ASSERT_TRUE(error);
  EXPECT_EQ(error->message, "the capture file /dev/full could not be written to its end (No space "
                            "left on device), check the disk");
}

}  // namespace
}  // namespace twinbed::backends
