// The figures of a run, from rows written by hand.
#include "sim/checkers/measures.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <sstream>
#include <string>

#include "core/io/traffic_events.h"

namespace twinbed::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Three servers that call each other 1 to 3, a client, and the rows of a run in seconds.
class Measured : public ::testing::Test {
 protected:
  static Time at(double seconds) { return time_from_ns(static_cast<std::int64_t>(seconds * 1e9)); }
  static NodeId id(int server) { return NodeId{static_cast<std::uint32_t>(server - 1)}; }

  void event(double time, NodeId node, const EventType& type, std::initializer_list<Field> fields) {
    measure_.event(at(time), node, type, {fields.begin(), fields.size()});
  }
  void role(double time, int server, std::string_view role) {
    event(time, id(server), kRoleEvent, {{"role", role}, {"term", std::int64_t{1}}});
  }
  void lead(double time, int server) { role(time, server, "leader"); }
  void view(double time, int server, std::int64_t leader) {
    event(time, id(server), kLeaderViewEvent, {{"leader", leader}});
  }
  void suspect(double time, int server, std::int64_t whom) {
    event(time, id(server), kSuspectEvent, {{"suspect", whom}});
  }
  void begin(double time, std::uint32_t index, std::string_view action, std::string_view target,
             std::string_view detail = "{}") {
    measure_.fault(at(time), {index, FaultPhase::kBegin, action, target, detail, 0});
  }
  void end(double time, std::uint32_t index) {
    measure_.fault(at(time), {index, FaultPhase::kEnd, "", "", "", 1});
  }
  void settled() {
    lead(1, 3);
    for (int server = 1; server <= 3; ++server) view(1, server, 3);
  }

  /// "failover.elect@node2=5.5", in the order in which the figures come; without those of leaders,
  /// which most tests do not look at.
  std::vector<std::string> figures(double run_end, std::string_view prefix = "failover.") {
    static constexpr std::array<std::string_view, 4> kNames{"node1", "node2", "node3", "client"};
    std::vector<std::string> texts;
    for (const Measurement& figure : measure_.finish(at(run_end))) {
      if (!figure.metric.name.starts_with(prefix)) continue;
      std::string text(figure.metric.name);
      if (figure.node) text += "@" + std::string(kNames.at(static_cast<std::size_t>(*figure.node)));
      std::ostringstream value;
      value << figure.value;
      texts.push_back(text + "=" + value.str());
    }
    return texts;
  }

  const RunNodes nodes_{{NodeId{0}, "node1", "server", 1},
                        {NodeId{1}, "node2", "server", 2},
                        {NodeId{2}, "node3", "server", 3},
                        {NodeId{3}, "client", "client"}};
  RunMeasures measure_{nodes_};
};

TEST_F(Measured, NothingRecordedGivesNoFigures) {
  EXPECT_THAT(figures(60, ""), IsEmpty());
}

TEST_F(Measured, RowsOfUnknownNodesGiveNoFigures) {
  event(1, NodeId{9}, kRoleEvent, {{"role", "leader"}});
  event(1, NodeId{9}, kSubmitEvent, {{"id", "a"}});
  event(1, NodeId{9}, kSuspectEvent, {{"suspect", std::int64_t{3}}});
  begin(2, 0, "crash", "node9");
  end(60, 0);
  EXPECT_THAT(figures(60, ""), IsEmpty());
}

TEST_F(Measured, ACrashOfTheLeaderIsDetectedElectedAndSeen) {
  settled();
  begin(20, 0, "crash", "node3");
  suspect(30.25, 2, 3);
  suspect(30.5, 1, 3);
  lead(35.25, 2);
  view(35.25, 2, 2);
  view(35.5, 1, 2);
  end(60, 0);
  EXPECT_THAT(figures(60), ElementsAre("failover.detect@node2=10.25", "failover.elect@node2=15.25",
                                       "failover.view@node2=15.25", "failover.view@node1=15.5",
                                       "failover.view=15.5"));
}

