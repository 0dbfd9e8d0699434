// The checker of discovery, fed with rows written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/checker_rows.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

void ask(Rows& rows, double time) { rows.event(time, kClient, kDiscoverEvent, {}); }
void tell(Rows& rows, double time, std::int64_t leader) {
  rows.event(time, kClient, kDiscoveredEvent, {{"leader", leader}});
}

/// A client asks at 30 s; node 3 leads since the first second.
Verdict discover(const std::function<void(Rows&)>& before, double answered_at,
                 std::int64_t leader) {
  return judge("discovery", {}, 60, [&](Rows& rows) {
    rows.settled();
    before(rows);
    ask(rows, 30);
    tell(rows, answered_at, leader);
  });
}
void nothing(Rows&) {}

TEST(Discovery, TheLeaderIsNamedInTime) {
  const Verdict verdict = discover(nothing, 30.8, 3);
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_EQ(verdict.explanation,
            "the answers to who leads, 1 in all, came within 800 ms; one node led meanwhile in 1 "
            "of the cases, and was named");
}

TEST(Discovery, AnotherNodeOrNobodyIsWrongWhileOneLeads) {
  const Verdict verdict = discover(nothing, 30.5, 2);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, kClient);
  EXPECT_EQ(verdict.at, at(30.5));
  EXPECT_EQ(verdict.explanation,
            "client asked who leads at 30.000000000 s and was told node2 at 30.500000000 s, while "
            "node3 led all the time");
  EXPECT_THAT(discover(nothing, 30.5, -1).explanation, HasSubstr("was told nobody"));
  EXPECT_VERDICT(kInvalid, discover(nothing, 30.5, 9));
}

TEST(Discovery, AnAnswerThatComesTooLateIsNone) {
  const Verdict verdict = discover(nothing, 31.5, 3);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(31));
  EXPECT_THAT(verdict.explanation, HasSubstr("was not told within 1 s"));
  EXPECT_VERDICT(kValid, judge("discovery", {{"bound", Duration{2s}}}, 60, [](Rows& rows) {
    ask(rows, 30);
    tell(rows, 31.5, -1);
  }));
}

TEST(Discovery, AQuestionWithoutAnAnswerCountsOnceTheBoundIsOver) {
  const auto asked = [](double time) {
    return judge("discovery", {}, 60, [&](Rows& rows) { ask(rows, time); });
  };
  EXPECT_VERDICT(kInvalid, asked(58));
  EXPECT_VERDICT(kUnknown, asked(59.5));
}

TEST(Discovery, AClientThatIsGoneOrPausedWaitsForNothing) {
  for (const std::string_view action : {"crash", "restart", "pause", "hang"}) {
    const Verdict verdict = judge("discovery", {}, 60, [&](Rows& rows) {
      ask(rows, 30);
      rows.begin(30.5, 0, action, "client");
      rows.end(40, 0);
    });
    EXPECT_VERDICT(kUnknown, verdict) << action;
  }
}

TEST(Discovery, OneAnswerIsForAllQuestionsThatAreOpen) {
  const Verdict verdict = judge("discovery", {}, 60, [](Rows& rows) {
    ask(rows, 30);
    ask(rows, 30.5);
    tell(rows, 30.8, -1);
    ask(rows, 40);
    tell(rows, 40.3, -1);
  });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("3 in all"));
}

TEST(Discovery, WhereTheLeadChangesMeanwhileEveryAnswerWillDo) {
  const auto changing = [](const std::function<void(Rows&)>& change) {
    return judge("discovery", {}, 60, [&](Rows& rows) {
      rows.settled();
      ask(rows, 30);
      change(rows);
      tell(rows, 30.8, 1);
    });
  };
  EXPECT_VERDICT(kInvalid, changing(nothing));
  EXPECT_VERDICT(kValid, changing([](Rows& rows) { rows.lead(30.2, 2, 2); }));
  EXPECT_VERDICT(kValid, changing([](Rows& rows) { rows.follow(30.2, 3); }));
  EXPECT_VERDICT(kValid, changing([](Rows& rows) {
    rows.follow(30.2, 3);
    rows.lead(30.4, 3, 2);
  }));
}

TEST(Discovery, WhereNobodyLeadsNobodyIsRight) {
  EXPECT_VERDICT(kValid, judge("discovery", {}, 60, [](Rows& rows) {
    for (int server = 1; server <= 3; ++server) rows.follow(1, server);
    ask(rows, 30);
    tell(rows, 30.8, -1);
  }));
}

// A leader of a former term that has not heard of its end is not the one to be named.
TEST(Discovery, TheHighestTermCounts) {
  const auto two = [](std::int64_t told) {
    return discover([](Rows& rows) { rows.lead(10, 2, 2); }, 30.5, told);
  };
  EXPECT_VERDICT(kValid, two(2));
  EXPECT_VERDICT(kInvalid, two(3));
  // Nobody leads in the highest term once its leader is gone.
  EXPECT_VERDICT(kValid, discover([](Rows& rows) {
    rows.lead(10, 2, 2);
    rows.follow(12, 2);
  }, 30.5, -1));
  // Two in one term: neither is the one leader.
  EXPECT_VERDICT(kValid, discover([](Rows& rows) { rows.lead(10, 2, 1); }, 30.5, -1));
}

TEST(Discovery, ACutBetweenTheClientAndTheLeaderExcusesAWrongAnswer) {
  const auto cut = [](double from, double to, std::string_view target) {
    return discover([&](Rows& rows) {
      rows.begin(from, 0, "partition", target);
      rows.end(to, 0);
    }, 30.5, -1);
  };
  EXPECT_VERDICT(kValid, cut(20, 29, "client | node3"));
  EXPECT_VERDICT(kValid, cut(20, 29, "node3 -> client"));
  EXPECT_VERDICT(kInvalid, cut(10, 20, "client | node3"));
  EXPECT_VERDICT(kInvalid, cut(20, 29, "client | node1 node2"));
}

TEST(Discovery, FaultsOfTheClientOrTheLeaderExcuseForAWhile) {
  const auto hit = [](double when, std::string_view action, std::string_view target) {
    return discover([&](Rows& rows) {
      rows.begin(when, 0, action, target);
      rows.end(when + 1, 0);
    }, 30.5, -1);
  };
  for (const std::string_view action : {"hang", "link", "pause"}) {
    EXPECT_VERDICT(kValid, hit(26, action, "client")) << action;
    EXPECT_VERDICT(kValid, hit(26, action, "node3")) << action;
    EXPECT_VERDICT(kInvalid, hit(26, action, "node1")) << action;
    EXPECT_VERDICT(kInvalid, hit(16, action, "node3")) << action;
  }
  EXPECT_VERDICT(kInvalid, hit(26, "disk", "node3"));
  EXPECT_VERDICT(kInvalid, hit(26, "clock", "client"));
  EXPECT_VERDICT(kValid, hit(26, "restart", "client"));
}

}  // namespace
}  // namespace twinbed::sim
