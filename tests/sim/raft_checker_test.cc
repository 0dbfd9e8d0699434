// The checker of Raft's promises, fed with rows written by hand: it must find each breach.
#include "tests/sim/checker_rows.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/protocols/raft/records.h"

namespace twinbed::sim {
namespace {

using ::testing::HasSubstr;

/// Rows of Raft servers 1 to 3, one after the other in time.
class RaftRows {
 public:
  RaftRows() : checker_(*make_checker("raft_safety", {}, kNodes)) {}

  RaftRows& append(int server, std::int64_t index, std::int64_t term, std::int64_t prefix) {
    return row(server, raft::kAppendEvent,
               {{"index", index}, {"term", term}, {"prefix", prefix}});
  }
  RaftRows& truncate(int server, std::int64_t index) {
    return row(server, raft::kTruncateEvent, {{"index", index}});
  }
  RaftRows& recover(int server, std::int64_t index) {
    return row(server, raft::kRecoverEvent, {{"index", index}, {"prefix", std::int64_t{0}}});
  }
  RaftRows& install(int server, std::int64_t index, std::int64_t prefix) {
    return row(server, raft::kInstallEvent, {{"index", index}, {"prefix", prefix}});
  }
  RaftRows& apply(int server, std::int64_t index, std::int64_t term, std::int64_t prefix,
                  std::int64_t current) {
    return row(server, raft::kApplyEvent,
               {{"index", index}, {"term", term}, {"prefix", prefix}, {"current", current}});
  }
  RaftRows& lead(int server, std::int64_t term) {
    return row(server, kRoleEvent, {{"role", std::string_view("leader")}, {"term", term}});
  }
  Verdict finish() { return checker_->finish(at(seconds_)); }

 private:
  RaftRows& row(int server, const EventType& type, std::initializer_list<Field> fields) {
    checker_->event(at(++seconds_), NodeId{static_cast<std::uint32_t>(server - 1)}, type,
                    std::span<const Field>(fields.begin(), fields.size()));
    return *this;
  }
  std::unique_ptr<Checker> checker_;
  double seconds_ = 0;
};

void expect_breach(RaftRows& rows, const std::string& promise) {
  const Verdict verdict = rows.finish();
  EXPECT_EQ(verdict.kind, VerdictKind::kInvalid);
  EXPECT_THAT(verdict.explanation, HasSubstr(promise));
}

TEST(RaftSafety, HoldsInAnOrdinaryRun) {
  RaftRows rows;
  rows.lead(1, 1).append(1, 1, 1, 11).append(2, 1, 1, 11).apply(1, 1, 1, 11, 1);
  rows.recover(2, 1).lead(2, 2).append(2, 2, 2, 22).apply(2, 1, 1, 11, 2).apply(2, 2, 2, 22, 2);
  rows.install(3, 2, 22).lead(3, 3);
  EXPECT_EQ(rows.finish().kind, VerdictKind::kValid);
}

TEST(RaftSafety, KnowsNothingWithoutACommittedEntry) {
  RaftRows rows;
  rows.lead(1, 1).append(1, 1, 1, 11);
  EXPECT_EQ(rows.finish().kind, VerdictKind::kUnknown);
}

TEST(RaftSafety, FindsTwoLeadersOfOneTerm) {
  RaftRows rows;
  rows.lead(1, 4).lead(2, 4);
  expect_breach(rows, "election safety: node1 and node2 both lead in term 4");
}

TEST(RaftSafety, FindsLogsThatDiffer) {
  RaftRows rows;
  rows.append(1, 5, 2, 55).append(2, 5, 2, 56);
  expect_breach(rows, "log matching: the logs of node1 and node2 both hold entry 5 of term 2");
}

TEST(RaftSafety, FindsALeaderWithoutACommittedEntry) {
  RaftRows rows;
  rows.append(1, 1, 1, 11).apply(1, 1, 1, 11, 1).lead(2, 2);
  expect_breach(rows, "leader completeness: node2 leads in term 2 without the committed entry 1");
}

// The log that a crash cut short is the one that counts.
TEST(RaftSafety, FindsALeaderThatLostACommittedEntryInACrash) {
  RaftRows rows;
  rows.append(1, 1, 1, 11).append(2, 1, 1, 11).apply(1, 1, 1, 11, 1).recover(2, 0).lead(2, 2);
  expect_breach(rows, "leader completeness");
}

// An election of a former term that ends late says nothing of what was committed meanwhile.
TEST(RaftSafety, DemandsNothingOfALeaderOfAFormerTerm) {
  RaftRows rows;
  rows.append(1, 1, 3, 11).apply(1, 1, 3, 11, 3).lead(2, 2);
  EXPECT_EQ(rows.finish().kind, VerdictKind::kValid);
}

TEST(RaftSafety, FindsServersThatExecuteDifferentEntries) {
  RaftRows rows;
  rows.apply(1, 1, 1, 11, 1).apply(2, 1, 2, 12, 2);
  expect_breach(rows, "state-machine safety: node2 executes entry 1 of term 2 where node1 has");
}

TEST(RaftSafety, FindsAnEntryThatWasPassedOver) {
  RaftRows rows;
  rows.apply(1, 1, 1, 11, 1).apply(1, 3, 1, 13, 1);
  expect_breach(rows, "state-machine safety: node1 executes entry 3 after entry 1");
}

TEST(RaftSafety, FindsAnExecutedEntryThatIsRemoved) {
  RaftRows rows;
  rows.append(1, 1, 1, 11).apply(1, 1, 1, 11, 1).truncate(1, 1);
  expect_breach(rows, "state-machine safety: node1 removes entry 1, which it has executed");
}

TEST(RaftSafety, FindsALeaderThatRemovesEntries) {
  RaftRows rows;
  rows.append(1, 1, 1, 11).lead(1, 2).truncate(1, 1);
  expect_breach(rows, "leader append-only: node1 leads and removes entry 1");
}

TEST(RaftSafety, FindsASnapshotOfSomethingElse) {
  RaftRows rows;
  rows.apply(1, 1, 1, 11, 1).install(2, 1, 12);
  expect_breach(rows, "state-machine safety: the snapshot that node2 takes up to entry 1");
}

}  // namespace
}  // namespace twinbed::sim
