// The checkers of the majority, fed with rows written by hand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/protocols/raft/records.h"
#include "tests/sim/checker_rows.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// --- one_committer ------------------------------------------------------------------------------

/// Server `server`, whose own term is `current`, executes an entry.
void execute(Rows& rows, double time, int server, std::int64_t index, std::int64_t term,
             std::int64_t prefix, std::int64_t current) {
  rows.event(time, NodeId{static_cast<std::uint32_t>(server - 1)}, raft::kApplyEvent,
             {{"index", index}, {"term", term}, {"prefix", prefix}, {"current", current}});
}

TEST(OneCommitter, LeadersMayCommitOneAfterTheOther) {
  const Verdict verdict = judge("one_committer", {}, 60, [](Rows& rows) {
    rows.lead(1, 1, 1);
    execute(rows, 2, 1, 1, 1, 11, 1);
    execute(rows, 2.1, 2, 1, 1, 11, 1);
    rows.lead(3, 2, 2);
    execute(rows, 4, 2, 2, 2, 22, 2);
  });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("the 2 entries"));
}

TEST(OneCommitter, AFormerLeaderMustNotCommitAnymore) {
  const Verdict verdict = judge("one_committer", {}, 60, [](Rows& rows) {
    rows.lead(1, 1, 1);
    rows.lead(3, 2, 2);
    execute(rows, 4, 2, 1, 2, 21, 2);
    execute(rows, 5, 1, 1, 1, 11, 1);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{0});
  EXPECT_EQ(verdict.at, at(5));
  EXPECT_EQ(verdict.explanation,
            "node1 committed entry 1 in term 1 at 5.000000000 s, although node2 had committed one "
            "in term 2 at 4.000000000 s");
}

// What the later leader found in its log, committed and executed the former may hear of late.
TEST(OneCommitter, AFormerLeaderMayExecuteWhatTheLaterOneHas) {
  EXPECT_VERDICT(kValid, judge("one_committer", {}, 60, [](Rows& rows) {
    rows.lead(1, 1, 1);
    rows.lead(3, 2, 2);
    execute(rows, 4, 2, 1, 1, 11, 2);
    execute(rows, 4, 2, 2, 2, 22, 2);
    execute(rows, 5, 1, 1, 1, 11, 1);
  }));
}

TEST(OneCommitter, FollowersCommitNothing) {
  EXPECT_VERDICT(kUnknown, judge("one_committer", {}, 60, [](Rows& rows) {
    rows.follow(1, 1);
    execute(rows, 2, 1, 1, 1, 11, 1);
  }));
}

// --- minority_refuses ---------------------------------------------------------------------------

constexpr std::string_view kAlone = "node1 | node2 node3";

/// Node 1 is parted from the others from 20 s on; what happens then, and to the end at 60 s.
Verdict in_minority(const CheckerOptions& options, const std::function<void(Rows&)>& write) {
  return judge("minority_refuses", options, 60, [&](Rows& rows) {
    rows.settled();
    rows.store(10, 3, "old");
    rows.begin(20, 0, "partition", kAlone, "{\"kind\": \"groups\"}");
    write(rows);
    rows.end(60, 0);
  });
}

TEST(MinorityRefuses, StoringNothingNewIsRight) {
  const Verdict verdict = in_minority({}, [](Rows& rows) { rows.store(30, 2, "new"); });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_EQ(verdict.explanation, "node1 stored nothing new without a majority");
}

TEST(MinorityRefuses, StoringWithoutAMajorityIsABreach) {
  const Verdict verdict = in_minority({}, [](Rows& rows) { rows.store(30, 1, "new"); });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{0});
  EXPECT_EQ(verdict.at, at(30));
  EXPECT_EQ(verdict.explanation,
            "node1 stored the new item 'new' at 30.000000000 s, without contact to a majority of "
            "the servers since 20.000000000 s");
}

// What the others have accepted meanwhile it cannot know of.
TEST(MinorityRefuses, WhatOnlyTheOtherSideHasIsNew) {
  EXPECT_VERDICT(kInvalid, in_minority({}, [](Rows& rows) {
    rows.store(30, 3, "new");
    rows.store(31, 1, "new");
  }));
}

// A slow disk ends late what the majority had accepted in time.
TEST(MinorityRefuses, WhatWasStoredBeforeTheCutIsNotNew) {
  EXPECT_VERDICT(kValid, in_minority({}, [](Rows& rows) { rows.store(30, 1, "old"); }));
}

TEST(MinorityRefuses, ShortlyAfterTheCutItMayEndWhatWasUnderWay) {
  const auto soon = [](Rows& rows) { rows.store(20.9, 1, "new"); };
  EXPECT_VERDICT(kValid, in_minority({}, soon));
  EXPECT_VERDICT(kInvalid, in_minority({{"tolerance", Duration{500ms}}}, soon));
}

