// One Raft server at a time: the rules of Ongaro 2014 as transcripts. Sections are its.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/raft_bench_server.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using raft::AppendReply;
using raft::AppendRequest;
using raft::Entry;
using raft::EntryKind;
using raft::Role;
using raft::TimeoutNow;
using raft::VoteReply;
using raft::VoteRequest;

Entry command(raft::Term term, std::string_view text) {
  return {term, EntryKind::kCommand, to_buffer(text)};
}

/// A heartbeat of server 3 with entries after `previous`.
AppendRequest append(raft::Term term, raft::Index previous, raft::Term previous_term,
                     std::vector<Entry> entries, raft::Index commit = 0) {
  return {term, previous, previous_term, commit, 0, std::move(entries)};
}

/// Makes server 1 the leader of the next term, its first entry durable and not yet replicated.
void make_leader(RaftBenchServer& server) {
  while (server.node.role() != Role::kCandidate) ASSERT_TRUE(server.fire_next_timer());
  server.sync();
  server.receive(2, VoteReply{server.node.term(), false, true});
  server.sync();
  ASSERT_TRUE(server.node.leads());
}

// §3.4: a server votes for at most one candidate in a term.
TEST(RaftVote, OneInATerm) {
  RaftBenchServer server;
  server.receive(2, VoteRequest{5, 0, 0, false, false});
  server.receive(3, VoteRequest{5, 0, 0, false, false});
  server.receive(2, VoteRequest{5, 0, 0, false, false});
  server.sync();
  ASSERT_EQ(server.sent.size(), 3u);
  EXPECT_EQ(std::get<VoteReply>(server.sent[0].second), (VoteReply{5, false, true}));
  EXPECT_EQ(std::get<VoteReply>(server.sent[1].second), (VoteReply{5, false, false}));
  EXPECT_EQ(std::get<VoteReply>(server.sent[2].second), (VoteReply{5, false, true}));
}

// §3.8: term and vote are on disk before the answer goes out.
TEST(RaftVote, IsDurableBeforeItIsGiven) {
  RaftBenchServer server;
  server.receive(2, VoteRequest{5, 0, 0, false, false});
  EXPECT_TRUE(server.sent.empty());
  server.sync();
  EXPECT_EQ(server.sent.size(), 1u);

  // A new process on the same disk: the vote of term 5 is still server 2's.
  RaftBenchServer again(bench_options(), server.files);
  again.receive(3, VoteRequest{5, 9, 4, false, false});
  again.sync();
  EXPECT_EQ(*again.last<VoteReply>(), (VoteReply{5, false, false}));
}

// §3.6.1: no vote for a log that is less up to date.
TEST(RaftVote, OnlyForALogThatIsUpToDate) {
  RaftBenchServer server;
  server.receive(3, append(2, 0, 0, {command(1, "a"), command(2, "b")}));
  server.sync();
  const auto is_granted = [&](raft::Term term, raft::Index last, raft::Term last_term) {
    server.clear();
    server.receive(2, VoteRequest{term, last, last_term, false, false});
    server.sync();
    return server.last<VoteReply>()->is_granted;
  };
  EXPECT_FALSE(is_granted(3, 5, 1));  // longer, but older
  EXPECT_FALSE(is_granted(4, 1, 2));  // shorter
  EXPECT_TRUE(is_granted(5, 2, 2));
  EXPECT_TRUE(is_granted(6, 1, 3));   // shorter, but newer
}

// §4.2.3: who hears the leader votes for nobody and keeps its term, unless the leader hands over.
TEST(RaftVote, NotWhileTheLeaderIsHeard) {
  raft::Options options = bench_options();
  options.stickiness = true;
  RaftBenchServer server(options);
  server.receive(3, append(2, 0, 0, {}));
  server.sync();
  server.clear();
  server.receive(2, VoteRequest{7, 9, 6, false, false});
  server.sync();
  EXPECT_FALSE(server.last<VoteReply>()->is_granted);
  EXPECT_EQ(server.node.term(), 2u);
  server.receive(2, VoteRequest{7, 9, 6, false, true});
  server.sync();
  EXPECT_TRUE(server.last<VoteReply>()->is_granted);
}

// §9.6: asking whether a vote would be given changes neither term nor vote.
TEST(RaftPreVote, ChangesNothing) {
  RaftBenchServer server;
  server.receive(2, VoteRequest{8, 0, 0, true, false});
  server.sync();
  EXPECT_EQ(*server.last<VoteReply>(), (VoteReply{8, true, true}));
  EXPECT_EQ(server.node.term(), 0u);
}

