#include "sim/network/cuts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <set>

#include "core/base/random_stream.h"
#include "sim/network/generators.h"
#include "sim/network/routing.h"

namespace twinbed::sim {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Topology make_routers(std::uint32_t count, std::vector<std::pair<DeviceIndex, DeviceIndex>> links) {
  Topology topology;
  for (std::uint32_t i = 0; i < count; ++i) {
    topology.devices.push_back({"r" + std::to_string(i), DeviceKind::kRouter, {}});
  }
  for (const auto& [a, b] : links) topology.links.push_back({a, b, {}, {}, false});
  return topology;
}

TEST(MinCut, OfARingAreTwoLinks) {
  const Result<Topology> ring = make_ring(6, LinkParams{});
  ASSERT_TRUE(ring.ok());
  // Routers are 6 to 11, ring links too: link 6 joins router1 and router2.
  EXPECT_THAT(min_cut(*ring, 6, 9), ElementsAre(6, 11)) << "the cut nearest to the first";
  EXPECT_THAT(min_cut(*ring, 9, 6), ElementsAre(8, 9));
}

TEST(MinCut, OfHostsIsTheirOwnLinkUnlessTheirRoutersAreAsked) {
  const Result<Topology> ring = make_ring(6, LinkParams{});
  ASSERT_TRUE(ring.ok());
  EXPECT_THAT(min_cut(*ring, 0, 3), ElementsAre(0));
  EXPECT_EQ(attachment(*ring, 0), 6U);
  EXPECT_EQ(attachment(*ring, 6), 6U);
  EXPECT_THAT(min_cut(*ring, attachment(*ring, 0), attachment(*ring, 3)), ElementsAre(6, 11));
}

TEST(MinCut, ParallelLinksCountEach) {
  const Topology topology = make_routers(3, {{0, 1}, {1, 2}, {1, 0}, {2, 1}, {1, 2}, {1, 1}});
  EXPECT_THAT(min_cut(topology, 0, 2), ElementsAre(0, 2));
  EXPECT_THAT(min_cut(topology, 2, 1), ElementsAre(1, 3, 4));
}

TEST(MinCut, HostsCarryNothingForOthers) {
  Topology topology = make_routers(4, {{0, 1}, {1, 3}, {0, 2}, {2, 3}});
  topology.devices[2].kind = DeviceKind::kHost;
  EXPECT_THAT(min_cut(topology, 0, 3), ElementsAre(0));
}

TEST(MinCut, IsEmptyWhereThereIsNothingToCut) {
  const Topology topology = make_routers(3, {{0, 1}});
  EXPECT_THAT(min_cut(topology, 0, 2), IsEmpty());
  EXPECT_THAT(min_cut(topology, 1, 1), IsEmpty());
}

TEST(MinCut, IsTheSmallestSetOnRandomNetworks) {
  RandomStream random(21, "cuts test");
  for (int round = 0; round < 40; ++round) {
    Topology topology = make_routers(6, {});
    for (int i = 0; i < 10; ++i) {
      topology.links.push_back({static_cast<DeviceIndex>(random.below(6)),
                                static_cast<DeviceIndex>(random.below(6)), {}, {}, false});
      topology.devices[random.below(6)].kind =
          random.chance(0.2) ? DeviceKind::kHost : DeviceKind::kRouter;
    }
    const auto separates = [&](unsigned removed) {
      Routing routing(topology);
      for (std::uint32_t i = 0; i < 10; ++i) routing.set_link_up(i, (removed >> i & 1U) == 0);
      return !routing.reachable(0, 5);
    };
    int fewest = 10;
    for (unsigned removed = 0; removed < 1024; ++removed) {
      if (std::popcount(removed) < fewest && separates(removed)) fewest = std::popcount(removed);
    }
    unsigned found = 0;
    for (const std::uint32_t link : min_cut(topology, 0, 5)) found |= 1U << link;
    EXPECT_EQ(std::popcount(found), fewest);
    EXPECT_TRUE(separates(found));
  }
}

TEST(ArticulationPoints, OfALineAreItsInnerRoutersAndThoseWithHosts) {
  const Result<Topology> line = make_line(4, LinkParams{});
  ASSERT_TRUE(line.ok());
  EXPECT_THAT(articulation_points(*line), ElementsAre(4, 5, 6, 7))
      << "each router's failure cuts its host off";
  const Topology bare = make_routers(4, {{0, 1}, {1, 2}, {2, 3}});
  EXPECT_THAT(articulation_points(bare), ElementsAre(1, 2));
}

TEST(ArticulationPoints, ARingHasNoneAndParallelLinksDoNotHelp) {
  EXPECT_THAT(articulation_points(make_routers(4, {{0, 1}, {1, 2}, {2, 3}, {3, 0}})), IsEmpty());
  EXPECT_THAT(articulation_points(make_routers(3, {{0, 1}, {0, 1}, {1, 2}, {2, 1}, {1, 1}})),
              ElementsAre(1));
}

TEST(ArticulationPoints, AHostOnTwoRoutersBridgesNothing) {
  Topology topology = make_routers(4, {{0, 1}, {1, 2}, {0, 3}, {2, 3}});
  EXPECT_THAT(articulation_points(topology), IsEmpty());
  topology.devices[3].kind = DeviceKind::kHost;
  EXPECT_THAT(articulation_points(topology), ElementsAre(1));
}

TEST(MajoritiesRing, EachSeesAMajorityAndNoTwoTheSame) {
  for (std::uint32_t n = 1; n <= 60; ++n) {
    const auto sees = majorities_ring(n);
    ASSERT_EQ(sees.size(), n);
    for (std::uint32_t i = 0; i < n; ++i) {
      ASSERT_EQ(sees[i].size(), n);
      const auto count = std::count(sees[i].begin(), sees[i].end(), true);
      EXPECT_TRUE(sees[i][i]);
      EXPECT_GE(count, n / 2 + 1) << n;
      EXPECT_LE(count, n / 2 + 2) << n << ": hardly more than a majority";
      for (std::uint32_t j = 0; j < n; ++j) EXPECT_EQ(sees[i][j], sees[j][i]);
    }
    if (n < 3) continue;
    EXPECT_EQ(std::set(sees.begin(), sees.end()).size(), n) << n;
  }
  EXPECT_TRUE(majorities_ring(0).empty());
}

TEST(MajoritiesRing, OfFiveIsTheRingOfNeighbours) {
  const auto sees = majorities_ring(5);
  EXPECT_EQ(sees[0], (std::vector<bool>{true, true, false, false, true}));
  EXPECT_EQ(sees[3], (std::vector<bool>{false, false, true, true, true}));
}

}  // namespace
}  // namespace twinbed::sim
