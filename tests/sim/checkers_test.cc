// Making checkers, the driver, and the checkers of leadership, fed with rows written by hand.
#include "tests/sim/checker_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

// --- making checkers ----------------------------------------------------------------------------

TEST(MakeChecker, EveryNameMakesACheckerWithADoc) {
  for (std::string_view name : checker_names()) {
    EXPECT_TRUE(make_checker(name, {}, kNodes).ok()) << name;
    EXPECT_THAT(std::string(checker_doc(name)), HasSubstr("Demands that")) << name;
  }
  EXPECT_EQ(checker_doc("magic"), "");
}

TEST(MakeChecker, MistakesAreAnsweredByWhatExists) {
  EXPECT_EQ(make_checker("magic", {}, kNodes).error(),
            "there is no checker 'magic'; the checkers are 'agreement', 'at_most_one_leader', "
            "'delivery', 'discovery', 'exactly_one_leader_eventually', 'keys_stay', "
            "'linearizable', 'minority_refuses', 'one_committer', 'preference', 'raft_safety', "
            "'stability' and 'traffic'");
  EXPECT_EQ(make_checker("delivery", {{"setle", CheckerOption{Duration{5s}}}}, kNodes).error(),
            "the checker 'delivery' has no option 'setle'; its options are 'copies', 'require' and "
            "'settle'");
  EXPECT_EQ(make_checker("delivery", {{"require", "all"}}, kNodes).error(),
            "the option 'require' of the checker 'delivery' must be one of 'acked' and "
            "'submitted'");
  EXPECT_EQ(make_checker("agreement", {{"settle", std::int64_t{5}}}, kNodes).error(),
            "the option 'settle' of the checker 'agreement' must be a duration of zero or more "
            "with its unit, such as 5 s");
  EXPECT_EQ(make_checker("agreement", {{"settle", Duration{-1s}}}, kNodes).ok(), false);
  EXPECT_EQ(make_checker("agreement", {{"allow_none", 1.0}}, kNodes).error(),
            "the option 'allow_none' of the checker 'agreement' must be true or false");
  EXPECT_EQ(make_checker("delivery", {{"copies", std::int64_t{0}}}, kNodes).error(),
            "the option 'copies' of the checker 'delivery' must be a whole number of at least 1");
  EXPECT_EQ(make_checker("stability", {{"leader", true}}, kNodes).error(),
            "the option 'leader' of the checker 'stability' must be a word such as 'leader'");
  EXPECT_EQ(make_checker("agreement", {{"servers", "boss"}}, kNodes).error(),
            "the checker 'agreement' finds no node with the role 'boss'; the roles of this "
            "scenario are 'server' and 'client', and its option 'servers' says which one is meant");
}

TEST(MakeChecker, ZeroNeedsNoUnit) {
  EXPECT_TRUE(make_checker("agreement", {{"settle", std::int64_t{0}}}, kNodes).ok());
}

TEST(Checkers, KnowNothingOfARunWithoutRows) {
  for (std::string_view name : checker_names()) {
    EXPECT_VERDICT(kUnknown, judge(name, {}, 100, [](Rows&) {}));
  }
}

TEST(Checkers, PassOverRowsOfUnknownNodesAndFaults) {
  for (std::string_view name : checker_names()) {
    const Verdict verdict = judge(name, {}, 100, [](Rows& rows) {
      const NodeId stranger{77};
      rows.event(1, stranger, kRoleEvent, {{"role", "leader"}});
      rows.event(1, stranger, kLeaderViewEvent, {{"leader", std::int64_t{3}}});
      rows.event(1, stranger, kSubmitEvent, {{"id", "x"}});
      rows.event(1, stranger, kStoreEvent, {{"id", "x"}});
      rows.begin(2, 0, "crash", "node9");
      rows.end(3, 0);
      rows.end(4, 5);
    });
    EXPECT_VERDICT(kUnknown, verdict);
  }
}

// --- the driver ---------------------------------------------------------------------------------

