// Losses from the numbers that are missing in a capture: the fragments of WFB-NG as its encoder
// makes them, the sequence numbers of other senders, and captures that are not as they should be.
#include "scenarios/capture_gaps.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "core/base/random_stream.h"
#include "core/protocols/wfb/encoder.h"

namespace twinbed::scenarios {
namespace {

using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::IsEmpty;

constexpr Duration kMs = std::chrono::milliseconds(1);
constexpr Duration kHour = std::chrono::hours(1);
constexpr wfb::ChannelId kChannel{0x7505d600};

auto step(Duration at, double loss) {
  return ::testing::AllOf(Field(&CaptureGaps::Step::at, Time{at}),
                          Field(&CaptureGaps::Step::loss, ::testing::DoubleNear(loss, 1e-6)));
}

class CaptureGapsTest : public ::testing::Test {
 protected:
  void add(Bytes frame) {
    const auto header = read_mac_header(frame);
    ASSERT_TRUE(header);
    const auto error = gaps.add(Time{now}, frame, *header);
    EXPECT_FALSE(error) << error->message;
  }
  void add_packet(Bytes packet, wfb::ChannelId channel = kChannel) {
    Buffer frame;
    write_mac_header(wfb::frame_header(channel, wfb::FrameType::kData, 0), frame);
    frame.insert(frame.end(), packet.begin(), packet.end());
    add(frame);
  }
  /// A data packet, a millisecond after what was heard before.
  void hear(std::uint64_t block, std::uint8_t fragment, Duration after = kMs) {
    now += after;
    add_packet(wfb::data_header({block, fragment}));
  }
  void hear_blocks(std::uint64_t first, std::uint64_t last, std::uint8_t fragments) {
    for (std::uint64_t block = first; block <= last; ++block) {
      for (std::uint8_t i = 0; i < fragments; ++i) hear(block, i);
    }
  }
  void announce(std::uint8_t session) {
    add_packet(Buffer{std::byte{2}, std::byte{session}});
  }
  /// Another sender's frame, a millisecond after what was heard before.
  void hear_number(unsigned sequence, std::uint16_t frame_control = 0x0008,
                   std::uint8_t receiver = 2, std::uint8_t traffic = 0) {
    now += kMs;
    MacHeader header;
    header.frame_control = frame_control;
    header.transmitter[5] = std::byte{1};
    header.receiver[5] = std::byte{receiver};
    header.sequence_control = static_cast<std::uint16_t>(sequence << 4);
    Buffer frame;
    write_mac_header(header, frame);
    frame.resize(MacHeader::kBytes + 2, std::byte{traffic});
    add(frame);
  }

  CaptureGaps gaps{kHour};
  Duration now{};
};

TEST_F(CaptureGapsTest, FragmentsBelowNAreLostAndNoOthersAre) {
  const std::set<std::pair<std::uint64_t, int>> lost = {{2, 1}, {3, 4}, {4, 0}, {6, 0}, {6, 1},
                                                        {6, 2}, {6, 3}, {6, 4}};
  for (std::uint64_t block = 0; block < 10; ++block) {
    for (std::uint8_t i = 0; i < 5; ++i) {
      if (!lost.contains({block, i})) hear(block, i);
    }
  }
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 8.0 / 50)));
}

TEST_F(CaptureGapsTest, WhatLiesBeforeTheFirstAndBehindTheLastFrameIsNotKnown) {
  hear(700, 3);
  hear_blocks(701, 710, 5);
  hear(711, 1);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 2.0 / 54)));
}

TEST_F(CaptureGapsTest, AFrameCountsOnceAndALateOneIsNotLost) {
  hear_blocks(0, 3, 4);
  hear_blocks(3, 3, 4);
  hear(4, 0);
  hear(4, 2);
  hear(4, 3);
  hear(4, 1);
  hear_blocks(5, 5, 4);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 0)));
}

TEST_F(CaptureGapsTest, ANewSessionBeginsAtZero) {
  announce(1);
  hear_blocks(0, 99, 4);
  hear(100, 0);  // how the session ended is not known
  announce(2);
  hear(0, 3);
  hear_blocks(1, 9, 4);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 3.0 / 441)));
}

// What was lost of it before the first frame is not known then: it may be a session from before.
TEST_F(CaptureGapsTest, ANewSessionThatWasNotAnnouncedIsSeenByItsNumbers) {
  announce(1);
  hear_blocks(0, 99, 4);
  hear(0, 1);
  hear_blocks(1, 4, 6);  // with another code
  announce(2);
  hear_blocks(5, 9, 6);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 4.0 / (400 + 6 + 53))));
}

