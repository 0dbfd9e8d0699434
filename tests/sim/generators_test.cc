#include "sim/network/generators.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "core/base/random_stream.h"
#include "sim/network/routing.h"

namespace twinbed::sim {
namespace {

using ::testing::HasSubstr;
using std::chrono::milliseconds;

LinkParams five_ms() {
  LinkParams params;
  params.delay = milliseconds(5);
  return params;
}

/// The names of the ends of the links between positions, in order.
std::vector<std::string> shape(const Topology& topology) {
  std::vector<std::string> result;
  for (const Link& link : topology.links) {
    const Device& a = topology.devices[link.a];
    const Device& b = topology.devices[link.b];
    if (a.kind == DeviceKind::kHost && b.kind == DeviceKind::kRouter) continue;
    result.push_back(a.name + "-" + b.name);
  }
  return result;
}

/// What every network of routers must be.
void expect_sound(const Topology& topology, std::uint32_t hosts) {
  ASSERT_EQ(topology.devices.size(), 2 * hosts);
  std::set<std::string> names;
  for (std::uint32_t i = 0; i < hosts; ++i) {
    EXPECT_EQ(topology.devices[i].name, "node" + std::to_string(i + 1));
    EXPECT_EQ(topology.devices[i].kind, DeviceKind::kHost);
    EXPECT_EQ(topology.devices[hosts + i].name, "router" + std::to_string(i + 1));
    EXPECT_EQ(topology.devices[hosts + i].kind, DeviceKind::kRouter);
    EXPECT_EQ(topology.links[i], (Link{i, hosts + i, {}, {}, false})) << "a perfect own link";
    names.insert(topology.devices[i].name);
    names.insert(topology.devices[hosts + i].name);
  }
  EXPECT_EQ(names.size(), 2 * hosts);
  for (std::size_t i = hosts; i < topology.links.size(); ++i) {
    EXPECT_EQ(topology.links[i].forward, five_ms());
    EXPECT_EQ(topology.links[i].backward, five_ms());
  }
  const std::vector<std::uint32_t> components = Routing(topology).components();
  EXPECT_EQ(*std::max_element(components.begin(), components.end()), 0U);
}

TEST(Generators, StarIsASwitchWithHosts) {
  const Result<Topology> star = make_star(3, five_ms(), "peer");
  ASSERT_TRUE(star.ok());
  ASSERT_EQ(star->devices.size(), 4U);
  EXPECT_EQ(star->devices[0].name, "peer1");
  EXPECT_EQ(star->devices[3], (Device{"switch", DeviceKind::kSwitch, {}}));
  EXPECT_THAT(shape(*star),
              ::testing::ElementsAre("peer1-switch", "peer2-switch", "peer3-switch"));
  EXPECT_EQ(star->links[2].backward, five_ms());
}

TEST(Generators, Line) {
  const Result<Topology> line = make_line(3, five_ms());
  ASSERT_TRUE(line.ok());
  expect_sound(*line, 3);
  EXPECT_THAT(shape(*line), ::testing::ElementsAre("router1-router2", "router2-router3"));
  const Result<Topology> single = make_line(1, five_ms());
  ASSERT_TRUE(single.ok());
  expect_sound(*single, 1);
}

TEST(Generators, Ring) {
  const Result<Topology> ring = make_ring(4, five_ms());
  ASSERT_TRUE(ring.ok());
  expect_sound(*ring, 4);
  EXPECT_THAT(shape(*ring), ::testing::ElementsAre("router1-router2", "router2-router3",
                                                   "router3-router4", "router4-router1"));
}

TEST(Generators, Grid) {
  const Result<Topology> grid = make_grid(2, 3, five_ms());
  ASSERT_TRUE(grid.ok());
  expect_sound(*grid, 6);
  EXPECT_THAT(shape(*grid),
              ::testing::ElementsAre("router1-router2", "router1-router4", "router2-router3",
                                     "router2-router5", "router3-router6", "router4-router5",
                                     "router5-router6"));
}

TEST(Generators, Tree) {
  const Result<Topology> tree = make_tree(6, 2, five_ms());
  ASSERT_TRUE(tree.ok());
  expect_sound(*tree, 6);
  EXPECT_THAT(shape(*tree),
              ::testing::ElementsAre("router1-router2", "router1-router3", "router2-router4",
                                     "router2-router5", "router3-router6"));
}

TEST(Generators, HostsNeverForward) {
  const Result<Topology> ring = make_ring(5, five_ms());
  ASSERT_TRUE(ring.ok());
  Routing routing(*ring);
  for (DeviceIndex from = 0; from < 5; ++from) {
    for (DeviceIndex to = 0; to < 5; ++to) {
      DeviceIndex at = from;
      for (int hops = 0; at != to; ++hops) {
        ASSERT_LT(hops, 5);
        const Link& link = ring->links[*routing.next_link(at, to)];
        at = link.a == at ? link.b : link.a;
        EXPECT_TRUE(at == to || ring->devices[at].kind == DeviceKind::kRouter);
      }
    }
  }
}

TEST(Generators, DenseRandomGeometricJoinsAllPairs) {
  RandomStream random(1, "generators test");
  const Result<Topology> dense = make_random_geometric(10, 1.5, five_ms(), random);
  ASSERT_TRUE(dense.ok());
  expect_sound(*dense, 10);
  EXPECT_EQ(shape(*dense).size(), 45U) << "no two points of the square are 1.5 apart";
}

TEST(Generators, SparseRandomGeometricIsJoinedToATree) {
  RandomStream random(2, "generators test");
  const Result<Topology> sparse = make_random_geometric(40, 1e-9, five_ms(), random);
  ASSERT_TRUE(sparse.ok());
  expect_sound(*sparse, 40);
  EXPECT_EQ(shape(*sparse).size(), 39U) << "forty pieces are joined by thirty-nine links";
}

struct Drawn {
  double x = 0;
  double y = 0;
};

TEST(Generators, RandomGeometricJoinsPiecesAtTheirClosestPair) {
  constexpr std::uint32_t kHosts = 60;
  constexpr double kRadius = 0.08;
  RandomStream same(3, "generators test");
  std::vector<Drawn> points(kHosts);
  for (Drawn& point : points) {
    point.x = same.uniform();
    point.y = same.uniform();
  }
  const auto square = [&](std::uint32_t i, std::uint32_t j) {
    const double dx = points[i].x - points[j].x;
    const double dy = points[i].y - points[j].y;
    return dx * dx + dy * dy;
  };
  // The definition, step by step: unite all pairs in the radius, then the closest pair of different
  // pieces, until one is left.
  std::vector<std::uint32_t> piece(kHosts);
  for (std::uint32_t i = 0; i < kHosts; ++i) piece[i] = i;
  std::set<std::pair<std::uint32_t, std::uint32_t>> expected;
  const auto unite = [&](std::uint32_t i, std::uint32_t j) {
    expected.emplace(i, j);
    std::replace(piece.begin(), piece.end(), std::uint32_t{piece[j]}, std::uint32_t{piece[i]});
  };
  for (std::uint32_t i = 0; i < kHosts; ++i) {
    for (std::uint32_t j = i + 1; j < kHosts; ++j) {
      if (square(i, j) <= kRadius * kRadius) unite(i, j);
    }
  }
  const std::size_t within = expected.size();
  for (;;) {
    std::pair<std::uint32_t, std::uint32_t> best{0, 0};
    double nearest = 9;
    for (std::uint32_t i = 0; i < kHosts; ++i) {
      for (std::uint32_t j = i + 1; j < kHosts; ++j) {
        if (piece[i] == piece[j] || square(i, j) >= nearest) continue;
        nearest = square(i, j);
        best = {i, j};
      }
    }
    if (nearest == 9) break;
    unite(best.first, best.second);
  }
  ASSERT_GT(within, 0U);
  ASSERT_GT(expected.size(), within + 3) << "the radius is meant to leave several pieces";

  RandomStream random(3, "generators test");
  const Result<Topology> drawn = make_random_geometric(kHosts, kRadius, five_ms(), random);
  ASSERT_TRUE(drawn.ok());
  std::set<std::pair<std::uint32_t, std::uint32_t>> found;
  for (std::size_t i = kHosts; i < drawn->links.size(); ++i) {
    found.emplace(drawn->links[i].a - kHosts, drawn->links[i].b - kHosts);
  }
  EXPECT_EQ(found, expected);
}

TEST(Generators, SameSeedSameNetwork) {
  RandomStream one(4, "generators test");
  RandomStream two(4, "generators test");
  RandomStream other(5, "generators test");
  const auto a = make_random_geometric(30, 0.3, five_ms(), one);
  const auto b = make_random_geometric(30, 0.3, five_ms(), two);
  const auto c = make_random_geometric(30, 0.3, five_ms(), other);
  EXPECT_EQ(*a, *b);
  EXPECT_NE(*a, *c);
}

TEST(Generators, RefuseWhatCannotBeBuilt) {
  RandomStream random(6, "generators test");
  EXPECT_EQ(make_ring(2, five_ms()).error(),
            "a ring network has from 3 to 100000 hosts, but 2 were asked for");
  EXPECT_FALSE(make_star(0, five_ms()).ok());
  EXPECT_FALSE(make_line(0, five_ms()).ok());
  EXPECT_FALSE(make_line(4'000'000'000U, five_ms()).ok());
  EXPECT_FALSE(make_grid(0, 7, five_ms()).ok());
  EXPECT_FALSE(make_grid(7, 0, five_ms()).ok());
  EXPECT_FALSE(make_grid(65'536, 65'536, five_ms()).ok()) << "the product does not wrap around";
  EXPECT_THAT(make_tree(5, 0, five_ms()).error(), HasSubstr("arity"));
  EXPECT_THAT(make_line(2, five_ms(), "router").error(), HasSubstr("'router'"));
  EXPECT_FALSE(make_line(2, five_ms(), "").ok());
  LinkParams wrong = five_ms();
  wrong.loss = 2;
  EXPECT_THAT(make_star(2, wrong).error(), HasSubstr("probability"));
  EXPECT_THAT(make_random_geometric(5, 0.0, five_ms(), random).error(), HasSubstr("radius"));
  EXPECT_FALSE(make_random_geometric(5, std::numeric_limits<double>::quiet_NaN(), five_ms(),
                                     random).ok());
  EXPECT_THAT(make_random_geometric(3000, 1.5, five_ms(), random).error(),
              HasSubstr("choose a smaller radius"));
}

TEST(Topology, FindsDevicesAndAssignsFreeAddresses) {
  Result<Topology> line = make_line(3, five_ms());
  ASSERT_TRUE(line.ok());
  line->devices[0].address = IpAddress{0x0a00'0002};
  line->devices.push_back({"nat", DeviceKind::kNat, {}});
  assign_addresses(*line);
  EXPECT_EQ(to_string(line->devices[0].address), "10.0.0.2");
  EXPECT_EQ(to_string(line->devices[1].address), "10.0.0.1");
  EXPECT_EQ(to_string(line->devices[2].address), "10.0.0.3");
  EXPECT_EQ(to_string(line->devices[6].address), "10.0.0.4");
  EXPECT_TRUE(line->devices[3].address.is_any()) << "routers need none";
  EXPECT_EQ(find_device(*line, "router2"), DeviceIndex{4});
  EXPECT_EQ(find_device(*line, "router9"), std::nullopt);
}

}  // namespace
}  // namespace twinbed::sim