TEST_F(Measured, ANewLeaderHasItselfInView) {
  settled();
  begin(20, 0, "crash", "node3");
  lead(25, 2);
  view(26, 1, 2);
  end(60, 0);
  EXPECT_THAT(figures(60), ElementsAre("failover.elect@node2=5", "failover.view@node2=5",
                                       "failover.view@node1=6", "failover.view=6"));
}

TEST_F(Measured, ASuspicionBeforeTheFaultOrOfSomebodyElseIsNoDetection) {
  settled();
  suspect(19, 2, 3);
  begin(20, 0, "crash", "node3");
  suspect(21, 2, 1);
  end(60, 0);
  EXPECT_THAT(figures(60), IsEmpty());
}

TEST_F(Measured, ACrashOfAFollowerIsNoFailover) {
  settled();
  begin(20, 0, "crash", "node1");
  lead(25, 2);
  end(60, 0);
  EXPECT_THAT(figures(60), IsEmpty());
}

TEST_F(Measured, WithoutASuccessorNothingIsElectedOrSeen) {
  settled();
  begin(20, 0, "stop", "node3");
  suspect(22, 1, 3);
  view(22, 1, -1);
  end(60, 0);
  EXPECT_THAT(figures(60), ElementsAre("failover.detect@node1=2"));
}

TEST_F(Measured, TheLastViewIsLeftOutWhileAServerLacksIt) {
  settled();
  begin(20, 0, "crash", "node3");
  lead(25, 2);
  end(60, 0);
  EXPECT_THAT(figures(60), ElementsAre("failover.elect@node2=5", "failover.view@node2=5"));
}

TEST_F(Measured, AServerThatIsDownNeedNotSeeTheNewLeader) {
  settled();
  begin(10, 1, "crash", "node1");
  begin(20, 0, "crash", "node3");
  lead(25, 2);
  end(60, 0);
  end(60, 1);
  EXPECT_THAT(figures(60), ElementsAre("failover.elect@node2=5", "failover.view@node2=5",
                                       "failover.view=5"));
}

TEST_F(Measured, AnotherElectedInTheInstantOfTheCrashTookNoTime) {
  settled();
  lead(20, 2);
  begin(20, 0, "crash", "node3");
  view(21, 1, 2);
  end(60, 0);
  EXPECT_THAT(figures(60), ElementsAre("failover.elect@node2=0", "failover.view@node2=0",
                                       "failover.view@node1=1", "failover.view=1"));
}

TEST_F(Measured, AnIsolatedLeaderIsFailedOverLikeADeadOne) {
  settled();
  begin(20, 0, "partition", "node3", R"({"kind": "isolate"})");
  suspect(30, 1, 3);
  lead(36, 2);
  lead(37, 3);  // it only repeats what it believes, cut off as it is
  view(38, 1, 2);
  end(60, 0);
  EXPECT_THAT(figures(80), ElementsAre("failover.detect@node1=10", "failover.elect@node2=16",
                                       "failover.view@node2=16", "failover.view@node1=18",
                                       "failover.view=18"));
}

TEST_F(Measured, APartitionThatLeavesTheLeaderItsMajorityIsNoFailover) {
  settled();
  begin(20, 0, "partition", "node1 | node2 node3");
  lead(36, 1);
  end(60, 0);
  EXPECT_THAT(figures(80), IsEmpty());
}

TEST_F(Measured, APauseThatNobodyNoticedIsNoFailover) {
  settled();
  begin(20, 0, "pause", "node3");
  end(21, 0);
  lead(50, 2);
  EXPECT_THAT(figures(80), IsEmpty());
}

TEST_F(Measured, APausedLeaderThatWasSuspectedIsOne) {
  settled();
  begin(20, 0, "pause", "node3");
  suspect(23, 2, 3);
  end(24, 0);
  lead(25, 2);
  EXPECT_THAT(figures(80), ElementsAre("failover.detect@node2=3", "failover.elect@node2=5",
                                       "failover.view@node2=5"));
}