TEST_F(CaptureGapsTest, JumpsThatTheAirCannotHaveCarriedAreNoLosses) {
  hear_blocks(0, 9, 4);
  hear(1'000'000, 0);
  hear(0xffffffffffffff, 3);
  hear(500, 0);
  hear(900'000'000, 1);
  hear_blocks(10, 19, 4);
  const auto steps = gaps.finish();
  EXPECT_THAT(steps, ElementsAre(step({}, 0)));
}

TEST_F(CaptureGapsTest, TwoSendersOfOneChannelLoseNothingToEachOther) {
  for (std::uint64_t i = 0; i < 50; ++i) {
    if (i % 10 == 0) announce(1);
    hear_blocks(1000 + i, 1000 + i, 4);
    if (i % 10 == 5) announce(2);
    hear_blocks(i, i, 4);
  }
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 0)));
}

TEST_F(CaptureGapsTest, AFewForgedFragmentsMakeNoBlocksLonger) {
  hear_blocks(0, 49, 4);
  hear(49, 255);
  hear_blocks(50, 99, 4);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 0)));
}

TEST_F(CaptureGapsTest, AFrameIsLostAtAnInterpolatedTime) {
  gaps = CaptureGaps(100 * kMs);
  hear_blocks(0, 0, 1);  // at 1 ms, with n = 1
  for (std::uint64_t block = 1; block <= 9; ++block) hear(block, 0, 10 * kMs);  // until 91 ms
  hear(40, 0, 310 * kMs);  // at 401 ms: lost at 101 ms, ... 391 ms
  for (std::uint64_t block = 41; block < 49; ++block) hear(block, 0, 10 * kMs);
  EXPECT_THAT(gaps.finish(),
              ElementsAre(step({}, 0), step(100 * kMs, 1), step(400 * kMs, 0)));
}

TEST_F(CaptureGapsTest, PartsOfAnOutageGoToTheirWindows) {
  gaps = CaptureGaps(100 * kMs);
  for (std::uint64_t block = 0; block < 5; ++block) hear(block, 0, 10 * kMs);  // until 50 ms
  hear(15, 0, 110 * kMs);  // at 160 ms: lost at 60 ms, ... 150 ms
  for (std::uint64_t block = 16; block < 20; ++block) hear(block, 0, 10 * kMs);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 4.0 / 9), step(100 * kMs, 6.0 / 10),
                                         step(200 * kMs, 0)));
}

class CaptureOfEncoderTest : public CaptureGapsTest, private wfb::EncoderOwner {
 protected:
  void run(double loss) {
    RandomStream random(7, "encoder", 0);
    wfb::EncoderOptions options;
    random.fill(options.keys.mine.writable());
    options.keys.theirs = public_key_of(options.keys.mine);
    options.channel = kChannel;
    options.fec = {4, 6};
    wfb::Encoder encoder(options, random, *this);
    loss_ = loss;
    for (int i = 0; i < 3000; ++i) {
      encoder.send(Time{now}, Buffer(100), random);
      while (i % 7 == 0 && encoder.has_open_block()) encoder.fill(random);
      if (i % 1000 == 999) encoder.set_fec(Time{now}, i > 1500 ? wfb::FecParams{8, 12}
                                                               : wfb::FecParams{2, 3}, random);
    }
    behind_.clear();
  }

  std::uint64_t sent_ = 0;    ///< of data packets, in so far as it can be known
  std::uint64_t missed_ = 0;

 private:
  /// What was lost behind a session's last frame cannot be known.
  void on_packet(wfb::PacketKind kind, Bytes packet) override {
    now += kMs;
    const bool is_lost = chance_.uniform() < loss_;
    if (kind == wfb::PacketKind::kSession) {
      if (!session_.empty() && !std::ranges::equal(session_, packet)) behind_.clear();
      session_.assign(packet.begin(), packet.end());
    } else if (is_lost) {
      if (heard_ > 0) behind_.push_back(now);
    } else {
      missed_ += behind_.size();
      sent_ += behind_.size() + 1;
      behind_.clear();
      ++heard_;
    }
    if (!is_lost) add_packet(packet);
  }

  RandomStream chance_{11, "loss", 0};
  double loss_ = 0;
  std::uint64_t heard_ = 0;
  Buffer session_;
  std::vector<Duration> behind_;
};

TEST_F(CaptureOfEncoderTest, FillersAndNewSessionsAreNotLost) {
  run(0);
  EXPECT_GT(sent_, 4000U);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 0)));
}

TEST_F(CaptureOfEncoderTest, WhatIsLostIsFoundToTheFrame) {
  run(0.2);
  const double expected = static_cast<double>(missed_) / static_cast<double>(sent_);
  EXPECT_NEAR(expected, 0.2, 0.02);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, expected)));
}

constexpr std::uint16_t kBeacon = 0x0080, kRetry = 0x0808, kQos = 0x0088, kQosNull = 0x00c8,
                        kAck = 0x00d4;

