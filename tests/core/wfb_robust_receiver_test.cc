// The repairs of WFB-NG's receiver, each beside what it repairs.
#include <gmock/gmock.h>

#include "core/protocols/wfb/encoder.h"
#include "core/protocols/wfb/receiver_node.h"
#include "tests/support/counting_new.h"
#include "tests/support/fake_context.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::CountingRandom;
using testing::FakeContext;
using testing::SentPackets;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

const ChannelId kChannel = ChannelId::of(1, 0);

// ---- ring_timeout ----------------------------------------------------------------------------

/// Writes down what a ring gives out: "block.fragment".
struct Fragments final : RingOwner {
  void on_fragment(FragmentId id, std::span<std::byte>, std::size_t) override {
    out.push_back(std::to_string(id.block) + "." + std::to_string(id.fragment));
  }
  std::vector<std::string> take() { return std::exchange(out, {}); }
  std::vector<std::string> out;
};

struct RingTimeout : ::testing::Test {
  Fragments fragments;
  Ring ring{{4, 6}, fragments, 100ms};

  std::vector<std::string> add(std::uint64_t block, std::uint8_t fragment, Duration now) {
    ring.add({block, fragment}, Buffer(10), Time{now});
    return fragments.take();
  }
  std::vector<std::string> expire(Duration now) {
    ring.expire(Time{now});
    return fragments.take();
  }
};

TEST_F(RingTimeout, GivesUpAHoleOfTheNewestBlockAndGoesOnBehindIt) {
  EXPECT_THAT(add(0, 0, 0ms), ElementsAre("0.0"));
  EXPECT_EQ(ring.wake_at(), kNever) << "nothing waits";
  EXPECT_THAT(add(0, 2, 10ms), IsEmpty());
  EXPECT_EQ(ring.wake_at(), Time{110ms});
  EXPECT_THAT(expire(109ms), IsEmpty());
  EXPECT_THAT(expire(110ms), ElementsAre("0.2"));
  EXPECT_EQ(ring.expired(), 1u);
  EXPECT_EQ(ring.wake_at(), kNever);
  EXPECT_THAT(add(0, 1, 111ms), IsEmpty()) << "too late, and out of order";
  EXPECT_THAT(add(0, 3, 112ms), ElementsAre("0.3"));
}

TEST_F(RingTimeout, ClosesBlocksThatOthersWaitFor) {
  add(0, 0, 0ms);
  EXPECT_THAT(add(1, 0, 10ms), IsEmpty());
  EXPECT_THAT(add(2, 1, 50ms), IsEmpty());
  EXPECT_EQ(ring.wake_at(), Time{110ms}) << "block 0 is waited for since block 1 came";
  EXPECT_THAT(expire(110ms), ElementsAre("1.0")) << "all that is in order from there";
  EXPECT_EQ(ring.expired(), 2u) << "block 1, too, whose first fragment was there at 10 ms";
  EXPECT_EQ(ring.wake_at(), Time{150ms});
  EXPECT_THAT(expire(150ms), ElementsAre("2.1"));
  EXPECT_THAT(add(0, 1, 151ms), IsEmpty()) << "closed";
}

TEST_F(RingTimeout, HoldsNothingAgainstSlowTraffic) {
  for (int i = 0; i < 4; ++i) {
    const Duration now = i * 10s;
    EXPECT_EQ(add(0, static_cast<std::uint8_t>(i), now).size(), 1u);
    EXPECT_THAT(expire(now + 9s), IsEmpty());
  }
  EXPECT_EQ(ring.expired(), 0u);
}

TEST_F(RingTimeout, StillComputesWhatCanBeComputed) {
  add(0, 0, 0ms);
  add(0, 2, 10ms);
  expire(110ms);
  add(0, 4, 120ms);
  EXPECT_THAT(add(0, 5, 121ms), ElementsAre("0.3")) << "of two data and two parities";
}

TEST_F(RingTimeout, DeliversTheNextBlockAsSoonAsTheFrontIsComplete) {
  add(0, 0, 0ms);
  add(0, 1, 0ms);
  EXPECT_THAT(add(1, 0, 1ms), IsEmpty());
  add(0, 2, 2ms);
  EXPECT_THAT(add(0, 3, 3ms), ElementsAre("0.3", "1.0"));
  EXPECT_EQ(ring.wake_at(), kNever);
}

TEST(RingWithoutTimeout, WaitsForEver) {
  Fragments fragments;
  Ring ring({4, 6}, fragments);
  ring.add({0, 1}, Buffer(10), Time{});
  EXPECT_EQ(ring.wake_at(), kNever);
  ring.expire(Time{1h});
  EXPECT_THAT(fragments.out, IsEmpty());
}

