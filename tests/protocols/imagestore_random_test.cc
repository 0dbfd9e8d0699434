// The robust cloud-p2p under random schedules of everything that can go wrong, and afterwards in a
// world that has healed. TWINBED_SEEDS says how many schedules.
#include <gtest/gtest.h>

#include <cstdlib>
#include <set>
#include <tuple>

#include "tests/support/image_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;

std::uint64_t seeds() {
  const char* text = std::getenv("TWINBED_SEEDS");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 100;
}

/// One fault of a random kind that hits a random server, begins within 25 s and ends by 33 s.
sim::FaultSpec random_fault(Random& random, std::uint32_t servers) {
  using sim::FaultAction;
  sim::FaultSpec fault;
  const Duration at = random.between(2s, 25s);
  const Duration lasts = random.between(200ms, 8s);
  fault.at = {at, at};
  fault.lasts = {lasts, lasts};
  const auto name = [](std::uint64_t id) { return "node" + std::to_string(id); };
  const std::uint64_t victim = 1 + random.below(servers);
  fault.select.nodes = {name(victim)};
  switch (random.below(10)) {
    case 0: fault.action = FaultAction::kCrash; break;
    case 1:
      fault.action = FaultAction::kCrash;
      fault.cause = sim::CrashCause::kPowerFailure;
      break;
    case 2: fault.action = FaultAction::kPause; break;
    case 3: fault.action = FaultAction::kHang; break;
    case 4:
      fault.action = FaultAction::kPartition;
      fault.partition = sim::PartitionKind::kIsolate;
      break;
    case 5: {
      fault.action = FaultAction::kPartition;
      fault.partition = sim::PartitionKind::kOneWay;
      sim::Selector others;
      for (std::uint64_t id = 1; id <= servers; ++id) {
        if (id != victim) others.nodes.push_back(name(id));
      }
      fault.groups = {fault.select, others};
      if (random.chance(0.5)) std::swap(fault.groups[0], fault.groups[1]);
      fault.select = {};
      break;
    }
    case 6:
      fault.action = FaultAction::kPartition;
      fault.partition = sim::PartitionKind::kBridge;
      break;
    case 7:
      fault.action = FaultAction::kDisk;
      fault.disk.full = true;
      break;
    case 8:
      fault.action = FaultAction::kDisk;
      fault.disk.sync_delay = random.between(10ms, 2s);
      fault.disk.tear_write = 0.5;
      break;
    default:
      fault.action = FaultAction::kLink;
      fault.select = {};
      fault.link.loss = 0.05;
      fault.link.delay = random.between(1ms, 100ms);
      break;
  }
  return fault;
}

/// How many servers, and whether they see one directory of images.
/// Whatever bears an image's name in the shared directory is one that a client has sent, whole.
void expect_whole_images(ImageCluster& cluster, std::uint64_t sent) {
  std::set<Digest> known;
  for (std::uint64_t i = 1; i <= sent; ++i) known.insert(blake2b(test_image(i, 1000 * i)));
  for (const std::string& name : cluster.images(1)) {
    const Digest hash = blake2b(cluster.image_in(cluster.file(1, name)));
    ASSERT_TRUE(known.contains(hash)) << name << " is partial";
  }
}

/// Nothing waits for its name any more.
void expect_nothing_staged(ImageCluster& cluster) {
  EXPECT_TRUE(cluster.staged().empty()) << cluster.staged().front() << "\n" << cluster.describe();
  for (std::uint32_t id = 1; id <= cluster.size(); ++id) {
    EXPECT_TRUE(cluster.files(id, "state/staging/").empty())
        << "node " << id << " keeps " << cluster.files(id, "state/staging/").front() << "\n"
        << cluster.describe();
  }
}

class RandomSchedules : public ::testing::TestWithParam<std::tuple<std::uint32_t, bool>> {};

TEST_P(RandomSchedules, KeepEveryPromiseAndHeal) {
  const auto [servers, is_shared] = GetParam();
  for (std::uint64_t seed = 1; seed <= seeds(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomStream random(seed, "schedule");
    const std::size_t faults = 1 + random.below(8);
    ImageClusterOptions options;
    options.seed = seed;
    options.servers = servers;
    options.shared = is_shared;
    options.at_rest = seed % 4 == 0;
    options.clients = 3;
    options.watchers = {"discovery", "linearizable", "minority_refuses", "one_committer",
                        "preference"};
    options.link.delay = 100us;
    options.link.jitter = 50us;
    options.link.distribution = sim::JitterDistribution::kUniform;
    options.adjust = [](imagestore::NodeOptions& node) {
      node.raft.snapshot_every = 10;
      node.scrub_every = 10s;
    };
    ImageCluster cluster(options);
    sim::FaultPlan plan;
    for (std::size_t i = 0; i < faults; ++i) plan.push_back(random_fault(random, servers));
    cluster.simulator().set_faults(plan);
    std::uint64_t number = 0;
    while (cluster.now() < Time{30s}) {
      cluster.run_for(random.between(100ms, 1500ms));
      if (is_shared) expect_whole_images(cluster, number);
      const auto client = static_cast<std::uint32_t>(1 + random.below(2));
      // The third client does nothing but ask who leads.
      if (!cluster.client(3)->busy()) cluster.command("discover", 3);
      if (random.chance(0.2)) cluster.command("discover", client);
      // Now and then one that was sent before, perhaps by the other client, or its content again.
      if (number > 0 && random.chance(0.2)) {
        const std::uint64_t old = 1 + random.below(number);
        cluster.send_image("image" + std::to_string(old), test_image(old, 1000 * old), client);
      } else if (number > 0 && random.chance(0.2)) {
        cluster.command("get-image image" + std::to_string(1 + random.below(number)), client);
      } else {
        ++number;
        cluster.send_image("image" + std::to_string(number), test_image(number, 1000 * number),
                           client);
      }
    }
    // The healed phase.
    cluster.simulator().run_until(Time{34s});
    ASSERT_TRUE(cluster.run_until(
        [&] { return !cluster.client(1)->busy() && !cluster.client(2)->busy(); }, 90s))
        << cluster.describe();
    ASSERT_TRUE(cluster.put("last", test_image(9999, 5000))) << cluster.describe();
    ASSERT_TRUE(cluster.run_until(
        [&, servers = servers] {
          return cluster.leader() == servers &&
                 cluster.all_hold(cluster.server(servers)->catalogue().size());
        },
        60s))
        << cluster.describe();
    // An image of the last term: what was staged before it and never committed goes.
    ASSERT_TRUE(cluster.put("end", test_image(10'000, 5000)));
    cluster.run_for(2s);
    for (std::uint32_t id = 1; id <= servers; ++id) {
      EXPECT_EQ(cluster.stored(id, "last"), test_image(9999, 5000));
    }
    expect_nothing_staged(cluster);
    cluster.expect_no_stray_files();
    cluster.expect_kept_promises();
    if (::testing::Test::HasFailure()) return;
  }
}

INSTANTIATE_TEST_SUITE_P(Servers, RandomSchedules,
                         ::testing::Combine(::testing::Values(3, 5), ::testing::Bool()),
                         [](const auto& setting) {
                           const std::string mode =
                               std::get<1>(setting.param) ? "SharedBy" : "CopiedTo";
                           return mode + std::to_string(std::get<0>(setting.param));
                         });

}  // namespace
}  // namespace twinbed::testing