TEST_F(Measured, ARestartedLeaderThatIsElectedAgainEndsItsFailover) {
  settled();
  begin(20, 0, "crash", "node3");
  end(22, 0);
  lead(23, 3);
  lead(50, 2);
  EXPECT_THAT(figures(80), IsEmpty());
}

TEST_F(Measured, APauseThatBecomesACrashStaysAFailover) {
  settled();
  begin(20, 0, "pause", "node3");
  begin(22, 1, "crash", "node3");
  end(24, 0);
  lead(25, 2);
  end(80, 1);
  EXPECT_THAT(figures(80), ElementsAre("failover.elect@node2=5", "failover.view@node2=5"));
}

TEST_F(Measured, EachFailoverHasItsOwnFigures) {
  settled();
  begin(20, 0, "crash", "node3");
  lead(25, 2);
  view(26, 1, 2);
  end(30, 0);
  view(31, 3, 2);
  begin(40, 1, "crash", "node2");
  lead(47, 3);
  view(48, 1, 3);
  end(80, 1);
  EXPECT_THAT(figures(80), ElementsAre("failover.elect@node2=5", "failover.view@node2=5",
                                       "failover.view@node1=6", "failover.view=6",
                                       "failover.elect@node3=7", "failover.view@node3=7",
                                       "failover.view@node1=8", "failover.view=8"));
}

TEST_F(Measured, ALeaderThatIsCutOffAndThenPausedFallsOnce) {
  settled();
  begin(20, 0, "partition", "node3", R"({"kind": "isolate"})");
  begin(22, 1, "pause", "node3");
  lead(25, 2);
  end(80, 0);
  end(80, 1);
  EXPECT_THAT(figures(80), ElementsAre("failover.elect@node2=5", "failover.view@node2=5"));
}

TEST_F(Measured, AFailoverEndsWithTheNextOne) {
  settled();
  begin(20, 0, "crash", "node3");
  lead(25, 2);
  begin(26, 1, "crash", "node2");
  lead(30, 1);
  end(80, 0);
  end(80, 1);
  EXPECT_THAT(figures(80), ElementsAre("failover.elect@node2=5", "failover.view@node2=5",
                                       "failover.elect@node1=4", "failover.view@node1=4",
                                       "failover.view=4"));
}

TEST_F(Measured, OnlyOtherServersDetectAndSucceed) {
  settled();
  begin(20, 0, "partition", "node3", R"({"kind": "isolate"})");
  suspect(21, 3, 3);
  suspect(22, 4, 3);
  lead(23, 4);
  suspect(24, 1, 3);
  end(80, 0);
  EXPECT_THAT(figures(80), ElementsAre("failover.detect@node1=4"));
}

TEST_F(Measured, APausedServerSeesTheNewLeaderOnceItRuns) {
  settled();
  lead(10, 2);
  view(10, 1, 2);
  begin(15, 0, "pause", "node1");
  begin(20, 1, "crash", "node3");
  end(30, 0);
  end(60, 1);
  EXPECT_THAT(figures(60), ElementsAre("failover.elect@node2=0", "failover.view@node2=0",
                                       "failover.view@node1=10", "failover.view=10"));
}

TEST_F(Measured, DualLeadershipIsSummedAndChangesAreCounted) {
  settled();
  lead(10, 2);                    // two from here
  role(12, 3, "follower");        // one
  lead(20, 3);                    // two
  begin(25, 0, "pause", "node2"); // one runs
  end(30, 0);                     // two again
  begin(31, 1, "crash", "node2"); // one
  end(60, 1);
  EXPECT_THAT(figures(60, "leaders."), ElementsAre("leaders.dual=8", "leaders.changes=2"));
}

