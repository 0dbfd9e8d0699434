// The checker of traffic: losses and pauses of the seconds that count.
#include "sim/checkers/traffic_checker.h"

#include <gmock/gmock.h>

#include "core/io/traffic_events.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const RunNodes kNodes{{NodeId{0}, "camera", "source"}, {NodeId{1}, "other", "source"},
                      {NodeId{2}, "screen", "sink"}};

/// A run of some seconds, of which each sends 100 datagrams.
class Seconds {
 public:
  explicit Seconds(const CheckerOptions& options = {})
      : checker_(*make_checker("traffic", options, kNodes)) {}

  Seconds& second(std::int64_t number, std::int64_t received, std::int64_t gap_us = 10'000,
              std::int64_t source = 0) {
    const NodeId node{static_cast<std::uint32_t>(source)};
    const std::vector<Field> sent{{"second", number}, {"count", std::int64_t{100}}};
    checker_->event(Time{std::chrono::seconds(number + 1)}, node, kTrafficSentEvent, sent);
    const std::vector<Field> came{{"source", source},
                                  {"second", number},
                                  {"count", received},
                                  {"gap_us", gap_us}};
    checker_->event(Time{std::chrono::seconds(number + 3)}, NodeId{2}, kTrafficReceivedEvent, came);
    return *this;
  }
  /// What came in a second of which 100 were sent, by the time that it was under way.
  Seconds& delays(std::int64_t number, std::int64_t received, std::string_view delays_ms) {
    second(number, received);
    const std::vector<Field> came{{"source", std::int64_t{0}}, {"second", number},
                                  {"count", std::int64_t{0}}, {"delays_ms", delays_ms}};
    checker_->event(Time{std::chrono::seconds(number + 3)}, NodeId{2}, kTrafficReceivedEvent, came);
    return *this;
  }
  Seconds& copies(std::int64_t number, std::int64_t at_once, std::int64_t later) {
    const Time at{std::chrono::seconds(number + 3)};
    const std::vector<Field> came{{"source", std::int64_t{0}}, {"second", number},
                                  {"duplicates", at_once}};
    checker_->event(at, NodeId{2}, kTrafficReceivedEvent, came);
    const std::vector<Field> again{{"source", std::int64_t{0}}, {"second", number},
                                   {"count", later}};
    checker_->event(at + 5s, NodeId{2}, kTrafficRepeatedEvent, again);
    return *this;
  }
  Verdict end(Duration at) { return checker_->finish(Time{at}); }

 private:
  std::unique_ptr<Checker> checker_;
};

TEST(TrafficChecker, AllowsALittleLoss) {
  const Verdict verdict = Seconds().second(0, 100).second(1, 98).end(10s);
  EXPECT_EQ(verdict.kind, VerdictKind::kValid);
  EXPECT_EQ(verdict.explanation,
            "1 % of 200 datagrams were lost, and the longest pause was 10 ms");
}

TEST(TrafficChecker, FindsTooMuchLoss) {
  const Verdict verdict = Seconds().second(0, 100).second(1, 97).end(10s);
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
  EXPECT_THAT(verdict.explanation, StartsWith("1.5 % of 200 datagrams were lost"));
}