TEST_F(CaptureGapsTest, SequenceNumbersGoRound) {
  for (unsigned i = 4000; i < 4200; ++i) {
    if (i % 10 != 6) hear_number(i % 4096, i % 3 == 0 ? kBeacon : 8);
  }
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 20.0 / 200)));
}

TEST_F(CaptureGapsTest, RetriesCountOnceAndLateOnesFillTheirGaps) {
  for (const unsigned number : {1U, 2U, 2U, 4U, 3U, 5U}) hear_number(number, kRetry);
  hear_number(7);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 1.0 / 7)));
}

TEST_F(CaptureGapsTest, ReceiversAndClassesOfQosDataHaveNumbersOfTheirOwn) {
  for (unsigned i = 0; i < 10; ++i) {
    hear_number(i, kQos, 2, 0);
    hear_number(100 + i, kQos, 2, 5);
    hear_number(200 + i, kQos, 3, 5);
    hear_number(300 + i, kBeacon);
    hear_number(7 * i, kQosNull);
    hear_number(9 * i, kAck);
  }
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 0)));
}

// It sends on with whatever number it likes, and a capture's gap has no more than 4095 frames.
TEST_F(CaptureGapsTest, ASequenceThatJumpsFurtherThanTheAirAllowsBeginsAnew) {
  for (const unsigned number : {10U, 11U, 12U, 2000U, 2001U, 1000U, 1001U}) hear_number(number);
  now += std::chrono::seconds(1);
  hear_number(1101);
  EXPECT_THAT(gaps.finish(), ElementsAre(step({}, 99.0 / 107)));
}

TEST_F(CaptureGapsTest, FramesWithoutTheirNumberCountForNothing) {
  Buffer frame;
  write_mac_header(wfb::frame_header(kChannel, wfb::FrameType::kData, 0), frame);
  add(frame);
  frame.push_back(std::byte{1});
  frame.resize(MacHeader::kBytes + 8);
  add(frame);  // a byte of the nonce is missing
  frame[MacHeader::kBytes] = std::byte{9};
  add(frame);
  MacHeader header;
  header.frame_control = kQos;
  Buffer short_frame;
  write_mac_header(header, short_frame);
  add(short_frame);
  EXPECT_THAT(gaps.finish(), IsEmpty());
}

TEST_F(CaptureGapsTest, ItsStepsAndNumberingsAreBounded) {
  const MacHeader beacon{.frame_control = kBeacon, .third = {}};
  Buffer frame;
  write_mac_header(beacon, frame);
  CaptureGaps long_one(kMs);
  EXPECT_FALSE(long_one.add(Time{999'999 * kMs}, frame, beacon));
  const auto late = long_one.add(Time{1'000'000 * kMs}, frame, beacon);
  ASSERT_TRUE(late);
  EXPECT_EQ(late->message, "it is more than 1000000 steps later than the first one; take a longer "
                           "'average' than 1 ms");
  for (unsigned i = 0; i <= CaptureGaps::kMostNumberings; ++i) {
    MacHeader header = beacon;
    header.transmitter = {std::byte(i), std::byte(i >> 8)};
    const auto error = gaps.add(Time{}, frame, header);
    ASSERT_EQ(error.has_value(), i == CaptureGaps::kMostNumberings) << i;
    if (error) {
      EXPECT_EQ(error->message, "with it frames are numbered in more than 256 ways, as of many "
                                "senders; choose one by 'filter'");
    }
  }
}

TEST_F(CaptureGapsTest, WhateverIsHeardLossesAreProbabilitiesInTheOrderOfTheirTimes) {
  RandomStream random(5, "capture", 0);
  gaps = CaptureGaps(std::chrono::seconds(1));
  for (int i = 0; i < 20'000; ++i) {
    now += Duration{static_cast<std::int64_t>(random.below(100'000'000))};
    switch (random.below(4)) {
      case 0: announce(static_cast<std::uint8_t>(random.below(3))); break;
      case 1:
        hear(random.next() >> random.below(64), static_cast<std::uint8_t>(random.next()));
        break;
      case 2: hear(random.below(100), static_cast<std::uint8_t>(random.below(12))); break;
      default: hear_number(static_cast<unsigned>(random.below(4096)));
    }
  }
  Time last{Duration{-1}};
  const auto steps = gaps.finish();
  EXPECT_GT(steps.size(), 100U);
  for (const CaptureGaps::Step& at : steps) {
    EXPECT_GT(at.at, last);
    last = at.at;
    EXPECT_TRUE(at.loss >= 0 && at.loss <= 1) << at.loss;
  }
  EXPECT_LE(last, Time{now});
}

}  // namespace
}  // namespace twinbed::scenarios
