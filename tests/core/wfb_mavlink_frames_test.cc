// Frames of MAVLink in streams of bytes (MAVLink developer guide, packet serialization).
#include "core/protocols/wfb/mavlink_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <tuple>

namespace twinbed::wfb {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// With a payload of these bytes and a checksum that nobody looks at.
Buffer version_1(const std::string& payload) {
  std::string bytes{'\xfe', static_cast<char>(payload.size()), '\1', '\1', '\1', '\0'};
  return to_buffer(bytes + payload + "cs");
}

Buffer version_2(const std::string& payload, char flags = 0) {
  std::string bytes{'\xfd', static_cast<char>(payload.size()), flags, '\0', '\1',
                    '\1',   '\1',                              '\0',  '\0', '\0'};
  const std::string signature = flags == 1 ? std::string(13, 's') : "";
  return to_buffer(bytes + payload + "cs" + signature);
}

Buffer operator+(Buffer left, const Buffer& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

class MavlinkFramesTest : public ::testing::Test {
 protected:
  std::vector<Buffer> feed(Bytes bytes) {
    std::vector<Buffer> found;
    frames_.feed(bytes, [&](Bytes frame) { found.emplace_back(frame.begin(), frame.end()); });
    return found;
  }

  MavlinkFrames frames_;
};

TEST_F(MavlinkFramesTest, AreFoundOneBehindTheOther) {
  const Buffer longest = version_2(std::string(255, '\xfe'), 1);
  EXPECT_EQ(longest.size(), MavlinkFrames::kMostBytes);
  EXPECT_THAT(feed(version_1("") + version_2("abc") + longest + version_1("\xfe\xfd")),
              ElementsAre(version_1(""), version_2("abc"), longest, version_1("\xfe\xfd")));
  EXPECT_EQ(frames_.lost(), 0u);
}

TEST_F(MavlinkFramesTest, ComeOnceTheyAreWholeHoweverTheBytesCome) {
  const Buffer all = version_1("one") + version_2("two") + version_2("three", 1);
  std::vector<Buffer> found;
  for (const std::byte byte : all) {
    for (Buffer& frame : feed(Bytes(&byte, 1))) found.push_back(std::move(frame));
  }
  EXPECT_THAT(found, ElementsAre(version_1("one"), version_2("two"), version_2("three", 1)));
}

TEST_F(MavlinkFramesTest, NoiseBetweenThemIsLost) {
  const Buffer noise = to_buffer("no frame");
  EXPECT_THAT(feed(noise + version_1("one") + noise + version_2("two") + noise),
              ElementsAre(version_1("one"), version_2("two")));
  EXPECT_EQ(frames_.lost(), 24u);
  EXPECT_THAT(feed(version_2("of a flag that nobody knows", 2)), IsEmpty());
  EXPECT_THAT(feed(version_1("three")), ElementsAre(version_1("three")));
}

TEST_F(MavlinkFramesTest, WhatIsNotWholeCanBeForgotten) {
  EXPECT_THAT(feed(Bytes(version_1("cut")).first(5)), IsEmpty());
  frames_.reset();
  EXPECT_THAT(feed(version_1("whole")), ElementsAre(version_1("whole")));
}

TEST(MavlinkMessageTest, IsWhatAFrameSays) {
  const Buffer first = to_buffer(std::string("\xfe\2\7\1\3\x1e" "abcs", 10));
  const auto of_1 = read_mavlink_frame(first);
  ASSERT_TRUE(of_1);
  EXPECT_EQ((std::tuple{of_1->sequence, of_1->system, of_1->component, of_1->number}),
            (std::tuple{7, 1, 3, 30u}));
  EXPECT_EQ(as_text(of_1->payload), "ab");
  const Buffer second = to_buffer(std::string("\xfd\2\0\0\7\1\3\x1e\2\1" "abcs", 14));
  const auto of_2 = read_mavlink_frame(second);
  ASSERT_TRUE(of_2);
  EXPECT_EQ((std::tuple{of_2->sequence, of_2->system, of_2->component, of_2->number}),
            (std::tuple{7, 1, 3, 0x01021eu}));
  EXPECT_EQ(as_text(of_2->payload), "ab");
}

TEST(MavlinkMessageTest, IsReadOfOneWholeFrameAlone) {
  const Buffer whole = version_2("abc", 1);
  EXPECT_TRUE(read_mavlink_frame(whole));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_mavlink_frame(Bytes(whole).first(size))) << size;
  }
  EXPECT_FALSE(read_mavlink_frame(whole + to_buffer("x")));
}

}  // namespace
}  // namespace twinbed::wfb