TEST(RingTimeoutNode, HasATimerForTheHole) {
  CountingRandom random;
  SentPackets sent;
  const LinkKeys keys = testing::wfb_link_keys();
  Encoder encoder({keys.drone, kChannel, 0, {4, 6}, 1h}, random, sent);
  for (const char* text : {"a", "b", "c"}) encoder.send(Time{}, as_bytes(text), random);
  ReceiverOptions options{{keys.ground, kChannel, 0}, std::nullopt, std::nullopt, 1h};
  options.decoder.ring_timeout = 100ms;
  ReceiverNode receiver(options);
  FakeContext fake;
  fake.run([&](Context& context) { receiver.on_start(context); });
  for (const std::size_t i : {0u, 1u, 3u}) {  // the session, "a" and "c"
    Buffer frame;
    write_mac_header(frame_header(kChannel, FrameType::kData, 0), frame);
    frame.insert(frame.end(), sent.packets[i].begin(), sent.packets[i].end());
    RxFrame heard;
    heard.frame = frame;
    fake.run([&](Context& context) { receiver.on_frame(context, heard); });
  }
  EXPECT_EQ(fake.count(RequestKind::kDeliver), 1u);
  fake.advance_to(receiver, Time{99ms});
  EXPECT_EQ(fake.count(RequestKind::kDeliver), 1u);
  fake.advance_to(receiver, Time{100ms});
  EXPECT_EQ(fake.count(RequestKind::kDeliver), 2u);
}

// ---- flush_on_session ------------------------------------------------------------------------

struct Received final : DecoderOwner {
  void on_payload(Bytes payload) override { payloads.emplace_back(as_text(payload)); }
  void on_session(const Session& session) override { epochs.push_back(session.epoch); }
  void on_refused(const Session&, Refusal refusal) override { refusals.push_back(refusal); }

  std::vector<std::string> payloads;
  std::vector<std::uint64_t> epochs;
  std::vector<Refusal> refusals;
};

/// What a transmitter sends: session, three payloads of a block of four, and after a change of k
/// and n two or more sessions and a payload.
struct ChangedSession {
  explicit ChangedSession(bool is_robust) {
    EncoderOptions options{testing::wfb_link_keys().drone, kChannel, 7, {4, 6}, 1h};
    options.refuse_replay = is_robust;
    Encoder encoder(options, random, sent);
    for (const char* text : {"a", "b", "c"}) encoder.send(Time{}, as_bytes(text), random);
    encoder.set_fec(Time{}, {1, 2}, random);
    encoder.send(Time{}, as_bytes("d"), random);
  }
  Bytes first_session() const { return sent.packets[0]; }
  Bytes second_session() const { return sent.packets[7]; }

  CountingRandom random;
  SentPackets sent;
};

std::vector<std::string> heard_without_the_first_payload(bool flush) {
  const ChangedSession changed(false);
  Received received;
  Decoder decoder({testing::wfb_link_keys().ground, kChannel, 0, {}, flush}, received);
  for (std::size_t i = 0; i < changed.sent.packets.size(); ++i) {
    // Of the first block "b" and "c" alone arrive: no filler, no parity.
    if (i != 1 && (i < 4 || i >= 7)) decoder.receive(changed.sent.packets[i]);
  }
  return received.payloads;
}

TEST(FlushOnSession, DeliversWhatIsPendingBeforeTheNewSession) {
  EXPECT_THAT(heard_without_the_first_payload(false), ElementsAre("d"));
  EXPECT_THAT(heard_without_the_first_payload(true), ElementsAre("b", "c", "d"));
}

// ---- refuse_replay ---------------------------------------------------------------------------

Decoder::Options refusing(const KeyFile& keys) {
  Decoder::Options options{keys, kChannel, 0};
  options.refuse_replay = true;
  return options;
}

TEST(RefuseReplay, TakesNoSessionASecondTime) {
  const ChangedSession changed(true);
  Received received;
  Decoder decoder(refusing(testing::wfb_link_keys().ground), received);
  for (const Buffer& packet : changed.sent.packets) decoder.receive(packet);
  EXPECT_THAT(received.epochs, ElementsAre(7, 8)) << "a change of k and n raises the epoch";
  received.payloads.clear();
  for (int i = 0; i < 3; ++i) decoder.receive(changed.first_session());
  EXPECT_EQ(decoder.counters().refused, 3u);
  EXPECT_EQ(decoder.counters().undecryptable, 0u);
  EXPECT_THAT(received.refusals, ElementsAre(Refusal::kOld)) << "told once";
  EXPECT_EQ(decoder.session()->epoch, 8u);
  EXPECT_TRUE(decoder.receive(changed.sent.packets.back())) << "the session is still on";
}