TEST(RaftPreVote, PrecedesTheElection) {
  raft::Options options = bench_options();
  options.pre_vote = true;
  RaftBenchServer server(options);
  server.fire_next_timer();
  server.sync();
  EXPECT_EQ(server.node.role(), Role::kPreCandidate);
  EXPECT_EQ(*server.last<VoteRequest>(), (VoteRequest{1, 0, 0, true, false}));
  EXPECT_EQ(server.node.term(), 0u);
  server.receive(3, VoteReply{1, true, true});
  server.sync();
  EXPECT_EQ(server.node.role(), Role::kCandidate);
  EXPECT_EQ(*server.last<VoteRequest>(), (VoteRequest{1, 0, 0, false, false}));
}

// §3.4: a vote of a former term makes no leader.
TEST(RaftElectionRules, OldVotesDoNotCount) {
  RaftBenchServer server;
  server.fire_next_timer();
  server.sync();
  server.fire_next_timer();
  server.sync();
  ASSERT_EQ(server.node.term(), 2u);
  server.receive(2, VoteReply{1, false, true});
  server.sync();
  EXPECT_EQ(server.node.role(), Role::kCandidate);
  server.receive(2, VoteReply{2, false, true});
  server.sync();
  EXPECT_TRUE(server.node.leads());
}

// §3.3: a higher term makes a follower of everybody.
TEST(RaftElectionRules, AHigherTermEndsALead) {
  RaftBenchServer server;
  make_leader(server);
  server.receive(3, AppendReply{9, 0, false, 0});
  server.sync();
  EXPECT_EQ(server.node.role(), Role::kFollower);
  EXPECT_EQ(server.node.term(), 9u);
}

// §6.2: a leader that does not hear from a majority for an election timeout steps down.
TEST(RaftElectionRules, ALeaderWithoutAMajorityStepsDown) {
  raft::Options options = bench_options();
  options.check_quorum = true;
  RaftBenchServer server(options);
  make_leader(server);
  const Time elected = server.fake.now;
  while (server.node.leads()) ASSERT_TRUE(server.fire_next_timer());
  EXPECT_LE(server.fake.now - elected, kRaftTimeoutMin + 50ms);
}

// §3.5: an entry is refused unless the one before it is the leader's.
TEST(RaftAppend, ChecksTheEntryBefore) {
  RaftBenchServer server;
  server.receive(3, append(2, 0, 0, {command(1, "a"), command(1, "b")}));
  server.receive(3, append(2, 5, 2, {command(2, "x")}));
  server.receive(3, append(2, 2, 2, {command(2, "x")}));
  server.sync();
  ASSERT_EQ(server.sent.size(), 3u);
  EXPECT_EQ(std::get<AppendReply>(server.sent[0].second), (AppendReply{2, 0, true, 2}));
  EXPECT_EQ(std::get<AppendReply>(server.sent[1].second), (AppendReply{2, 0, false, 2}));
  EXPECT_EQ(std::get<AppendReply>(server.sent[2].second), (AppendReply{2, 0, false, 1}));
}

// §3.5: what contradicts the leader goes; what does not, stays, so that late messages do no harm.
TEST(RaftAppend, RemovesOnlyWhatContradicts) {
  RaftBenchServer server;
  server.receive(3, append(2, 0, 0, {command(1, "a"), command(1, "b"), command(1, "c")}));
  server.receive(3, append(2, 0, 0, {command(1, "a")}));
  EXPECT_EQ(server.node.log().last_index(), 3u);
  server.receive(3, append(2, 1, 1, {command(2, "B")}));
  EXPECT_EQ(server.node.log().last_index(), 2u);
  EXPECT_EQ(server.node.log().entry(2), command(2, "B"));
}

TEST(RaftAppend, NeverRemovesWhatIsCommitted) {
  RaftBenchServer server;
  server.receive(3, append(2, 0, 0, {command(1, "a"), command(1, "b")}, 2));
  server.receive(2, append(3, 1, 1, {command(3, "B")}));  // No correct server says so.
  server.sync();
  EXPECT_THAT(server.applied, ElementsAre("a", "b"));
  EXPECT_EQ(server.node.log().entry(2), command(1, "b"));
  EXPECT_FALSE(server.last<AppendReply>()->is_accepted);
}

// §3.6.2 and figure 3.7: copies of an entry of a former term do not commit it.
TEST(RaftCommit, OnlyByAnEntryOfTheLeadersTerm) {
  RaftBenchServer server;
  server.receive(3, append(2, 0, 0, {command(2, "old")}));
  server.sync();
  make_leader(server);
  ASSERT_EQ(server.node.log().last_index(), 2u);
  const raft::Term term = server.node.term();
  server.receive(2, AppendReply{term, 0, true, 1});
  server.sync();
  EXPECT_EQ(server.node.commit_index(), 0u);
  server.receive(2, AppendReply{term, 0, true, 2});
  server.sync();
  EXPECT_EQ(server.node.commit_index(), 2u);
  EXPECT_THAT(server.applied, ElementsAre("old"));
}