TEST(CheckerSet, ValidIsVacuousWhenNoFaultTouchedAnything) {
  for (const std::uint64_t touched : {0U, 3U}) {
    CheckerSet set(1);
    set.add(*make_checker("at_most_one_leader", {}, kNodes));
    set.add(*make_checker("delivery", {}, kNodes));
    Rows rows(set);
    rows.settled();
    rows.begin(20, 0, "partition", "node1 | node2 node3");
    rows.end(30, 0, touched);
    const std::vector<CheckerOutcome> outcomes = set.finish(at(60));
    ASSERT_EQ(outcomes.size(), 2U);
    EXPECT_EQ(outcomes[0].checker, "at_most_one_leader");
    EXPECT_EQ(outcomes[0].verdict.kind, touched == 0 ? VerdictKind::kVacuous : VerdictKind::kValid);
    EXPECT_EQ(outcomes[1].verdict.kind, VerdictKind::kUnknown);
  }
}

TEST(CheckerSet, APlannedFaultThatNeverBeganLeavesTheRunVacuous) {
  for (const std::size_t planned : {0U, 1U}) {
    CheckerSet set(planned);
    set.add(*make_checker("agreement", {}, kNodes));
    Rows rows(set);
    rows.settled();
    const VerdictKind kind = set.finish(at(60))[0].verdict.kind;
    EXPECT_EQ(kind, planned == 0 ? VerdictKind::kValid : VerdictKind::kVacuous);
  }
}

TEST(CheckerSet, AViolationStaysAViolation) {
  CheckerSet set(1);
  set.add(*make_checker("at_most_one_leader", {}, kNodes));
  Rows rows(set);
  rows.lead(1, 1);
  rows.lead(2, 2);
  EXPECT_EQ(set.finish(at(3))[0].verdict.kind, VerdictKind::kInvalid);
}

// --- agreement ----------------------------------------------------------------------------------

TEST(Agreement, HoldsWhereAllServersSeeTheSameLeader) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) { rows.settled(); });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_EQ(verdict.explanation,
            "at the end, 60.000000000 s, node1, node2 and node3 take node3 for the leader");
}

TEST(Agreement, NamesTheNodeThatSeesAnother) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.view(40, 1, 1);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{0});
  EXPECT_EQ(verdict.at, at(40));
  EXPECT_THAT(verdict.explanation, HasSubstr("node1 takes node1 for the leader, since 40.0"));
}

TEST(Agreement, AServerWithoutAViewDisagrees) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "restart", "node2");
    rows.end(20, 0);
    rows.follow(21, 2);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{1});
  EXPECT_THAT(verdict.explanation, HasSubstr("node2 takes nobody for the leader, since 20.0"));
}

TEST(Agreement, NobodyIsALeaderOnlyWhereAllowed) {
  const auto nobody = [](Rows& rows) {
    for (int server = 1; server <= 3; ++server) rows.view(1, server, -1);
  };
  EXPECT_VERDICT(kInvalid, judge("agreement", {}, 60, nobody));
  EXPECT_VERDICT(kValid, judge("agreement", {{"allow_none", true}}, 60, nobody));
}

TEST(Agreement, CountsOutWhoCrashedStoppedOrIsPausedToTheEnd) {
  for (const std::string_view action : {"crash", "stop", "pause", "hang"}) {
    const Verdict verdict = judge("agreement", {}, 60, [&](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, action, "node3");
      rows.view(35, 1, 2);
      rows.view(35, 2, 2);
      rows.end(60, 0);
    });
    EXPECT_VERDICT(kValid, verdict);
    EXPECT_THAT(verdict.explanation, HasSubstr("node1 and node2 take node2"));
  }
}

TEST(Agreement, OnALeaderThatCrashedIsNone) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "crash", "node3");
    rows.end(60, 0);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{2});
  EXPECT_THAT(verdict.explanation, HasSubstr("take node3 for the leader, which does not run"));
}

TEST(Agreement, AStoppingServersLastWordsDoNotBringItBack) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "stop", "node1");
    rows.follow(20.1, 1);
    rows.view(20.1, 1, -1);
    rows.end(60, 0);
  });
  EXPECT_VERDICT(kValid, verdict);
}

TEST(Agreement, IsUnknownSoonAfterTheLastFault) {
  const auto rows_until = [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "partition", "node1 | node2 node3");
    rows.view(30, 1, 1);
    rows.end(50, 0);
  };
  EXPECT_VERDICT(kUnknown, judge("agreement", {}, 54.9, rows_until));
  EXPECT_VERDICT(kInvalid, judge("agreement", {}, 55, rows_until));
  EXPECT_VERDICT(kUnknown, judge("agreement", {{"settle", Duration{6s}}}, 55, rows_until));
}