TEST(RefuseReplay, IsNeededForIt) {
  const ChangedSession changed(false);
  Received received;
  Decoder decoder({testing::wfb_link_keys().ground, kChannel, 0}, received);
  for (const Buffer& packet : changed.sent.packets) decoder.receive(packet);
  decoder.receive(changed.first_session());
  EXPECT_THAT(received.epochs, ElementsAre(7, 7, 7)) << "the recorded session took over";
}

TEST(RefuseReplay, OutlivesTheReceiver) {
  const ChangedSession changed(true);
  Received first;
  Decoder before(refusing(testing::wfb_link_keys().ground), first);
  for (const Buffer& packet : changed.sent.packets) before.receive(packet);
  Received second;
  Decoder after(refusing(testing::wfb_link_keys().ground), second);
  after.restore(*before.adopted());
  after.receive(changed.first_session());
  EXPECT_THAT(second.refusals, ElementsAre(Refusal::kOld));
  EXPECT_FALSE(after.session());
  after.receive(changed.second_session());
  EXPECT_THAT(second.epochs, ElementsAre(8)) << "the transmitter goes on in the same session";
}

TEST(RefuseReplay, RefusesItsOwnSessionsSentBack) {
  const ChangedSession changed(true);
  Received received;
  Decoder decoder(refusing(testing::wfb_link_keys().drone), received);
  decoder.receive(changed.first_session());
  EXPECT_THAT(received.refusals, ElementsAre(Refusal::kReflected));
  EXPECT_THAT(received.epochs, IsEmpty());
}

TEST(RefuseReplay, HearsOriginalTransmittersAndIsHeardByOriginalReceivers) {
  const ChangedSession original(false);
  Received by_robust;
  Decoder robust(refusing(testing::wfb_link_keys().ground), by_robust);
  robust.receive(original.first_session());
  EXPECT_THAT(by_robust.epochs, ElementsAre(7));
  const ChangedSession marked(true);
  EXPECT_EQ(marked.first_session().size(), kMinSessionBytes + 3 + sizeof(SenderMark));
  Received by_original;
  Decoder plain({testing::wfb_link_keys().ground, kChannel, 0}, by_original);
  plain.receive(marked.first_session());
  EXPECT_THAT(by_original.epochs, ElementsAre(7));
}

// ---- Cost ------------------------------------------------------------------------------------

/// Hands on to a receiver what is sent, but for one packet in five.
struct Lossy final : EncoderOwner {
  explicit Lossy(Aggregator& to) : receiver(to) {}
  void on_packet(PacketKind, Bytes packet) override {
    if (++sent % 5 != 0) receiver.receive(0, Reception{}, packet, now);
    if (receiver.wake_at() <= now) receiver.expire(now);
  }
  Aggregator& receiver;
  std::uint64_t sent = 0;
  Time now{};
};

TEST(RobustStream, AllocatesNothingForAPacket) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "a sanitizer has the allocator";
  const LinkKeys keys = testing::wfb_link_keys();
  Decoder::Options options = refusing(keys.ground);
  options.ring_timeout = 2ms;
  options.flush_on_session = true;
  struct Ignored final : DecoderOwner {
    void on_payload(Bytes) override {}
    void on_session(const Session&) override {}
  } ignored;
  Aggregator receiver(options, ignored);
  Lossy air(receiver);
  RandomStream random(1, "stream", 0);
  EncoderOptions sender{keys.drone, kChannel, 0, {8, 9}, 1s};
  sender.session_repeat = sender.refuse_replay = true;
  Encoder encoder(sender, random, air);
  const Buffer payload(1'400);
  const auto run_for_a_second = [&] {
    for (int i = 0; i < 5'000; ++i, air.now += 200us) encoder.send(air.now, payload, random);
    receiver.forget_old();
  };
  run_for_a_second();
  run_for_a_second();
  receiver.end_interval();
  const std::uint64_t before = testing::allocations();
  run_for_a_second();
  EXPECT_EQ(testing::allocations() - before, 0u);
  EXPECT_GT(receiver.counters().expired, 100u) << "the figure is of a run that gives up holes";
}

}  // namespace
}  // namespace twinbed::wfb