// §10.2.1: the leader's own copy counts only once it is durable.
TEST(RaftCommit, CountsTheLeadersOwnDisk) {
  raft::Options options = bench_options();
  options.initial.voters = {1};
  RaftBenchServer server(options);
  while (!server.node.leads()) {
    ASSERT_TRUE(server.fire_next_timer());
    server.sync();
  }
  server.call([&](Context& c) { EXPECT_EQ(server.node.propose(c, as_bytes("a")), 2u); });
  EXPECT_TRUE(server.applied.empty());
  server.sync();
  EXPECT_THAT(server.applied, ElementsAre("a"));
}

// §3.10: the target is told as soon as its log is complete; nothing is accepted meanwhile.
TEST(RaftTransfer, WaitsForTheTargetsLog) {
  RaftBenchServer server;
  make_leader(server);
  server.call([&](Context& c) { EXPECT_EQ(server.node.transfer(c, 2), ""); });
  EXPECT_EQ(server.last<TimeoutNow>(), nullptr);
  server.call([&](Context& c) { EXPECT_EQ(server.node.propose(c, as_bytes("a")), 0u); });
  server.receive(2, AppendReply{1, 0, true, 1});
  ASSERT_NE(server.last<TimeoutNow>(), nullptr);
  EXPECT_EQ(server.sent.back().first, 2u);
}

TEST(RaftTransfer, IsGivenUpAfterAnElectionTimeout) {
  RaftBenchServer server;
  make_leader(server);
  server.call([&](Context& c) { EXPECT_EQ(server.node.transfer(c, 2), ""); });
  const Time began = server.fake.now;
  while (server.fake.now < began + kRaftTimeoutMax + 50ms) ASSERT_TRUE(server.fire_next_timer());
  server.call([&](Context& c) { EXPECT_NE(server.node.propose(c, as_bytes("a")), 0u); });
}

TEST(RaftTransfer, TheTargetAsksForVotesAtOnce) {
  raft::Options options = bench_options();
  options.pre_vote = true;
  RaftBenchServer server(options);
  server.receive(3, append(2, 0, 0, {}));
  server.receive(2, TimeoutNow{2});  // Not the leader.
  EXPECT_EQ(server.node.role(), Role::kFollower);
  server.receive(3, TimeoutNow{2});
  server.sync();
  EXPECT_EQ(*server.last<VoteRequest>(), (VoteRequest{3, 0, 0, false, true}));
}

// §6.4: a read waits for an entry of the leader's term and for a round of heartbeats after it.
TEST(RaftRead, WaitsForARoundOfHeartbeats) {
  RaftBenchServer server;
  make_leader(server);
  server.call([&](Context& c) { server.node.read(c, raft::ReadId{7}); });
  server.receive(2, AppendReply{1, 0, true, 1});  // An answer to a message from before.
  EXPECT_EQ(server.node.commit_index(), 1u);
  EXPECT_TRUE(server.reads.empty());
  server.receive(2, AppendReply{1, 1, true, 1});
  EXPECT_THAT(server.reads, ElementsAre(std::pair<std::uint64_t, bool>(7, true)));
}

TEST(RaftRead, FailsWhenTheLeadIsLost) {
  RaftBenchServer server;
  server.call([&](Context& c) { server.node.read(c, raft::ReadId{6}); });
  make_leader(server);
  server.call([&](Context& c) { server.node.read(c, raft::ReadId{7}); });
  server.receive(2, AppendReply{9, 0, false, 0});
  EXPECT_THAT(server.reads, ElementsAre(std::pair<std::uint64_t, bool>(6, false),
                                        std::pair<std::uint64_t, bool>(7, false)));
}

// §4.1: one voter at a time, one change at a time, and not before an entry of the leader's term.
TEST(RaftMembership, ChangesOneVoterAtATime) {
  RaftBenchServer server;
  const auto change = [&](raft::Configuration next) {
    std::string answer;
    server.call([&](Context& c) {
      const Result<raft::Index> index = server.node.change_members(c, next);
      answer = index ? "entry " + std::to_string(*index) : index.error();
    });
    return answer;
  };
  EXPECT_EQ(change({{1, 2, 3, 4}, {}}), "this server does not lead");
  make_leader(server);
  EXPECT_EQ(change({{1, 2, 3, 4}, {}}),
            "this leader has not yet committed an entry of its term");
  server.receive(2, AppendReply{1, 0, true, 1});
  EXPECT_EQ(change({{1, 2, 3, 4, 5}, {}}), "only one voter can be added or removed at a time");
  EXPECT_EQ(change({{}, {1}}), "a cluster needs a voter");
  EXPECT_EQ(change({{2, 1}, {}}), "members must be sorted and named once");
  EXPECT_EQ(change({{1, 2, 3}, {4, 5}}), "entry 2");
  EXPECT_EQ(change({{1, 2, 3, 4}, {5}}), "the last change of members is not committed");
  server.sync();
  server.receive(2, AppendReply{1, 0, true, 2});
  EXPECT_EQ(change({{1, 2, 3, 4}, {5}}), "entry 3");
  // Three of four are needed from here on.
  server.sync();
  server.receive(2, AppendReply{1, 0, true, 3});
  EXPECT_EQ(server.node.commit_index(), 2u);
  server.receive(4, AppendReply{1, 0, true, 3});
  EXPECT_EQ(server.node.commit_index(), 3u);
}