TEST(Agreement, IsUnknownWhereAPartitionLastsToTheEnd) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "partition", "node1 | node2 node3");
    rows.end(60, 0);
  });
  EXPECT_VERDICT(kUnknown, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("'partition' of node1 | node2 node3"));
}

TEST(Agreement, NodesMayBeNamedByText) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    for (std::uint32_t server = 0; server < 3; ++server) {
      rows.event(1, NodeId{server}, kLeaderViewEvent, {{"leader", "node2"}});
    }
  });
  EXPECT_VERDICT(kValid, verdict);
}

TEST(Agreement, ANodeStartedAnewBeforeItsCrashWasLiftedCounts) {
  const Verdict verdict = judge("agreement", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.begin(20, 0, "crash", "node1");
    rows.begin(30, 1, "restart", "node1");
    rows.view(31, 1, 2);
    rows.end(60, 0);
    rows.end(60, 1);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.node, NodeId{0});
}

TEST(Agreement, AStoppedServerThatIsStartedAgainCounts) {
  EXPECT_VERDICT(kInvalid, judge("agreement", {}, 60, [](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "stop", "node1");
                   rows.end(30, 0);
                   rows.view(30, 1, 2);
                 }));
}

// --- at most one leader -------------------------------------------------------------------------

TEST(AtMostOneLeader, TwoAtOnceAreTold) {
  const Verdict verdict = judge("at_most_one_leader", {}, 60, [](Rows& rows) {
    rows.lead(1, 3);
    rows.lead(10, 1);
    rows.follow(12.5, 3);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(10));
  EXPECT_EQ(verdict.explanation,
            "node1 and node3 led at once from 10.000000000 s to 12.500000000 s (2.5 s), which is "
            "longer than the tolerance of 0 s");
}

TEST(AtMostOneLeader, OverlapsUpToTheToleranceAreForgiven) {
  const auto overlap = [](Rows& rows) {
    rows.lead(1, 3);
    rows.lead(10, 1);
    rows.follow(12, 3);
  };
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {{"tolerance", Duration{2s}}}, 60, overlap));
  EXPECT_VERDICT(kInvalid,
                 judge("at_most_one_leader", {{"tolerance", Duration{1999ms}}}, 60, overlap));
}

TEST(AtMostOneLeader, NeighbouringOverlapsAddUp) {
  // First 1 and 3, then 1, 2 and 3, then 2 and 3: together 3 s with more than one leader.
  const auto overlap = [](Rows& rows) {
    rows.lead(1, 3);
    rows.lead(10, 1);
    rows.lead(11, 2);
    rows.follow(12, 1);
    rows.follow(13, 3);
  };
  EXPECT_VERDICT(kInvalid, judge("at_most_one_leader", {{"tolerance", Duration{2s}}}, 60, overlap));
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {{"tolerance", Duration{3s}}}, 60, overlap));
}

TEST(AtMostOneLeader, TheLeadMayPassOnWithinAnInstant) {
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {}, 60, [](Rows& rows) {
                   rows.lead(1, 3);
                   rows.lead(10, 2);
                   rows.follow(10, 3);
                 }));
}

TEST(AtMostOneLeader, ALeaderThatCrashesAsAnotherIsElectedDoesNotCount) {
  for (const bool crash_first : {true, false}) {
    EXPECT_VERDICT(kValid, judge("at_most_one_leader", {}, 60, [&](Rows& rows) {
                     rows.lead(1, 3);
                     if (crash_first) rows.begin(10, 0, "crash", "node3");
                     rows.lead(10, 2);
                     if (!crash_first) rows.begin(10, 0, "crash", "node3");
                     rows.end(60, 0);
                   }));
  }
}

TEST(AtMostOneLeader, ACrashedLeaderHoldsNoRoleUntilItRecordsOneAgain) {
  const auto restart = [](bool leads_again) {
    return judge("at_most_one_leader", {}, 60, [&](Rows& rows) {
      rows.lead(1, 3);
      rows.begin(10, 0, "crash", "node3");
      rows.lead(20, 2);
      rows.end(30, 0);
      if (leads_again) rows.lead(40, 3);
    });
  };
  EXPECT_VERDICT(kValid, restart(false));
  EXPECT_VERDICT(kInvalid, restart(true));
}

