// Emulated links and partitions as arithmetic on times: no clock, no socket.
#include "backends/testbed/link_shaper.h"

#include <gtest/gtest.h>

#include "core/base/random_stream.h"

namespace twinbed::backends {
namespace {

constexpr Duration kMs = std::chrono::milliseconds(1);

Time at(Duration since_start) { return Time{} + since_start; }

class LinkShaperTest : public ::testing::Test {
 protected:
  /// Advances from wake-up to wake-up until `limit`; returns when the last bytes came out.
  Time run(StreamShaper& shaper, Time from, Time limit) {
    Time now = from;
    Time last = Time::min();
    while (now <= limit) {
      const std::size_t before = out.size();
      if (shaper.advance(now, path, out)) last = now;
      if (out.size() > before) last = now;
      const Time wake = shaper.next_wake();
      if (wake == kNever) break;
      EXPECT_GT(wake, now) << "a wake-up that brings nothing would spin";
      now = wake;
    }
    return last;
  }
  std::string text() const { return std::string(as_text(out)); }

  RandomStream random{1, "link_shaper_test"};
  PeerPath path{random};
  Buffer out;
};

TEST_F(LinkShaperTest, APerfectPathPassesAtOnce) {
  StreamShaper shaper;
  shaper.write(at(kMs), as_bytes("hello"));
  EXPECT_FALSE(shaper.empty());
  EXPECT_EQ(shaper.advance(at(kMs), path, out), Duration{});
  EXPECT_EQ(text(), "hello");
  EXPECT_TRUE(shaper.empty());
  EXPECT_EQ(shaper.next_wake(), kNever);
}

TEST_F(LinkShaperTest, BytesComeAfterTheDelayAndTheEndAfterTheBytes) {
  sim::LinkParams params;
  params.delay = 30 * kMs;
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at(5 * kMs), as_bytes("hello"));
  shaper.finish(at(5 * kMs));
  EXPECT_FALSE(shaper.advance(at(5 * kMs), path, out));
  EXPECT_EQ(shaper.next_wake(), at(35 * kMs));
  EXPECT_FALSE(shaper.has_ended());
  EXPECT_EQ(shaper.advance(at(37 * kMs), path, out), 2 * kMs) << "two milliseconds late";
  EXPECT_EQ(text(), "hello");
  EXPECT_TRUE(shaper.has_ended());
  EXPECT_TRUE(shaper.empty());
}

TEST_F(LinkShaperTest, BandwidthPacesAStream) {
  sim::LinkParams params;
  params.bandwidth_bps = 8'000'000;  // a byte a microsecond
  params.queue_bytes = 3000;         // far less than what is written at once
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at({}), Buffer(146'000));
  const Time last = run(shaper, at({}), at(1000 * kMs));
  EXPECT_EQ(out.size(), 146'000U);
  // 100 segments with 40 bytes of headers each.
  EXPECT_EQ(last, at(150 * kMs)) << "nothing may be dropped by the stream's own queue";
}

TEST_F(LinkShaperTest, ALateCallerDoesNotSlowTheLinkDown) {
  sim::LinkParams params;
  params.bandwidth_bps = 8'000'000;
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at({}), Buffer(146'000));
  for (int i = 0; i <= 15; ++i) shaper.advance(at(i * 10 * kMs), path, out);
  EXPECT_EQ(out.size(), 146'000U);
}

TEST_F(LinkShaperTest, ALossCostsATimeOutAndHoldsUpWhatFollows) {
  sim::LinkParams lossy;
  lossy.loss = 1;
  path.set_link(lossy);
  StreamShaper shaper;
  shaper.write(at({}), as_bytes("first "));
  shaper.advance(at({}), path, out);
  path.set_link({});
  shaper.write(at(kMs), as_bytes("second"));
  shaper.advance(at(kMs), path, out);
  EXPECT_EQ(text(), "");
  EXPECT_EQ(shaper.next_wake(), at(200 * kMs));
  shaper.advance(at(200 * kMs), path, out);
  EXPECT_EQ(text(), "first second");
}

TEST_F(LinkShaperTest, ACorruptedSegmentIsALostOne) {
  sim::LinkParams params;
  params.corrupt = 1;
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at({}), as_bytes("x"));
  shaper.advance(at({}), path, out);
  EXPECT_EQ(shaper.next_wake(), at(200 * kMs));
}

TEST_F(LinkShaperTest, TimeOutsDoubleUpToTwoMinutesAndFifteenAreTheLast) {
  sim::LinkParams lossy;
  lossy.loss = 1;
  path.set_link(lossy);
  StreamShaper shaper;
  shaper.write(at({}), as_bytes("x"));
  std::vector<std::int64_t> waits_ms;
  Time now{};
  while (!shaper.has_given_up()) {
    shaper.advance(now, path, out);
    const Time wake = shaper.next_wake();
    if (wake == kNever) break;
    waits_ms.push_back((wake - now) / kMs);
    now = wake;
  }
  EXPECT_TRUE(shaper.has_given_up());
  EXPECT_EQ(waits_ms, (std::vector<std::int64_t>{200, 400, 800, 1600, 3200, 6400, 12800, 25600,
                                                 51200, 102400, 120000, 120000, 120000, 120000,
                                                 120000}));
}

TEST_F(LinkShaperTest, LossesLoseNoByteAndKeepTheOrder) {
  sim::LinkParams params;
  params.delay = 3 * kMs;
  params.jitter = 2 * kMs;
  params.loss = 0.3;
  params.duplicate = 0.2;
  params.reorder = 0.2;
  params.reorder_delay = 10 * kMs;
  params.bandwidth_bps = 10'000'000;
  path.set_link(params);
  Buffer bytes(200'000);
  random.fill(bytes);
  StreamShaper shaper;
  shaper.write(at({}), Bytes(bytes).first(70'000));
  run(shaper, at({}), at(1000 * kMs));
  shaper.write(at(2000 * kMs), Bytes(bytes).subspan(70'000));
  shaper.finish(at(2000 * kMs));
  run(shaper, at(2000 * kMs), at(std::chrono::hours(1)));
  EXPECT_EQ(out, bytes);
  EXPECT_TRUE(shaper.has_ended());
}

TEST_F(LinkShaperTest, BytesWrittenInAPartitionLeaveAtTheFirstTimeOutAfterTheHeal) {
  StreamShaper shaper;
  path.set_blocked(true, true);
  shaper.write(at(1000 * kMs), as_bytes("a"));
  shaper.advance(at(1000 * kMs), path, out);
  EXPECT_EQ(shaper.next_wake(), at(1200 * kMs));
  shaper.advance(at(1200 * kMs), path, out);
  EXPECT_EQ(shaper.next_wake(), at(1600 * kMs));
  shaper.write(at(1300 * kMs), as_bytes("b"));
  shaper.advance(at(1600 * kMs), path, out);
  EXPECT_EQ(shaper.next_wake(), at(2400 * kMs));
  path.set_blocked(false, false);
  shaper.advance(at(1700 * kMs), path, out);
  shaper.write(at(1800 * kMs), as_bytes("c"));
  EXPECT_EQ(text(), "") << "TCP does not know of the heal before its time-out";
  shaper.advance(at(2400 * kMs), path, out);
  EXPECT_EQ(text(), "abc");
  EXPECT_TRUE(shaper.empty());
  shaper.write(at(2500 * kMs), as_bytes("d"));
  shaper.advance(at(2500 * kMs), path, out);
  EXPECT_EQ(text(), "abcd") << "from then on it flows";
}

TEST_F(LinkShaperTest, ACutLosesWhatIsUnderWayAndItComesAgain) {
  sim::LinkParams params;
  params.delay = 50 * kMs;
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at({}), as_bytes("under way"));
  shaper.finish(at({}));
  shaper.advance(at({}), path, out);
  path.set_blocked(true, true);
  shaper.cut(as_bytes("not taken, "));
  EXPECT_EQ(shaper.waiting_bytes(), 20U);
  shaper.advance(at(10 * kMs), path, out);
  shaper.advance(at(60 * kMs), path, out);
  EXPECT_EQ(text(), "");
  path.set_blocked(false, false);
  EXPECT_EQ(shaper.next_wake(), at(210 * kMs));
  EXPECT_EQ(run(shaper, at(210 * kMs), at(1000 * kMs)), at(260 * kMs));
  EXPECT_EQ(text(), "not taken, under way");
  EXPECT_TRUE(shaper.has_ended());
}

TEST_F(LinkShaperTest, AnEndlessPartitionEndsTheStream) {
  path.set_blocked(true, false);
  StreamShaper shaper;
  shaper.finish(at({}));  // the FIN alone is retransmitted, too
  run(shaper, at({}), at(std::chrono::hours(2)));
  EXPECT_TRUE(shaper.has_given_up());
}

TEST_F(LinkShaperTest, AStreamFollowsTheTraceOfItsPath) {
  sim::LinkParams params;
  // 1 Mbit/s, and from the second second on 100 kbit/s and a longer delay.
  params.traces = {
      sim::LinkTrace({{{}, 0, 10 * kMs, 1'000'000}, {2000 * kMs, 0, 50 * kMs, 100'000}})};
  path.set_link(params);
  EXPECT_FALSE(path.is_perfect());
  EXPECT_EQ(path.sending_time(at({}), 1000), 8 * kMs);
  StreamShaper early;
  early.write(at({}), as_bytes(std::string(2 * 1460, 'x')));
  EXPECT_EQ(run(early, at({}), at(1000 * kMs)), at(34 * kMs)) << "two segments of 12 ms each";
  EXPECT_EQ(out.size(), 2920U);
  EXPECT_EQ(path.sending_time(at(3000 * kMs), 1000), 80 * kMs);
  StreamShaper late;
  late.write(at(3000 * kMs), as_bytes(std::string(2 * 1460, 'x')));
  EXPECT_EQ(run(late, at(3000 * kMs), at(9000 * kMs)), at(3290 * kMs));
  EXPECT_EQ(out.size(), 2 * 2920U);
}

TEST_F(LinkShaperTest, AStreamWaitsForTheStepOfATraceThatLosesNothing) {
  sim::LinkParams params;
  params.traces = {sim::LinkTrace({{{}, 1, {}, 0}, {1000 * kMs, 0, {}, 0}})};
  path.set_link(params);
  StreamShaper shaper;
  shaper.write(at({}), as_bytes("patience"));
  EXPECT_EQ(run(shaper, at({}), at(9000 * kMs)), at(1400 * kMs)) << "retries: 0.2, 0.6, 1.4 s";
  EXPECT_EQ(text(), "patience");
}

TEST_F(LinkShaperTest, DatagramsLeaveInTheOrderOfTheirInstants) {
  DatagramDelay delay;
  DelayedDatagram taken;
  delay.add({at(3 * kMs), SocketId{1}, NodeId{1}, {}, to_buffer("c")});
  delay.add({at(kMs), SocketId{1}, NodeId{1}, {}, to_buffer("a")});
  delay.add({at(kMs), SocketId{1}, NodeId{2}, {}, to_buffer("b")});
  EXPECT_EQ(delay.next_due(), at(kMs));
  EXPECT_FALSE(delay.take_due(at({}), taken));
  ASSERT_TRUE(delay.take_due(at(kMs), taken));
  EXPECT_EQ(as_text(taken.payload), "a");
  EXPECT_EQ(delay.drop(NodeId{2}), 1U) << "a partition takes what is under way";
  EXPECT_FALSE(delay.take_due(at(2 * kMs), taken));
  ASSERT_TRUE(delay.take_due(at(9 * kMs), taken));
  EXPECT_EQ(as_text(taken.payload), "c");
  EXPECT_TRUE(delay.empty());
  EXPECT_EQ(delay.next_due(), kNever);
}

}  // namespace
}  // namespace twinbed::backends