// §4.2.2: a leader that is removed leads until the change is committed, and then no more.
TEST(RaftMembership, ARemovedLeaderStepsDown) {
  RaftBenchServer server;
  make_leader(server);
  server.receive(2, AppendReply{1, 0, true, 1});
  server.call([&](Context& c) {
    EXPECT_TRUE(server.node.change_members(c, {{2, 3}, {}}).ok());
  });
  server.sync();
  server.receive(2, AppendReply{1, 0, true, 2});
  EXPECT_TRUE(server.node.leads());
  server.receive(3, AppendReply{1, 0, true, 2});
  EXPECT_FALSE(server.node.leads());
  while (server.fake.now < Time{3s}) ASSERT_TRUE(server.fire_next_timer());
  EXPECT_EQ(server.node.role(), Role::kFollower);
}

// §4.2.2: until its removal is committed, a server may be the only one that can be elected. It asks
// for votes, its own does not count, and it is done when the change is committed.
TEST(RaftMembership, AServerStandsUntilItsRemovalIsCommitted) {
  RaftBenchServer server;
  const Entry removal{5, EntryKind::kConfiguration, encode(raft::Configuration{{2, 3}, {}})};
  server.receive(3, append(5, 0, 0, {command(5, "a"), removal}));
  server.sync();
  while (server.node.role() != Role::kCandidate) ASSERT_TRUE(server.fire_next_timer());
  server.sync();
  EXPECT_EQ(*server.last<VoteRequest>(), (VoteRequest{6, 2, 5, false, false}));
  server.receive(2, VoteReply{6, false, true});
  EXPECT_EQ(server.node.role(), Role::kCandidate) << "one vote of the two voters, and its own";
  server.receive(3, VoteReply{6, false, true});
  server.sync();
  ASSERT_TRUE(server.node.leads());
  server.receive(2, AppendReply{6, 0, true, 3});
  EXPECT_TRUE(server.node.leads());
  server.receive(3, AppendReply{6, 0, true, 3});
  EXPECT_FALSE(server.node.leads());
  const Time end = server.fake.now + 3s;
  while (server.fake.now < end) ASSERT_TRUE(server.fire_next_timer());
  EXPECT_EQ(server.node.role(), Role::kFollower);
}

// §4.2.1: who is not yet a member waits for the leader and never stands.
TEST(RaftMembership, AServerThatIsNoMemberDoesNotStand) {
  raft::Options options = bench_options();
  options.id = 4;
  RaftBenchServer server(options);
  while (server.fake.now < Time{3s}) ASSERT_TRUE(server.fire_next_timer());
  EXPECT_EQ(server.node.role(), Role::kFollower);
  EXPECT_TRUE(server.sent.empty());
}

TEST(RaftDisk, AFullOneEndsTheLeadAndLosesNothing) {
  RaftBenchServer server;
  make_leader(server);
  server.receive(2, AppendReply{1, 0, true, 1});
  server.disk = StorageStatus::kNoSpace;
  server.call([&](Context& c) { server.node.propose(c, as_bytes("a")); });
  server.sync();
  EXPECT_FALSE(server.node.leads());
  EXPECT_TRUE(server.node.is_stuck());
  server.disk = StorageStatus::kOk;
  server.clear();
  while (server.node.is_stuck()) ASSERT_TRUE(server.fire_next_timer());
  server.sync();
  EXPECT_EQ(server.node.failure(), "");
  server.receive(2, append(9, 2, 1, {}));
  server.sync();
  EXPECT_TRUE(server.last<AppendReply>()->is_accepted);
}

TEST(RaftDisk, AFailedSyncSilencesTheServerForGood) {
  RaftBenchServer server;
  server.disk = StorageStatus::kFailed;
  server.receive(2, VoteRequest{5, 0, 0, false, false});
  server.sync();
  server.receive(2, VoteRequest{6, 0, 0, false, false});
  server.sync();
  EXPECT_TRUE(server.sent.empty());
  EXPECT_EQ(server.node.failure(),
            "the journal raft/journal.b could not be synced, and this server takes no further "
            "part; put its disk in order and start it again, or under a new id if what it had "
            "stored is lost");
}

}  // namespace
}  // namespace twinbed::testing