TEST(AtMostOneLeader, APausedLeaderCountsAgainOnceItIsResumed) {
  const Verdict verdict = judge("at_most_one_leader", {}, 60, [](Rows& rows) {
    rows.lead(1, 3);
    rows.begin(10, 0, "pause", "node3");
    rows.lead(20, 2);
    rows.end(30, 0);
    rows.follow(30.5, 3);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(30));
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {}, 60, [](Rows& rows) {
                   rows.lead(1, 3);
                   rows.begin(10, 0, "pause", "node3");
                   rows.lead(20, 2);
                   rows.end(60, 0);
                 }));
}

TEST(AtMostOneLeader, AnInstantBeforeAnOverlapIsNotToldWithIt) {
  const Verdict verdict = judge("at_most_one_leader", {}, 60, [](Rows& rows) {
    rows.lead(1, 3);
    rows.lead(10, 1);
    rows.follow(10, 3);
    rows.lead(10, 2);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("node1 and node2 led at once from 10.0"));
}

TEST(AtMostOneLeader, ARestartEndsAPause) {
  EXPECT_VERDICT(kInvalid, judge("at_most_one_leader", {}, 60, [](Rows& rows) {
                   rows.lead(1, 2);
                   rows.begin(20, 0, "pause", "node3");
                   rows.begin(22, 1, "restart", "node3");
                   rows.lead(24, 3);
                   rows.follow(30, 2);
                   rows.end(40, 0);
                 }));
}

TEST(AtMostOneLeader, ByTermOldLeadersMayLinger) {
  const CheckerOptions by_term{{"scope", "term"}};
  const auto linger = [](std::int64_t second_term) {
    return [second_term](Rows& rows) {
      rows.lead(1, 3, 1);
      rows.lead(10, 1, second_term);
    };
  };
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", by_term, 60, linger(2)));
  const Verdict verdict = judge("at_most_one_leader", by_term, 60, linger(1));
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.explanation,
            "node1 took the lead in term 1 at 10.000000000 s, which node3 had taken at "
            "1.000000000 s");
  EXPECT_VERDICT(kUnknown, judge("at_most_one_leader", by_term, 60, [](Rows& rows) {
                   rows.event(1, NodeId{0}, kRoleEvent, {{"role", "leader"}});
                 }));
}

TEST(AtMostOneLeader, ALeaderMayRecordItsTermTwice) {
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {{"scope", "term"}}, 60, [](Rows& rows) {
                   rows.lead(1, 3, 1);
                   rows.lead(2, 3, 1);
                 }));
}

TEST(AtMostOneLeader, TheFirstSharedTermIsTold) {
  const Verdict verdict = judge("at_most_one_leader", {{"scope", "term"}}, 60, [](Rows& rows) {
    rows.lead(1, 3, 1);
    rows.lead(2, 2, 1);
    rows.lead(3, 1, 1);
  });
  EXPECT_EQ(verdict.at, at(2));
}

TEST(AtMostOneLeader, FollowersAloneAreFine) {
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {}, 60, [](Rows& rows) {
                   rows.follow(1, 1);
                 }));
}

TEST(AtMostOneLeader, ReadsTheRoleThatItIsTold) {
  const auto active = [](Rows& rows) {
    rows.role(1, 1, "active");
    rows.role(2, 2, "active");
  };
  EXPECT_VERDICT(kValid, judge("at_most_one_leader", {}, 60, active));
  EXPECT_VERDICT(kInvalid, judge("at_most_one_leader", {{"leader", "active"}}, 60, active));
}

// --- exactly one leader, eventually -------------------------------------------------------------

constexpr std::string_view kEventually = "exactly_one_leader_eventually";

TEST(ExactlyOneLeader, IsDueWithinTheBoundFromTheStart) {
  const auto first_at = [](double time) { return [time](Rows& rows) {
      rows.follow(0, 1);
      rows.lead(time, 3);
    };
  };
  EXPECT_VERDICT(kValid, judge(kEventually, {}, 60, first_at(5)));
  const Verdict verdict = judge(kEventually, {}, 60, first_at(5.1));
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(5));
  EXPECT_THAT(verdict.explanation, HasSubstr("beginning with nobody in the lead"));
}

