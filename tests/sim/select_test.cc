// Whom faults hit, whom partitions part, and how a plan is drawn: what needs no simulation.
#include "sim/faults/select.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "core/base/random_stream.h"
#include "sim/faults/describe.h"

namespace twinbed::sim {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Numbers = std::vector<std::uint32_t>;

/// node0 is a server that leads, node1 a server that crashed, node2 a plain server, node3 a client.
std::vector<NodeStatus> four_nodes() {
  return {{"node0", "server", "leader", false},
          {"node1", "server", "", true},
          {"node2", "server", "follower", false},
          {"node3", "client", "", false}};
}

class SelectTest : public ::testing::Test {
 protected:
  Numbers select(const Selector& selector) { return select_nodes(selector, nodes, random); }
  PartitionPairs part(const FaultSpec& fault) { return partition_pairs(fault, nodes, random); }

  std::vector<NodeStatus> nodes = four_nodes();
  RandomStream random{1, "select"};
};

TEST_F(SelectTest, NamesSelectTheirNodesInTheOrderOfTheScenario) {
  EXPECT_EQ(select({{"node2", "node0"}, "", 0}), (Numbers{0, 2}));
  EXPECT_EQ(select({{"nobody"}, "", 0}), Numbers{});
}

TEST_F(SelectTest, ARoleIsTheScenariosOrTheOneLastRecorded) {
  EXPECT_EQ(select({{}, "leader", 0}), Numbers{0});
  EXPECT_EQ(select({{}, "server", 0}), (Numbers{0, 1, 2}));
  EXPECT_EQ(select({{}, "crashed", 0}), Numbers{1});
  EXPECT_EQ(select({{}, "candidate", 0}), Numbers{});
}

TEST_F(SelectTest, ANodeThatIsDownHasNoRecordedRole) {
  nodes[0].down = true;
  EXPECT_EQ(select({{}, "leader", 0}), Numbers{});
  EXPECT_EQ(select({{}, "crashed", 0}), (Numbers{0, 1}));
}

TEST_F(SelectTest, NamesAndRolesAddUp) {
  EXPECT_EQ(select({{"node3"}, "leader", 0}), (Numbers{0, 3}));
  EXPECT_EQ(select({{"node0"}, "leader", 0}), Numbers{0});
}

TEST_F(SelectTest, AnEmptySelectorSelectsNobodyAndACountAloneDrawsFromAll) {
  EXPECT_EQ(select({}), Numbers{});
  EXPECT_EQ(select({{}, "", 2}).size(), 2U);
  EXPECT_EQ(select({{}, "", 9}), (Numbers{0, 1, 2, 3}));
}

TEST_F(SelectTest, ACountDrawsEveryChoiceOnceInAWhileAndTheSameForTheSameSeed) {
  std::set<Numbers> seen;
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    RandomStream one(seed, "select");
    RandomStream two(seed, "select");
    const Selector servers{{}, "server", 2};
    const Numbers chosen = select_nodes(servers, nodes, one);
    EXPECT_EQ(chosen, select_nodes(servers, nodes, two));
    EXPECT_TRUE(std::is_sorted(chosen.begin(), chosen.end()));
    seen.insert(chosen);
  }
  EXPECT_EQ(seen, (std::set<Numbers>{{0, 1}, {0, 2}, {1, 2}}));
}

FaultSpec partition(PartitionKind kind) {
  FaultSpec fault;
  fault.action = FaultAction::kPartition;
  fault.partition = kind;
  return fault;
}

TEST_F(SelectTest, ThreeGroupsArePartedPairwise) {
  FaultSpec fault = partition(PartitionKind::kGroups);
  fault.groups = {{{"node0"}, "", 0}, {{"node1"}, "", 0}, {{}, "client", 0}};
  const PartitionPairs pairs = part(fault);
  EXPECT_EQ(pairs.target, "node0 | node1 | node3");
  EXPECT_EQ(std::set<NodePair>(pairs.blocked.begin(), pairs.blocked.end()),
            (std::set<NodePair>{{0, 1}, {1, 0}, {0, 3}, {3, 0}, {1, 3}, {3, 1}}));
}

TEST_F(SelectTest, OneWayBlocksOneDirectionAndNeedsTwoGroups) {
  FaultSpec fault = partition(PartitionKind::kOneWay);
  fault.groups = {{{}, "leader", 0}, {{"node2", "node3"}, "", 0}};
  EXPECT_EQ(part(fault).blocked, (std::vector<NodePair>{{0, 2}, {0, 3}}));
  fault.groups.pop_back();
  EXPECT_TRUE(part(fault).blocked.empty());
}

