// Frames of MAVLink in streams of bytes (MAVLink developer guide, packet serialization).
#include "core/protocols/wfb/mavlink_frames.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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

}  // namespace
}  // namespace twinbed::wfb