TEST(ExactlyOneLeader, CountsFromTheCrashThatIsNeverUndone) {
  const auto elected_at = [](double time) { return [time](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "crash", "node3");
      if (time > 0) rows.lead(time, 2);
      rows.end(60, 0);
    };
  };
  const CheckerOptions bound{{"bound", Duration{16s}}};
  EXPECT_VERDICT(kValid, judge(kEventually, bound, 60, elected_at(35.3)));
  EXPECT_VERDICT(kInvalid, judge(kEventually, bound, 60, elected_at(36.1)));
  EXPECT_VERDICT(kInvalid, judge(kEventually, bound, 60, elected_at(0)));
  EXPECT_VERDICT(kUnknown, judge(kEventually, {{"bound", Duration{40s}}}, 60, elected_at(0)));
}

TEST(ExactlyOneLeader, WhatHappensWhileAFaultLastsIsNotJudged) {
  const auto two_until = [](double time) { return [time](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "partition", "node3 | node1 node2");
      rows.lead(35, 2);
      rows.end(80, 0);
      rows.follow(time, 3);
    };
  };
  EXPECT_VERDICT(kValid, judge(kEventually, {}, 100, two_until(84)));
  const Verdict verdict = judge(kEventually, {}, 100, two_until(86));
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_THAT(verdict.explanation, HasSubstr("beginning with node2 and node3 in the lead"));
}

TEST(ExactlyOneLeader, NobodyAndThenSeveralIsOneStretch) {
  const auto none_then_two = [](Rows& rows) {
    rows.settled();
    rows.follow(20, 3);
    rows.lead(23, 1);
    rows.lead(23, 2);
    rows.follow(26, 1);
  };
  EXPECT_VERDICT(kInvalid, judge(kEventually, {}, 60, none_then_two));
  EXPECT_VERDICT(kValid, judge(kEventually, {{"bound", Duration{6s}}}, 60, none_then_two));
}

TEST(ExactlyOneLeader, IsUnknownWhereTheRunEndsWithItsFaults) {
  EXPECT_VERDICT(kUnknown, judge(kEventually, {}, 60, [](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "link", "node1-switch");
                   rows.end(60, 0);
                 }));
  EXPECT_VERDICT(kUnknown, judge(kEventually, {}, 60, [](Rows& rows) {
                   rows.settled();
                   rows.begin(60, 0, "crash", "node3");
                   rows.end(60, 0);
                 }));
}

TEST(ExactlyOneLeader, AWrongClockIsNoExcuse) {
  EXPECT_VERDICT(kInvalid, judge(kEventually, {}, 60, [](Rows& rows) {
                   rows.begin(2, 0, "clock", "node3");
                   rows.follow(3, 1);
                   rows.end(60, 0);
                 }));
}

// --- stability ----------------------------------------------------------------------------------

TEST(Stability, AChangeWithoutAFaultBreaksIt) {
  const auto usurped = [](Rows& rows) {
    rows.lead(1, 3);
    rows.lead(5, 2);
  };
  const Verdict verdict = judge("stability", {}, 60, usurped);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(5));
  EXPECT_EQ(verdict.node, NodeId{1});
  EXPECT_THAT(verdict.explanation, HasSubstr("passed from node3 to node2 at 5.0"));
  EXPECT_VERDICT(kValid, judge("stability", {{"max_changes", std::int64_t{1}}}, 60, usurped));
}

TEST(Stability, ANewTermOfTheSameLeaderIsNoChange) {
  EXPECT_VERDICT(kValid, judge("stability", {}, 60, [](Rows& rows) {
                   rows.lead(1, 3, 1);
                   rows.lead(9, 3, 2);
                 }));
}

TEST(Stability, ACrashOfTheLeaderExplainsItsSuccessorHoweverLate) {
  EXPECT_VERDICT(kValid, judge("stability", {}, 90, [](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "crash", "node3");
                   rows.lead(70, 2);
                   rows.end(90, 0);
                 }));
}

TEST(Stability, APreferredLeaderMayTakeOverSoonAfterItsReturn) {
  const auto back_at = [](double time) { return [time](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "crash", "node3");
      rows.lead(22, 2);
      rows.end(40, 0);
      rows.lead(time, 3);
    };
  };
  EXPECT_VERDICT(kValid, judge("stability", {}, 90, back_at(46)));
  EXPECT_VERDICT(kInvalid, judge("stability", {}, 90, back_at(51)));
}