TEST(TrafficChecker, FindsAPauseAndSaysWhen) {
  const Verdict verdict =
      Seconds({{"gap", Duration{50ms}}}).second(4, 100).second(5, 100, 60'000).end(10s);
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
  EXPECT_EQ(verdict.at, Time{5s});
  EXPECT_THAT(verdict.explanation, HasSubstr("the longest pause was 60 ms; allowed are 50 ms"));
}

TEST(TrafficChecker, ASecondOfWhichNothingComesIsAPause) {
  const Verdict verdict =
      Seconds({{"gap", Duration{50ms}}, {"loss", 1.0}}).second(0, 0, 0).end(10s);
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
}

TEST(TrafficChecker, CountsTheSecondsThatWereAskedFor) {
  const CheckerOptions options{{"from", Duration{1s}}, {"until", Duration{3s}}};
  EXPECT_EQ(Seconds(options).second(0, 0).second(1, 100).second(2, 100).second(3, 0).end(20s).kind,
            VerdictKind::kValid);
  EXPECT_EQ(Seconds(options).second(2, 0).end(20s).kind, VerdictKind::kInvalid);
}

TEST(TrafficChecker, WhatMayBeUnderWayDoesNotCount) {
  EXPECT_EQ(Seconds().second(0, 100).second(7, 0).end(10s).kind, VerdictKind::kValid);
  EXPECT_EQ(Seconds().second(0, 100).second(6, 0).end(10s).kind, VerdictKind::kInvalid);
}

TEST(TrafficChecker, LooksAtOneSourceAlone) {
  const CheckerOptions camera{{"source", "camera"}}, other{{"source", "other"}};
  EXPECT_EQ(Seconds(camera).second(0, 100).second(0, 0, 0, 1).end(10s).kind, VerdictKind::kValid);
  EXPECT_EQ(Seconds(other).second(0, 100).second(0, 0, 0, 1).end(10s).kind, VerdictKind::kInvalid);
}

TEST(TrafficChecker, WhatComesAfterTheDeadlineIsLost) {
  const auto judged = [](Duration deadline, std::string_view delays_ms) {
    const CheckerOptions options{{"deadline", deadline}, {"loss", 0.02}};
    return Seconds(options).delays(0, 100, delays_ms).end(10s);
  };
  EXPECT_EQ(judged(100ms, "1:98 101:2").kind, VerdictKind::kValid) << "2 % may be lost";
  EXPECT_EQ(judged(100ms, "1:97 100:1 101:2").kind, VerdictKind::kValid) << "100 ms are in time";
  const Verdict late = judged(100ms, "1:97 101:1 140:2");
  EXPECT_EQ(late.kind, VerdictKind::kInvalid);
  EXPECT_EQ(late.explanation,
            "3 % of 100 datagrams were lost or came after more than 100 ms, and the longest pause "
            "was 10 ms; allowed are 2 %");
  EXPECT_EQ(judged(140ms, "1:97 101:1 140:2").kind, VerdictKind::kValid);
  EXPECT_EQ(judged(0s, "1:97 101:1 140:2").kind, VerdictKind::kValid) << "no deadline";
}

TEST(TrafficChecker, LateAndLostOnesAddUp) {
  const CheckerOptions options{{"deadline", Duration{50ms}}, {"loss", 1.0}};
  const Verdict verdict =
      Seconds(options).delays(0, 90, "1:85 51:5").delays(1, 95, "2:95").end(10s);
  EXPECT_THAT(verdict.explanation,
              StartsWith("10 % of 200 datagrams were lost or came after more than 50 ms"));
}

TEST(TrafficChecker, CountsCopiesWheneverTheyCome) {
  const auto judged = [](std::int64_t allowed) {
    return Seconds({{"duplicates", allowed}}).second(0, 100).copies(0, 2, 3).end(10s);
  };
  EXPECT_EQ(judged(5).kind, VerdictKind::kValid);
  const Verdict verdict = judged(4);
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
  EXPECT_THAT(verdict.explanation, HasSubstr("; 5 copies came of datagrams that were there "
                                             "already, allowed are 4"));
  EXPECT_EQ(Seconds().second(0, 100).copies(0, 2, 3).end(10s).kind, VerdictKind::kValid)
      << "any number where nothing is said";
  const CheckerOptions later{{"duplicates", std::int64_t{0}}, {"from", Duration{1s}}};
  EXPECT_EQ(Seconds(later).second(1, 100).copies(0, 2, 3).end(10s).kind, VerdictKind::kValid)
      << "they belong to the second in which the first ones were sent";
}

TEST(TrafficChecker, NothingSentTellsNothing) {
  EXPECT_EQ(Seconds().end(10s).kind, VerdictKind::kUnknown);
}

TEST(TrafficChecker, RefusesOptionsThatMakeNoSense) {
  EXPECT_THAT(make_checker("traffic", {{"loss", 1.5}}, kNodes).error(),
              HasSubstr("must be a number from 0"));
  EXPECT_EQ(make_checker("traffic", {{"source", "nobody"}}, kNodes).error(),
            "there is no node 'nobody'");
  EXPECT_EQ(make_checker("traffic", {{"deadline", Duration{500us}}}, kNodes).error(),
            "the option 'deadline' of the checker 'traffic' must be whole milliseconds");
  EXPECT_EQ(make_checker("traffic", {{"duplicates", std::int64_t{-1}}}, kNodes).error(),
            "the option 'duplicates' of the checker 'traffic' must be a whole number of at least "
            "0");
}

}  // namespace
}  // namespace twinbed::sim
