// Clocks, the lateness ledger and the system's random numbers.
#include "backends/clock.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "backends/event_loop.h"
#include "backends/lateness.h"
#include "backends/system_random.h"
#include "core/base/random_stream.h"

namespace twinbed::backends {
namespace {

TEST(ClockTest, WithoutErrorsAllClocksAgree) {
  const std::int64_t start = monotonic_now_ns();
  Clock clock(start, {});
  const Time before = clock.run_now();
  const Time now = clock.now();
  const Time after = clock.run_now();
  EXPECT_LE(before, now);
  EXPECT_LE(now, after);
  EXPECT_EQ(clock.monotonic_at(time_from_ns(123)), start + 123);
}

TEST(ClockTest, DriftStretchesTheNodesTimeFromTheStartOfTheRun) {
  const std::int64_t start = monotonic_now_ns() - 1'000'000'000;  // a second ago
  Clock fast(start, {{}, 100'000});                               // 10 %
  EXPECT_GE(fast.now(), time_from_ns(1'100'000'000));
  EXPECT_EQ(fast.monotonic_at(time_from_ns(1'100'000'000)), start + 1'000'000'000);
  EXPECT_EQ(fast.monotonic_at(time_from_ns(1)), start + 1) << "rounded up";
  Clock slow(start, {{}, -500'000});
  EXPECT_LT(slow.now(), slow.run_now());
  EXPECT_EQ(slow.monotonic_at(time_from_ns(500'000'000)), start + 1'000'000'000);
}

TEST(ClockTest, ADriftThatEndsLeavesNoJumpAndNoStepBack) {
  Clock clock(monotonic_now_ns() - 1'000'000'000, {});
  clock.set_drift(1'000'000);
  Time last = clock.now();
  for (const double ppm : {-900'000.0, 0.0, 5.0, 900'000.0}) {
    clock.set_drift(ppm);
    const Time now = clock.now();
    EXPECT_GE(now, last);
    last = now;
  }
  EXPECT_GE(clock.now(), time_from_ns(1'000'000'000)) << "what has passed stays";
}

TEST(ClockTest, TheWallClockHasAnOffsetAndSteps) {
  Clock right(monotonic_now_ns(), {});
  Clock wrong(monotonic_now_ns(), {std::chrono::hours(5), 0});
  EXPECT_GT(wrong.wall() - right.wall(), std::chrono::hours(4));
  wrong.step_wall(-std::chrono::hours(10));
  EXPECT_LT(wrong.wall() - right.wall(), -std::chrono::hours(4));
  EXPECT_GT(right.wall(), wall_from_ns(1'577'836'800'000'000'000)) << "after the year 2020";
}

TEST(ClockTest, FarDeadlinesDoNotOverflow) {
  Clock clock(monotonic_now_ns(), {{}, -999'999});
  EXPECT_EQ(clock.monotonic_at(kNever), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(clock.monotonic_at(Time::min()), std::numeric_limits<std::int64_t>::min());
}

TEST(LatenessTest, CountsWorstSumAndMisses) {
  LatenessLedger ledger(std::chrono::milliseconds(1));
  for (const std::int64_t ns : {-5L, 0L, 1'000'000L, 1'000'001L, 3'000'000L}) {
    ledger.add(LatenessKind::kTimer, Duration{ns});
  }
  const LatenessSummary summary = ledger.summary(LatenessKind::kTimer);
  EXPECT_EQ(summary.count, 5U);
  EXPECT_EQ(summary.misses, 2U);
  EXPECT_EQ(summary.worst, Duration{3'000'000});
  EXPECT_EQ(summary.sum, Duration{5'000'001});
  EXPECT_EQ(ledger.misses(), 2U);
  EXPECT_EQ(ledger.summary(LatenessKind::kDatagram).count, 0U);
  EXPECT_EQ(ledger.summary(LatenessKind::kDatagram).p99, Duration{});
}

TEST(LatenessTest, PercentilesAreWithinAnEighth) {
  LatenessLedger ledger;
  for (std::int64_t ns = 1; ns <= 100'000; ++ns) ledger.add(LatenessKind::kTimer, Duration{ns});
  const LatenessSummary summary = ledger.summary(LatenessKind::kTimer);
  EXPECT_GE(summary.p50, Duration{50'000});
  EXPECT_LE(summary.p50, Duration{56'250});
  EXPECT_GE(summary.p99, Duration{99'000});
  EXPECT_LE(summary.p99, Duration{100'000});
  ledger.add(LatenessKind::kAnswer, Duration::max());
  EXPECT_EQ(ledger.summary(LatenessKind::kAnswer).p50, Duration::max());
}

TEST(SystemRandomTest, NumbersDifferAndGoOnBeyondOneFetch) {
  SystemRandom random;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.next());
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(SystemRandomTest, RecordingKeepsWhatWasDrawn) {
  RandomStream expected(5, "clock_test");
  RandomStream source(5, "clock_test");
  RecordingRandom recording(source);
  const std::uint64_t first = recording.next();
  recording.uniform();
  ASSERT_EQ(recording.words().size(), 2U);
  EXPECT_EQ(recording.words()[0], first);
  EXPECT_EQ(first, expected.next());
  recording.clear();
  EXPECT_TRUE(recording.words().empty());
}

}  // namespace
}  // namespace twinbed::backends
