// The replayer: what it records, and when and how it sends that again.
#include "core/protocols/wfb/replayer_node.h"

#include <gmock/gmock.h>

#include "core/protocols/wfb/records.h"
#include "core/wire/writer.h"
#include "tests/support/fake_context.h"

namespace twinbed::wfb {
namespace {

using testing::FakeContext;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const ChannelId kChannel = ChannelId::of(7669206, 0);
const ChannelId kOther = ChannelId::of(7669206, 16);

ReplayerOptions options_of(std::int64_t count) {
  ReplayerOptions options;
  options.channel = kChannel;
  options.rate.mcs = 3;
  options.record_at = 1s;
  options.record_for = 2s;
  options.replay_at = 10s;
  options.replay_count = count;
  return options;
}

/// A replayer that has started, and what it sends: time, card and bytes.
struct Replayer {
  explicit Replayer(std::int64_t count = 1) : node(options_of(count)) {
    fake.run([&](Context& context) { node.on_start(context); });
  }

  void hear(Duration at, Bytes frame, std::uint32_t card = 0, bool bad_fcs = false) {
    fake.advance_to(node, Time{at});
    RxFrame heard;
    heard.interface = InterfaceId{card};
    heard.rate.mcs = 1;
    heard.bad_fcs = bad_fcs;
    heard.frame = frame;
    fake.run([&](Context& context) { node.on_frame(context, heard); });
  }
  /// "12.5 s card 0 mcs 3: bytes", in the order in which they are sent until then.
  std::vector<std::string> sent_until(Duration until) {
    std::vector<std::string> lines;
    do {
      for (const Request& request : fake.requests.requests()) {
        if (request.kind != RequestKind::kTransmit) continue;
        lines.push_back(format_duration(fake.now - Time{}) + " card " +
                        std::to_string(request.id) + " mcs " + std::to_string(request.tx.mcs) +
                        ": " + std::string(as_text(fake.requests.data(request)).substr(24)));
        sent_frames.push_back(to_buffer(fake.requests.data(request)));
      }
      fake.requests.clear();
    } while (fake.next_timer().second <= Time{until} && fake.fire_next_timer(node));
    return lines;
  }

  FakeContext fake;
  ReplayerNode node;
  std::vector<Buffer> sent_frames;
};

Buffer frame_of(ChannelId channel, std::uint16_t number, std::string_view packet) {
  Buffer frame;
  write_mac_header(frame_header(channel, FrameType::kData, number), frame);
  Writer(frame).bytes(as_bytes(packet));
  return frame;
}

TEST(WfbReplayer, SendsWhatItHeardByteForByteAtTheSameDistances) {
  Replayer replayer(2);
  const Buffer session = frame_of(kChannel, 7, "session");
  const Buffer data = frame_of(kChannel, 8, "data");
  replayer.hear(1100ms, session);
  replayer.hear(1600ms, data, 1);
  replayer.hear(1600ms, data);
  EXPECT_THAT(replayer.sent_until(9999ms), IsEmpty());
  EXPECT_THAT(replayer.sent_until(1h),
              ElementsAre("10.1 s card 0 mcs 3: session", "10.6 s card 1 mcs 3: data",
                          "10.6 s card 0 mcs 3: data", "12.1 s card 0 mcs 3: session",
                          "12.6 s card 1 mcs 3: data", "12.6 s card 0 mcs 3: data"));
  EXPECT_THAT(replayer.sent_frames, ElementsAre(session, data, data, session, data, data));
  EXPECT_THAT(replayer.fake.timers(), IsEmpty()) << "it has done its work";
}

TEST(WfbReplayer, RecordsItsChannelAloneAndInItsTime) {
  Replayer replayer;
  replayer.hear(999ms, frame_of(kChannel, 1, "too early"));
  replayer.hear(1s, frame_of(kChannel, 2, "first"));
  replayer.hear(1500ms, frame_of(kOther, 3, "of another stream"));
  replayer.hear(1500ms, frame_of(kChannel, 4, "damaged"), 0, true);
  replayer.hear(1500ms, as_bytes("no frame"));
  replayer.hear(2999ms, frame_of(kChannel, 5, "last"));
  replayer.hear(3s, frame_of(kChannel, 6, "too late"));
  replayer.hear(10500ms, frame_of(kChannel, 7, "while it sends"));
  EXPECT_THAT(replayer.sent_until(1h),
              ElementsAre("10.5 s card 0 mcs 3: first", "11.999 s card 0 mcs 3: last"));
}

TEST(WfbReplayer, SaysWhatItDoes) {
  Replayer replayer(2);
  replayer.hear(1500ms, frame_of(kChannel, 2, "frame"));
  replayer.sent_until(1h);
  const auto recorded = replayer.fake.recorder.of(kRecordedEvent);
  ASSERT_EQ(recorded.size(), 1U);
  EXPECT_EQ(recorded[0].number("frames"), 1);
  EXPECT_EQ(recorded[0].number("bytes"), 29);
  EXPECT_EQ(recorded[0].number("left_out"), 0);
  const auto passes = replayer.fake.recorder.of(kReplayedEvent);
  ASSERT_EQ(passes.size(), 2U);
  EXPECT_EQ(passes[1].number("pass"), 1);
}

TEST(WfbReplayer, WithoutARecordingItIsSilent) {
  Replayer replayer;
  EXPECT_THAT(replayer.sent_until(1h), IsEmpty());
  EXPECT_EQ(replayer.fake.recorder.of(kRecordedEvent).size(), 1U);
  EXPECT_THAT(replayer.fake.recorder.of(kReplayedEvent), IsEmpty());
}

TEST(WfbReplayer, ItsMemoryIsBounded) {
  Replayer replayer;
  const Buffer frame = frame_of(kChannel, 0, std::string(4000, 'x'));
  const std::size_t most = ReplayerNode::kMostBytes / frame.size();
  for (std::size_t i = 0; i < most + 100; ++i) replayer.hear(1500ms, frame);
  const std::size_t sent = replayer.sent_until(1h).size();
  EXPECT_LT(sent, most) << "what a frame costs besides its bytes counts";
  EXPECT_GT(sent, most - 100);
  const auto about = replayer.fake.recorder.of(kRecordedEvent).front();
  EXPECT_EQ(about.number("left_out"), static_cast<std::int64_t>(most + 100 - sent));
}

}  // namespace
}  // namespace twinbed::wfb
