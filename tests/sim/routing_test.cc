#include "sim/network/routing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "core/base/random_stream.h"
#include "sim/network/generators.h"

namespace twinbed::sim {
namespace {

using ::testing::ElementsAre;

constexpr auto kHost = DeviceKind::kHost;
constexpr auto kRouter = DeviceKind::kRouter;

Topology make(std::initializer_list<DeviceKind> kinds) {
  Topology topology;
  for (const DeviceKind kind : kinds) {
    topology.devices.push_back({"d" + std::to_string(topology.devices.size()), kind, {}});
  }
  return topology;
}

void join(Topology& topology, DeviceIndex a, DeviceIndex b, std::int64_t forward_ns,
          std::int64_t backward_ns) {
  Link link;
  link.a = a;
  link.b = b;
  link.forward.delay = Duration{forward_ns};
  link.backward.delay = Duration{backward_ns};
  topology.links.push_back(link);
}

void join(Topology& topology, DeviceIndex a, DeviceIndex b, std::int64_t delay_ns = 0) {
  join(topology, a, b, delay_ns, delay_ns);
}

/// The devices on the way, both ends included; ends with nothing where there is no way on.
std::vector<DeviceIndex> path(const Topology& topology, Routing& routing, DeviceIndex from,
                              DeviceIndex to) {
  std::vector<DeviceIndex> result{from};
  while (result.back() != to && result.size() <= topology.devices.size()) {
    const auto next = routing.next_link(result.back(), to);
    if (!next) return {};
    const Link& link = topology.links[*next];
    result.push_back(link.a == result.back() ? link.b : link.a);
  }
  return result;
}

TEST(Routing, TakesTheLeastDelay) {
  Topology topology = make({kRouter, kRouter, kRouter});
  join(topology, 0, 2, 100);
  join(topology, 0, 1, 40);
  join(topology, 1, 2, 40);
  Routing routing(topology);
  EXPECT_THAT(path(topology, routing, 0, 2), ElementsAre(0, 1, 2));
  EXPECT_EQ(routing.next_link(2, 2), std::nullopt) << "already there";
}

TEST(Routing, LinksWithoutDelayStillCountAsHops) {
  Topology topology = make({kRouter, kRouter, kRouter});
  join(topology, 0, 1);
  join(topology, 1, 2);
  join(topology, 0, 2);
  Routing routing(topology);
  EXPECT_THAT(path(topology, routing, 0, 2), ElementsAre(0, 2));
}

TEST(Routing, EachDirectionHasItsOwnDelay) {
  Topology topology = make({kRouter, kRouter, kRouter});
  join(topology, 0, 2, 10, 900);
  join(topology, 0, 1, 100);
  join(topology, 1, 2, 100);
  Routing routing(topology);
  EXPECT_THAT(path(topology, routing, 0, 2), ElementsAre(0, 2));
  EXPECT_THAT(path(topology, routing, 2, 0), ElementsAre(2, 1, 0));
}

TEST(Routing, TiesGoToTheLowestLink) {
  Topology topology = make({kRouter, kRouter, kRouter, kRouter});
  join(topology, 2, 3, 5);
  join(topology, 0, 2, 5);
  join(topology, 0, 1, 5);
  join(topology, 1, 3, 5);
  join(topology, 0, 2, 5);  // parallel to link 1
  Routing routing(topology);
  EXPECT_EQ(routing.next_link(0, 3), 1U);
  EXPECT_EQ(routing.next_link(3, 0), 0U);
  routing.set_link_up(1, false);
  EXPECT_EQ(routing.next_link(0, 3), 2U);
  EXPECT_EQ(routing.next_link(0, 2), 4U);
}

TEST(Routing, NoWayLeadsThroughAHost) {
  Topology topology = make({kHost, kRouter, kHost, kRouter, kHost});
  join(topology, 0, 1);
  join(topology, 1, 2);  // host 2 has a foot in both networks
  join(topology, 2, 3);
  join(topology, 3, 4);
  Routing routing(topology);
  EXPECT_TRUE(routing.reachable(0, 2));
  EXPECT_TRUE(routing.reachable(2, 4));
  EXPECT_FALSE(routing.reachable(0, 4));
  EXPECT_FALSE(routing.reachable(1, 3));
  EXPECT_THAT(routing.components(), ElementsAre(0, 0, 0, 0, 0));
}

TEST(Routing, SwitchesAndNatsForward) {
  Topology topology = make({kHost, DeviceKind::kSwitch, DeviceKind::kNat, kHost});
  join(topology, 0, 1);
  join(topology, 1, 2);
  join(topology, 2, 3);
  Routing routing(topology);
  EXPECT_THAT(path(topology, routing, 0, 3), ElementsAre(0, 1, 2, 3));
}

TEST(Routing, FollowsLinksThatGoDownAndUp) {
  const Result<Topology> ring = make_ring(6, LinkParams{});
  ASSERT_TRUE(ring.ok());
  Routing routing(*ring);
  EXPECT_THAT(path(*ring, routing, 0, 2), ElementsAre(0, 6, 7, 8, 2));
  routing.set_link_up(6, false);  // router1 - router2
  EXPECT_FALSE(routing.link_up(6));
  EXPECT_THAT(path(*ring, routing, 0, 2), ElementsAre(0, 6, 11, 10, 9, 8, 2));
  routing.set_link_up(9, false);  // router4 - router5
  EXPECT_FALSE(routing.reachable(0, 2));
  EXPECT_TRUE(routing.reachable(1, 3));
  EXPECT_THAT(routing.components(), ElementsAre(0, 1, 1, 1, 0, 0, 0, 1, 1, 1, 0, 0));
  routing.set_link_up(6, true);
  EXPECT_THAT(path(*ring, routing, 0, 2), ElementsAre(0, 6, 7, 8, 2));
}

TEST(Routing, ALinkToItselfIsNeverTaken) {
  Topology topology = make({kRouter, kRouter});
  join(topology, 0, 0);
  join(topology, 0, 1, 7);
  join(topology, 1, 1);
  Routing routing(topology);
  EXPECT_EQ(routing.next_link(0, 1), 1U);
  EXPECT_TRUE(routing.reachable(0, 0));
}

TEST(Routing, EnormousDelaysDoNotOverflow) {
  Topology topology = make({kRouter, kRouter, kRouter, kRouter});
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (DeviceIndex i = 0; i < 3; ++i) join(topology, i, i + 1, most);
  Routing routing(topology);
  EXPECT_THAT(path(topology, routing, 0, 3), ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(path(topology, routing, 3, 0), ElementsAre(3, 2, 1, 0));
}

/// Bellman-Ford over the same rules, as an independent answer.
std::vector<std::int64_t> reference_distances(const Topology& topology,
                                              const std::vector<bool>& up, DeviceIndex to) {
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max() / 2;
  std::vector<std::int64_t> distance(topology.devices.size(), kFar);
  distance[to] = 0;
  const auto relax = [&](DeviceIndex at, DeviceIndex next, Duration delay) {
    if (next != to && topology.devices[next].kind == kHost) return;
    distance[at] = std::min(distance[at], distance[next] + to_ns(delay) + 1);
  };
  for (std::size_t round = 0; round < topology.devices.size(); ++round) {
    for (std::size_t i = 0; i < topology.links.size(); ++i) {
      const Link& link = topology.links[i];
      if (!up[i]) continue;
      relax(link.a, link.b, link.forward.delay);
      relax(link.b, link.a, link.backward.delay);
    }
  }
  for (std::int64_t& value : distance) value = value >= kFar ? -1 : value;
  return distance;
}

TEST(Routing, AgreesWithBellmanFordOnRandomNetworks) {
  RandomStream random(11, "routing test");
  for (int round = 0; round < 60; ++round) {
    Topology topology;
    for (int i = 0; i < 14; ++i) {
      topology.devices.push_back({"d", random.chance(0.3) ? kHost : kRouter, {}});
    }
    for (int i = 0; i < 24; ++i) {
      join(topology, static_cast<DeviceIndex>(random.below(14)),
           static_cast<DeviceIndex>(random.below(14)), static_cast<std::int64_t>(random.below(5)),
           static_cast<std::int64_t>(random.below(5)));
    }
    Routing routing(topology);
    std::vector<bool> up(topology.links.size(), true);
    for (int change = 0; change < 4; ++change) {
      const auto link = static_cast<std::uint32_t>(random.below(topology.links.size()));
      up[link] = !up[link];
      routing.set_link_up(link, up[link]);
      for (DeviceIndex to = 0; to < 14; ++to) {
        const auto expected = reference_distances(topology, up, to);
        for (DeviceIndex from = 0; from < 14; ++from) {
          ASSERT_EQ(routing.reachable(from, to), expected[from] >= 0);
          if (expected[from] <= 0) continue;
          const Link& next = topology.links[*routing.next_link(from, to)];
          const bool along = next.a == from;
          const std::int64_t step = to_ns(along ? next.forward.delay : next.backward.delay) + 1;
          EXPECT_EQ(expected[along ? next.b : next.a] + step, expected[from]);
        }
      }
    }
  }
}

}  // namespace
}  // namespace twinbed::sim