TEST_F(SelectTest, IsolatingTwoBlocksEachPairOnce) {
  FaultSpec fault = partition(PartitionKind::kIsolate);
  fault.select.nodes = {"node1", "node2"};
  std::vector<NodePair> blocked = part(fault).blocked;
  std::sort(blocked.begin(), blocked.end());
  EXPECT_EQ(blocked, (std::vector<NodePair>{{0, 1}, {0, 2}, {1, 0}, {1, 2}, {1, 3}, {2, 0}, {2, 1},
                                            {2, 3}, {3, 1}, {3, 2}}));
}

TEST_F(SelectTest, ABridgeOfTwoNodesPartsNobody) {
  nodes.resize(2);
  EXPECT_TRUE(part(partition(PartitionKind::kBridge)).blocked.empty());
}

TEST_F(SelectTest, ARingOfSelectedNodesLeavesTheOthersAlone) {
  FaultSpec fault = partition(PartitionKind::kMajoritiesRing);
  fault.select = {{}, "server", 0};
  const PartitionPairs pairs = part(fault);
  EXPECT_EQ(pairs.target, "node0 node1 node2");
  ASSERT_EQ(pairs.blocked.size(), 2U);  // of three nodes two do not see each other
  EXPECT_EQ(pairs.blocked[0].first, pairs.blocked[1].second);
  for (const auto& [from, to] : pairs.blocked) EXPECT_LT(std::max(from, to), 3U);
}

TEST(DrawPlan, EveryRangeIsDrawnWithinItsBoundsAndAtBothHalves) {
  FaultSpec fault;
  fault.at = {seconds(20), seconds(21)};
  fault.lasts = DurationRange{milliseconds(5), milliseconds(9)};
  bool early = false;
  bool late = false;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    RandomStream random(seed, "plan");
    const FaultPlan drawn = draw_plan({fault, fault}, random);
    ASSERT_EQ(drawn.size(), 2U);
    EXPECT_NE(drawn[0].at, drawn[1].at);
    for (const FaultSpec& spec : drawn) {
      EXPECT_EQ(spec.at.low, spec.at.high);
      EXPECT_GE(spec.at.low, seconds(20));
      EXPECT_LE(spec.at.low, seconds(21));
      EXPECT_EQ(spec.lasts->low, spec.lasts->high);
      EXPECT_GE(spec.lasts->low, milliseconds(5));
      EXPECT_LE(spec.lasts->low, milliseconds(9));
      early = early || spec.at.low < milliseconds(20'500);
      late = late || spec.at.low > milliseconds(20'500);
    }
  }
  EXPECT_TRUE(early && late);
}

TEST(DrawPlan, DrawingADrawnPlanChangesNothing) {
  FaultSpec fault;
  fault.action = FaultAction::kPause;
  fault.at = {seconds(1), seconds(9)};
  fault.select = {{}, "leader", 1};
  FaultSpec lasting = fault;
  lasting.lasts = DurationRange{seconds(1), seconds(2)};
  RandomStream random(7, "plan");
  RandomStream other(8, "plan");
  const FaultPlan drawn = draw_plan({fault, lasting}, random);
  EXPECT_EQ(draw_plan(drawn, other), drawn);
  EXPECT_FALSE(drawn[0].lasts.has_value());
}

TEST(DescribeFault, ItsParametersAreJsonWithTimesInNanoseconds) {
  FaultSpec fault;
  fault.action = FaultAction::kCrash;
  EXPECT_EQ(describe_fault(fault), "{}");
  fault.select.role = "leader";
  fault.lasts = DurationRange{seconds(2), seconds(2)};
  EXPECT_EQ(describe_fault(fault), R"({"selected_role": "leader", "for_ns": 2000000000})");
  fault.select.role.clear();
  fault.lasts.reset();
  fault.action = FaultAction::kRestart;
  fault.with_disk = false;
  EXPECT_EQ(describe_fault(fault), R"({"with_disk": false})");
  fault.action = FaultAction::kPartition;
  fault.partition = PartitionKind::kMinCut;
  EXPECT_EQ(describe_fault(fault), R"({"kind": "min-cut"})");
  fault.action = FaultAction::kLink;
  fault.link.delay = milliseconds(3);
  fault.link.loss = 0.25;
  EXPECT_EQ(describe_fault(fault), R"({"delay_ns": 3000000, "loss": 0.25})");
  fault.action = FaultAction::kClock;
  fault.clock = {seconds(-5), 12.5};
  EXPECT_EQ(describe_fault(fault), R"({"step_ns": -5000000000, "drift_ppm": 12.5})");
  fault.action = FaultAction::kDisk;
  fault.disk = {milliseconds(1), milliseconds(2), true, 0.5, 1};
  EXPECT_EQ(describe_fault(fault),
            R"({"sync_delay_ns": 1000000, "sync_jitter_ns": 2000000, "full": true, )"
            R"("lose_write": 0.5, "tear_write": 1})");
}

}  // namespace
}  // namespace twinbed::sim