TEST(Stability, APartitionOfAFollowerExplainsNothing) {
  for (const std::string_view target : {"node1 | node2 node3", "node1", "node2 node3 -> node1"}) {
    const Verdict verdict = judge("stability", {}, 90, [&](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "partition", target);
      rows.lead(30, 2);
      rows.end(80, 0);
    });
    EXPECT_VERDICT(kInvalid, verdict);
  }
}

TEST(Stability, APartitionThatCutsTheLeaderFromTheMajorityExplainsTheChange) {
  for (const std::string_view target : {"node1 node2 | node3", "node3", "node1 | node2 | node3"}) {
    EXPECT_VERDICT(kValid, judge("stability", {}, 90, [&](Rows& rows) {
                     rows.settled();
                     rows.begin(20, 0, "partition", target);
                     rows.lead(70, 2);
                     rows.end(80, 0);
                   }));
  }
}

TEST(Stability, AnElectionMayTakeSeveralTurnsAfterAFaultOfTheLeader) {
  const auto second_at = [](double time) { return [time](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "crash", "node3");
      rows.lead(25, 1);
      rows.lead(time, 2);
      rows.end(90, 0);
    };
  };
  EXPECT_VERDICT(kValid, judge("stability", {}, 90, second_at(30)));
  EXPECT_VERDICT(kInvalid, judge("stability", {}, 90, second_at(31)));
}

TEST(Stability, AFollowerThatComesBackMayTakeOverButNotWhileItIsCutOff) {
  const auto takes_over_at = [](double time) { return [time](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "partition", "node1", R"({"kind": "isolate"})");
      if (time < 40) rows.lead(time, 1);
      rows.end(40, 0);
      if (time > 40) rows.lead(time, 1);
    };
  };
  EXPECT_VERDICT(kInvalid, judge("stability", {}, 90, takes_over_at(25)));
  EXPECT_VERDICT(kValid, judge("stability", {}, 90, takes_over_at(45)));
}

TEST(Stability, APartitionThatIsOverDoesNotAddToTheNext) {
  EXPECT_VERDICT(kInvalid, judge("stability", {}, 90, [](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "partition", "node1");
                   rows.end(30, 0);
                   rows.begin(40, 1, "partition", "node2");
                   rows.lead(60, 1);
                   rows.end(80, 1);
                 }));
}

TEST(Stability, TwoPartitionsAtOnceAddUp) {
  EXPECT_VERDICT(kValid, judge("stability", {}, 90, [](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "partition", "node1 | node3");
                   rows.begin(30, 1, "partition", "node2 | node3");
                   rows.lead(60, 1);
                   rows.end(80, 0);
                   rows.end(80, 1);
                 }));
}

TEST(Stability, ARingOfMajoritiesExplainsNothing) {
  EXPECT_VERDICT(kInvalid, judge("stability", {}, 90, [&](Rows& rows) {
                   rows.settled();
                   rows.begin(20, 0, "partition", "node1 node2 node3",
                              R"({"kind": "majorities-ring"})");
                   rows.lead(70, 2);
                   rows.end(80, 0);
                 }));
}

TEST(Stability, AMinimumCutIsReadFromItsLinks) {
  const auto cut = [](std::string_view target) {
    return judge("stability", {}, 90, [&](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "partition", target, R"({"kind": "min-cut"})");
      rows.lead(70, 2);
      rows.end(80, 0);
    });
  };
  EXPECT_VERDICT(kInvalid, cut("node1-switch"));
  EXPECT_VERDICT(kValid, cut("node3-switch"));
  EXPECT_VERDICT(kInvalid, cut("node1-node3"));
  EXPECT_VERDICT(kValid, cut("node1-node3 node2-node3"));
  EXPECT_VERDICT(kValid, cut("router1-router2"));
}

TEST(Stability, LinkFaultsExplainWhereTheyNameTheLeaderOrNobody) {
  const auto changed_link = [](std::string_view target) {
    return judge("stability", {}, 90, [&](Rows& rows) {
      rows.settled();
      rows.begin(20, 0, "link", target);
      rows.lead(70, 2);
      rows.end(80, 0);
    });
  };
  EXPECT_VERDICT(kInvalid, changed_link("node1-switch"));
  EXPECT_VERDICT(kValid, changed_link("node3-switch"));
  EXPECT_VERDICT(kValid, changed_link("router1-router2"));
}