TEST(MinorityRefuses, WhatItFindsOnItsDiskAgainIsNotNew) {
  const auto again = [](bool stored_before) {
    return in_minority({}, [&](Rows& rows) {
      if (stored_before) rows.store(20.5, 1, "mine");
      rows.begin(30, 1, "restart", "node1");
      rows.end(30, 1);
      rows.store(35, 1, "mine");
    });
  };
  EXPECT_VERDICT(kValid, again(true));
  EXPECT_VERDICT(kInvalid, again(false));
}

TEST(MinorityRefuses, AfterTheHealItMayStoreAgain) {
  EXPECT_VERDICT(kValid, judge("minority_refuses", {}, 60, [](Rows& rows) {
    rows.begin(20, 0, "partition", kAlone);
    rows.end(30, 0);
    rows.store(31, 1, "new");
  }));
}

TEST(MinorityRefuses, CrashesOfTheOthersLeaveAMinority) {
  const auto crashed = [](std::string_view action, int others) {
    return judge("minority_refuses", {}, 60, [&](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, action, others == 2 ? "node2 node3" : "node2");
      rows.store(30, 1, "new");
      rows.end(60, 0);
    });
  };
  for (const std::string_view action : {"crash", "stop", "pause"}) {
    EXPECT_VERDICT(kInvalid, crashed(action, 2)) << action;
    EXPECT_VERDICT(kUnknown, crashed(action, 1)) << action;
  }
}

TEST(MinorityRefuses, ACrashMayTakeTheMajorityThatACutHasLeft) {
  const auto cut = [](bool crash) {
    return judge("minority_refuses", {}, 60, [&](Rows& rows) {
      rows.begin(20, 0, "partition", "node1 | node2");
      if (crash) rows.begin(25, 1, "crash", "node3");
      rows.store(30, 1, "new");
      rows.end(60, 0);
    });
  };
  EXPECT_VERDICT(kUnknown, cut(false));
  EXPECT_VERDICT(kInvalid, cut(true));
}

// A node that hears the others and is not heard takes part in nothing, but it may learn.
TEST(MinorityRefuses, WhoHearsTheOthersMayStoreWhatTheyHaveAccepted) {
  const auto one_way = [](std::string_view target, bool accepted) {
    return judge("minority_refuses", {}, 60, [&](Rows& rows) {
      rows.begin(20, 0, "partition", target, "{\"partition\": \"one-way\"}");
      if (accepted) rows.store(30, 3, "new");
      rows.store(31, 1, "new");
      rows.end(60, 0);
    });
  };
  EXPECT_VERDICT(kValid, one_way("node1 -> node2 node3", true));
  EXPECT_VERDICT(kInvalid, one_way("node1 -> node2 node3", false));
  EXPECT_VERDICT(kInvalid, one_way("node2 node3 -> node1", true));
}

// What a paused node had taken up before is not lost, and its disk answers when it goes on.
TEST(MinorityRefuses, APauseDoesNotCount) {
  const auto paused = [](double stored_at) {
    return in_minority({}, [&](Rows& rows) {
      rows.begin(20.2, 1, "pause", "node1");
      rows.end(40, 1);
      rows.store(stored_at, 1, "new");
    });
  };
  EXPECT_VERDICT(kValid, paused(40));
  EXPECT_VERDICT(kInvalid, paused(42));
}

TEST(MinorityRefuses, TheRoleIsJudgedWhereAskedFor) {
  const auto led = [](double step_down) {
    return [step_down](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "partition", "node3 | node1 node2");
      if (step_down > 0) rows.follow(step_down, 3);
      rows.end(60, 0);
    };
  };
  const CheckerOptions role{{"role", true}};
  EXPECT_VERDICT(kValid, judge("minority_refuses", {}, 60, led(0)));
  EXPECT_VERDICT(kValid, judge("minority_refuses", role, 60, led(21)));
  EXPECT_VERDICT(kInvalid, judge("minority_refuses", role, 60, led(0)));
  const Verdict verdict = judge("minority_refuses", role, 60, led(40));
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(21));
  EXPECT_THAT(verdict.explanation, HasSubstr("node3 still led at 21.0"));
}

TEST(MinorityRefuses, ARoleThatIsTakenTooLateIsJudgedFromThen) {
  const Verdict verdict = in_minority({{"role", true}}, [](Rows& rows) { rows.lead(35, 1, 2); });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(35));
}

TEST(MinorityRefuses, KnowsNothingWhereNobodyWasCutOff) {
  EXPECT_VERDICT(kUnknown, judge("minority_refuses", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.store(30, 1, "new");
  }));
}

}  // namespace
}  // namespace twinbed::sim
