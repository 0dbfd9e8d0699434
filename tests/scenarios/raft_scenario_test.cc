// The protocol raft as scenarios name it: its options, its two policies, and its initial entries.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "scenarios/load.h"
#include "scenarios/protocols.h"
#include "scenarios/simulation.h"
#include "tests/support/text_sink.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using Settings = std::vector<std::string>;

constexpr const char* kKillLeader = TWINBED_SOURCE_DIR "/scenarios/raft/kill_leader.yaml";
constexpr const char* kSplitVote = TWINBED_SOURCE_DIR "/scenarios/raft/split_vote.yaml";

/// A run, and what its checkers say.
struct Judged {
  std::map<std::string, std::string> verdicts;  // by checker
  std::map<std::string, std::string> expected;
  twinbed::testing::TextSink rows;

  std::size_t count(const std::string& start) const {
    return static_cast<std::size_t>(std::count_if(
        rows.lines.begin(), rows.lines.end(),
        [&](const std::string& line) { return line.starts_with(start); }));
  }
};

Judged judged(const char* file, std::uint64_t seed, const Settings& settings) {
  Judged result;
  const auto scenario = load_scenario(file, settings);
  EXPECT_TRUE(scenario) << scenario.error();
  sim::CheckerSet checkers(scenario->faults.size());
  for (const CheckerSpec& spec : scenario->checkers) {
    checkers.add(*sim::make_checker(spec.name, spec.options, run_nodes(*scenario)));
    const auto expected = spec.expect.find(scenario->protocol.policy);
    result.expected[spec.name] = expected == spec.expect.end() ? "valid" : expected->second;
  }
  TeeSink tee;
  tee.add(checkers);
  tee.add(result.rows);
  const auto simulator = *build_simulation(*scenario, seed, tee);
  simulator->run_until(Time{scenario->duration});
  EXPECT_FALSE(simulator->failure()) << *simulator->failure();
  simulator->finish();
  for (const sim::CheckerOutcome& outcome : checkers.finish(simulator->now())) {
    result.verdicts[std::string(outcome.checker)] = sim::to_string(outcome.verdict.kind);
  }
  return result;
}

/// The sentence that refuses a scenario with these settings.
std::string refusal(const Settings& settings) {
  const auto scenario = load_scenario(kKillLeader, settings);
  EXPECT_TRUE(scenario) << scenario.error();
  twinbed::testing::TextSink rows;
  const auto built = build_simulation(*scenario, 1, rows);
  return built ? "" : built.error();
}

TEST(RaftScenario, GivesTheExpectedVerdictsUnderBothPolicies) {
  for (const std::string policy : {"original", "robust"}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      const Judged run = judged(kKillLeader, seed, {"protocol.policy=" + policy});
      EXPECT_EQ(run.verdicts, run.expected) << policy << ", seed " << seed;
    }
  }
}

// Stickiness and pre-vote keep the lead each on its own way; without both, the policy robust falls
// back to what the published algorithm does, and with them the policy original does not.
TEST(RaftScenario, EachRepairCanBeSwitchedUnderBothPolicies) {
  const Judged without =
      judged(kKillLeader, 1,
             {"protocol.policy=robust", "protocol.options.stickiness=false",
              "protocol.options.pre_vote=false"});
  EXPECT_EQ(without.verdicts.at("stability"), "invalid");
  const Judged with =
      judged(kKillLeader, 1,
             {"protocol.policy=original", "protocol.options.stickiness=true",
              "protocol.options.pre_vote=true"});
  EXPECT_EQ(with.verdicts.at("stability"), "valid");
}

// A server that was cut off gets the items by a snapshot and records that it stores them, too.
TEST(RaftScenario, SnapshotsAndTheOrderOfPreferenceCanBeSet) {
  const Judged run = judged(kKillLeader, 1,
                            {"protocol.options.snapshot_every=20", "protocol.options.retry=200 ms",
                             "protocol.options.priority_slot=100 ms",
                             "protocol.options.hand_over_after=1 s"});
  EXPECT_GT(run.count("raft.install"), 0U);
  EXPECT_EQ(run.verdicts, run.expected);
}

TEST(RaftScenario, MistakesInOptionsAreOneSentence) {
  const std::string options = "protocol.options.";
  EXPECT_EQ(refusal({options + "election_timeout_max=400 ms"}),
            "protocol raft: election_timeout_max must not be below election_timeout_min");
  EXPECT_EQ(refusal({options + "heartbeat=0 s"}), "protocol raft: heartbeat must be positive");
  EXPECT_EQ(refusal({options + "snapshot_every=-1"}),
            "protocol raft: snapshot_every must not be negative; 0 switches snapshots off");
  EXPECT_EQ(refusal({options + "initial_entries=100001"}),
            "protocol raft: initial_entries must be from 0 to 100000");
  EXPECT_THAT(refusal({options + "pre_vote=1"}),
              HasSubstr("option 'pre_vote' must be true or false"));
  EXPECT_THAT(refusal({options + "prevote=true"}), HasSubstr("there is no option 'prevote'"));
}

TEST(RaftScenario, MistakesInServersAreOneSentence) {
  EXPECT_THAT(refusal({"nodes.node1.options.id=2"}), HasSubstr("two servers have the id 2"));
  EXPECT_THAT(refusal({"nodes.node1.options.id=0"}), StartsWith("node node1: the option id must"));
  EXPECT_EQ(refusal({"nodes.node1.role=client"}),
            "node node1: the protocol raft has no role 'client'; its roles are server");
}

// Three of five have the longer log, so that one of them wins and repairs the others. A server that
// starts again finds the entries and does not add them once more.
TEST(RaftScenario, InitialEntriesAreWrittenOnceAndAreSafe) {
  const Judged run =
      judged(kSplitVote, 1,
             {"protocol.options.initial_entries=7", "nodes.node1.options.initial_entries=3",
              "nodes.node2.options.initial_entries=3",
              "faults=[{at: 1 s, for: 1 s, action: crash, select: [node4]}, "
              "{at: 2.5 s, action: restart, select: [node1]}]"});
  EXPECT_EQ(run.verdicts.at("raft_safety"), "valid");
  EXPECT_EQ(run.count("raft.recover index=3 "), 2U);
  EXPECT_EQ(run.count("raft.recover index=7 "), 3U);
  EXPECT_EQ(run.count("raft.recover"), 7U);
  EXPECT_EQ(run.count("raft.append index=1 term=1"), 5U);
  EXPECT_EQ(run.count("raft.append index=7 term=1"), 5U);
}

}  // namespace
}  // namespace twinbed::scenarios