// --- preference ---------------------------------------------------------------------------------

TEST(Preference, TheHighestNumberLeads) {
  const Verdict verdict = judge("preference", {}, 60, [](Rows& rows) { rows.settled(); });
  EXPECT_VERDICT(kValid, verdict);
  EXPECT_EQ(verdict.explanation,
            "node3 led whenever the world had been left alone for 12 s, for 48 s in all");
}

TEST(Preference, AnotherLeaderIsWrongOnceTheWorldIsQuiet) {
  const auto led_until = [](double time) {
    return judge("preference", {}, 60, [&](Rows& rows) {
      rows.lead(1, 2);
      rows.follow(time, 2);
      rows.lead(time, 3);
    });
  };
  EXPECT_VERDICT(kValid, led_until(11));
  const Verdict verdict = led_until(14);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(12));
  EXPECT_EQ(verdict.node, NodeId{2});
  EXPECT_EQ(verdict.explanation,
            "at 12.000000000 s node2 led instead of node3 alone, although all servers ran and no "
            "fault lasted since 0.000000000 s");
}

TEST(Preference, NobodyOrASecondLeaderIsWrong) {
  EXPECT_VERDICT(kInvalid, judge("preference", {}, 60, [](Rows& rows) { rows.follow(1, 1); }));
  EXPECT_VERDICT(kInvalid, judge("preference", {}, 60, [](Rows& rows) {
    rows.settled();
    rows.lead(59, 1, 2);
  }));
}

TEST(Preference, WaitsAfterEachFault) {
  for (const std::string_view action : {"partition", "crash", "pause", "disk", "clock"}) {
    const auto back_at = [&](double time) {
      return judge("preference", {}, 60, [&](Rows& rows) {
        rows.settled();
        rows.begin(20, 0, action, action == "disk" ? "node1" : "node3");
        rows.follow(21, 3);
        rows.lead(21, 2);
        rows.end(30, 0);
        rows.follow(time, 2);
        rows.lead(time, 3);
      });
    };
    EXPECT_VERDICT(kValid, back_at(41)) << action;
    EXPECT_VERDICT(kInvalid, back_at(43)) << action;
  }
}

// A crash without an end row, and a restart that is a fault of its own.
TEST(Preference, DemandsNothingWhileAServerIsDown) {
  const auto down = [](bool restarts) {
    return judge("preference", {}, 60, [&](Rows& rows) {
      rows.begin(0.5, 0, "crash", "node3");
      rows.lead(1, 2);
      if (restarts) rows.begin(30, 1, "restart", "node3");
      rows.end(60, 0);
    });
  };
  EXPECT_VERDICT(kUnknown, down(false));
  const Verdict verdict = down(true);
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(42));
}

// What a fault did not do, as the node was down or paused already, its end does not undo.
TEST(Preference, ACrashOfANodeThatIsDownChangesNothing) {
  EXPECT_VERDICT(kUnknown, judge("preference", {}, 60, [](Rows& rows) {
    rows.begin(0.5, 0, "crash", "node3");
    rows.lead(1, 2);
    rows.begin(10, 1, "crash", "node3");
    rows.end(20, 1);
    rows.end(55, 0);
  }));
}

TEST(AtMostOneLeader, APauseOfAPausedNodeChangesNothing) {
  const Verdict verdict = judge("at_most_one_leader", {}, 60, [](Rows& rows) {
    rows.lead(1, 1);
    rows.begin(10, 0, "pause", "node1");
    rows.begin(15, 1, "pause", "node1");
    rows.end(20, 0);
    rows.lead(30, 2);
    rows.follow(35, 1);
    rows.end(40, 1);
  });
  EXPECT_VERDICT(kInvalid, verdict);
  EXPECT_EQ(verdict.at, at(30));
}

TEST(Preference, TheTimeToSettleIsAnOption) {
  const auto after = [](Duration settle) {
    return judge("preference", {{"settle", settle}}, 30, [](Rows& rows) {
      rows.lead(1, 2);
      rows.follow(20, 2);
      rows.lead(20, 3);
    });
  };
  EXPECT_VERDICT(kValid, after(25s));
  EXPECT_VERDICT(kInvalid, after(15s));
  EXPECT_VERDICT(kUnknown, after(30s));
}

}  // namespace
}  // namespace twinbed::sim
