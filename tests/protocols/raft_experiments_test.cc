// Published figures of elections, repeated without fitting anything.
//
// Split votes, Ongaro 2014, §9.2: see SplitVotes below.
//
// Election times, Ongaro 2014, §9.4 ("AvailSim"): 5 servers of which some are absent, one-way
// latency uniform over 30 to 40 ms and independent for each message, election timeout uniform over
// 300 to 600 ms, all timers fresh, neither processor nor disk takes time. The time is that of the
// election of a leader that stays. The quantiles were read off the dissertation's vector graphics,
// means are those of the curves so read.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <vector>

#include "tests/support/raft_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;

/// Milliseconds until a leader is elected that is still the leader of all after its first round.
double election_ms(std::uint64_t seed, std::uint32_t absent) {
  RaftClusterOptions options;
  options.seed = seed;
  options.servers = 5;
  sim::LinkParams uplink;
  uplink.delay = 35ms;
  uplink.jitter = 5ms;
  uplink.distribution = sim::JitterDistribution::kUniform;
  options.uplink = uplink;
  options.adjust = [](raft::Options& raft) {
    raft.election_timeout_min = 300ms;
    raft.election_timeout_max = 600ms;
    raft.heartbeat = 150ms;
    raft.pre_vote = raft.check_quorum = raft.stickiness = false;
  };
  RaftCluster cluster(options);
  cluster.run_for(Duration{});
  for (std::uint32_t id = 5; id > 5 - absent; --id) cluster.crash(id);
  for (;;) {
    if (!cluster.run_until([&] { return cluster.leader() != raft::kNobody; }, 60s)) return -1;
    const Time elected = cluster.now();
    const raft::ServerId leader = cluster.leader();
    const raft::Node& node = cluster.server(leader)->node();
    const raft::Term term = node.term();
    const auto is_settled = [&] {
      return !node.leads() || node.term() != term || node.commit_index() == node.log().last_index();
    };
    if (!cluster.run_until(is_settled, 60s)) return -1;
    if (node.leads() && node.term() == term) return to_seconds(elected - Time{}) * 1e3;
  }
}

struct Curve {
  std::uint32_t absent;
  double p10, p50, mean, p90, p99;
  double mean_tolerance;
};

class AvailSim : public ::testing::TestWithParam<Curve> {};

TEST_P(AvailSim, ElectionTimesAreThePublishedOnes) {
  const Curve& published = GetParam();
  constexpr std::size_t kElections = 10'000;
  std::vector<double> times;
  for (std::uint64_t seed = 1; seed <= kElections; ++seed) {
    times.push_back(election_ms(seed, published.absent));
    ASSERT_GT(times.back(), 0) << "seed " << seed;
  }
  std::sort(times.begin(), times.end());
  const double mean = std::accumulate(times.begin(), times.end(), 0.0) / kElections;
  const auto quantile = [&](double q) { return times[static_cast<std::size_t>(q * kElections)]; };
  RecordProperty("mean_ms", std::to_string(mean));
  std::printf("absent %u: mean %.1f (%.1f), p10 %.1f (%.1f), p50 %.1f (%.1f), p90 %.1f (%.1f), "
              "p99 %.1f (%.1f) ms\n", published.absent, mean, published.mean, quantile(0.1),
              published.p10, quantile(0.5), published.p50, quantile(0.9), published.p90,
              quantile(0.99), published.p99);
  EXPECT_NEAR(mean, published.mean, published.mean * published.mean_tolerance);
  EXPECT_NEAR(quantile(0.5), published.p50, published.p50 * published.mean_tolerance);
}

INSTANTIATE_TEST_SUITE_P(Absent, AvailSim,
                         ::testing::Values(Curve{0, 375, 409.6, 429.9, 489.2, 833, 0.02},
                                           Curve{1, 379.5, 423.3, 468.6, 562.4, 1005, 0.02},
                                           Curve{2, 387, 468.8, 631.4, 1073.5, 1929, 0.03}));

/// Whether the first election ends without a leader: one server of five is absent, timeouts are
/// uniform over 100 ms, and each message takes `latency`.
bool first_vote_splits(std::uint64_t seed, Duration latency) {
  RaftClusterOptions options;
  options.seed = seed;
  options.servers = 5;
  sim::LinkParams uplink;
  uplink.delay = latency;
  options.uplink = uplink;
  options.adjust = [](raft::Options& raft) {
    raft.election_timeout_min = 150ms;
    raft.election_timeout_max = 250ms;
    raft.pre_vote = raft.check_quorum = raft.stickiness = false;
  };
  RaftCluster cluster(options);
  cluster.run_for(Duration{});
  cluster.crash(5);
  EXPECT_TRUE(cluster.run_until([&] { return cluster.leader() != raft::kNobody; }, 60s));
  return cluster.server(cluster.leader())->node().term() > 1;
}

/// P[Bin(s, l) >= c - 1]: that c of s servers time out within l (a share of the range of timeouts)
/// of the first of them. Equal to the dissertation's sum over k from c - 1 to s.
double split_probability(int s, int c, double l) {
  double sum = 0;
  for (int k = c - 1; k <= s; ++k) {
    const double ways = std::tgamma(s + 1) / (std::tgamma(k + 1) * std::tgamma(s - k + 1));
    sum += ways * std::pow(l, k) * std::pow(1 - l, s - k);
  }
  return sum;
}

class SplitVotes : public ::testing::TestWithParam<int> {};

// §9.2: with s of n servers alive, the vote splits if c = s - floor(n / 2) + 1 of them time out
// before the first one's request arrives.
TEST_P(SplitVotes, AreAsFrequentAsTheClosedFormSays) {
  constexpr int kElections = 10'000;
  const double l = GetParam() / 100.0;
  const double expected = split_probability(4, 3, l);
  int splits = 0;
  for (std::uint64_t seed = 1; seed <= kElections; ++seed) {
    splits += first_vote_splits(seed, std::chrono::milliseconds(GetParam()));
  }
  const double found = static_cast<double>(splits) / kElections;
  std::printf("latency %d ms: %.4f of the votes split, expected %.4f\n", GetParam(), found,
              expected);
  // 99 % limits of the binomial distribution, by its normal approximation and half a count.
  const double limit =
      2.576 * std::sqrt(expected * (1 - expected) / kElections) + 0.5 / kElections;
  EXPECT_NEAR(found, expected, limit);
}

INSTANTIATE_TEST_SUITE_P(LatencyMs, SplitVotes, ::testing::Values(1, 10, 20));

}  // namespace
}  // namespace twinbed::testing