TEST_F(Measured, TheFirstLeaderIsTheOneThatExecutes) {
  const auto execute = [&](double time, int server) {
    event(time, id(server), {"raft.apply", ""}, {});
  };
  role(2, 1, "follower");
  execute(3, 1);  // It follows: what it executes was committed by another leader.
  event(4, id(2), kRoleEvent, {{"role", "leader"}, {"term", std::int64_t{1}}});
  event(5, id(2), kRoleEvent, {{"role", "follower"}, {"term", std::int64_t{2}}});
  execute(6, 2);  // It leads no more.
  event(7, id(3), kRoleEvent, {{"role", "leader"}, {"term", std::int64_t{3}}});
  execute(9, 3);
  execute(9, 1);
  event(20, id(1), kRoleEvent, {{"role", "leader"}, {"term", std::int64_t{4}}});
  execute(21, 1);
  EXPECT_THAT(figures(60, "leaders.first"),
              ElementsAre("leaders.first@node3=7", "leaders.first_term@node3=3"));
}

TEST_F(Measured, ALoneLeaderGivesZeros) {
  settled();
  lead(5, 3);
  EXPECT_THAT(figures(60, ""), ElementsAre("leaders.dual=0", "leaders.changes=0"));
}

TEST_F(Measured, ImagesAreCountedOnceEach) {
  const NodeId client{3};
  for (const std::string_view image : {"a", "b", "c", "d", "b"}) {
    event(1, client, kSubmitEvent, {{"id", image}});
  }
  event(2, id(3), kStoreEvent, {{"id", "a"}});
  event(2, id(2), kStoreEvent, {{"id", "a"}});
  event(2, id(3), kStoreEvent, {{"id", "b"}});
  event(2, id(1), kStoreEvent, {{"id", "c"}});
  for (const std::string_view image : {"a", "b", "a"}) {
    event(3, client, kAckEvent, {{"id", image}});
  }
  event(3, client, {"refuse", ""}, {{"id", "never submitted"}});
  begin(10, 0, "restart", "node3", R"({"with_disk": false})");
  end(60, 0);
  // b went with the disk of node3, d was never stored.
  EXPECT_THAT(figures(60, "images."),
              ElementsAre("images.submitted=4", "images.acknowledged=2", "images.stored=2",
                          "images.lost=2"));
}

TEST_F(Measured, TellsWhatBecameOfTraffic) {
  const auto second = [&](std::int64_t number, std::int64_t received, std::int64_t delay_us) {
    event(static_cast<double>(number) + 1, NodeId{3}, kTrafficSentEvent,
          {{"second", number}, {"count", std::int64_t{100}}});
    event(static_cast<double>(number) + 3, NodeId{0}, kTrafficReceivedEvent,
          {{"source", std::int64_t{3}},
           {"second", number},
           {"count", received},
           {"latency_us", delay_us},
           {"gap_us", std::int64_t{20'000}}});
  };
  second(0, 100, 2000);
  second(1, 50, 5000);
  second(9, 0, 0);  // may still be under way
  EXPECT_THAT(figures(10, "traffic."),
              ElementsAre("traffic.lost=0.25", "traffic.pause=0.02", "traffic.delay=0.003"));
}

TEST_F(Measured, OfTrafficThatNeverArrivesThereIsNoDelay) {
  event(1, NodeId{3}, kTrafficSentEvent,
        {{"second", std::int64_t{0}}, {"count", std::int64_t{100}}});
  EXPECT_THAT(figures(10, "traffic."), ElementsAre("traffic.lost=1", "traffic.pause=1"));
}

TEST_F(Measured, EveryFigureIsDescribed) {
  for (const Metric& metric :
       {kFailoverDetect, kFailoverElect, kFailoverView, kImagesSubmitted, kImagesAcknowledged,
        kImagesStored, kImagesLost, kLeadersDual, kLeadersChanges, kLeadersFirst,
        kLeadersFirstTerm, kTrafficLost, kTrafficPause, kTrafficDelay}) {
    EXPECT_FALSE(metric.description.empty()) << metric.name;
    EXPECT_TRUE(metric.unit == "s" || metric.unit == "1") << metric.name;
  }
}

}  // namespace
}  // namespace twinbed::sim
