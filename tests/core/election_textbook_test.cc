// The Bully algorithm against the figures of the literature (Garcia-Molina 1982): with the top of n
// nodes crashed, n-2 messages at best and n^2-n-1 at worst.
#include <gtest/gtest.h>

#include "core/protocols/election/textbook.h"
#include "tests/support/election_cluster.h"

namespace twinbed {
namespace {

using election::TextbookNode;
using election::TextbookOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::FakeNetwork;

/// n nodes on a network with 10 ms delay; messages are counted by kind.
struct Group {
  explicit Group(std::uint32_t n, TextbookOptions base = {}) : network(milliseconds(10)) {
    network.on_send = [this](std::size_t, const Endpoint&, Bytes payload) {
      const auto opened = election::open_body(payload, testing::test_cipher());
      if (const auto* message = std::get_if<election::Message>(&opened)) {
        ++counts[std::string(election::name_of(*message))];
      }
    };
    base.peers = testing::test_peers(n);
    for (const election::Peer& peer : base.peers) network.add(peer.endpoint.address);
    for (const election::Peer& peer : base.peers) {
      base.id = peer.id;
      network.start(peer.id - 1, std::make_unique<TextbookNode>(base, testing::test_cipher()));
    }
  }
  const TextbookNode& node(std::uint32_t id) {
    return static_cast<const TextbookNode&>(*network.node(id - 1).protocol);
  }
  void kill(std::uint32_t id) { network.kill(id - 1); }
  void suspect(std::uint32_t id) { network.command(id - 1, "suspect"); }
  bool all_follow(std::uint32_t leader) {
    bool all = true;
    for (std::uint32_t id = 1; id <= network.size(); ++id) {
      if (network.node(id - 1).protocol) all &= node(id).leader() == leader && node(id).normal();
    }
    return all;
  }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto& [kind, count] : counts) sum += count;
    return sum;
  }

  FakeNetwork network;
  std::map<std::string, std::uint64_t> counts;
};

TextbookOptions settled() {
  TextbookOptions options;
  options.elect_at_start = false;
  return options;
}

class MessageCounts : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(MessageCounts, WorstCaseTheLowestNotices) {
  const std::uint32_t n = GetParam();
  Group group(n, settled());
  group.kill(n);
  group.suspect(1);
  group.network.run_for(seconds(30));
  EXPECT_TRUE(group.all_follow(n - 1));
  EXPECT_EQ(group.counts["Election"], n * (n - 1) / 2);
  EXPECT_EQ(group.counts["Ok"], (n - 1) * (n - 2) / 2);
  EXPECT_EQ(group.counts["Coordinator"], n - 2);
  EXPECT_EQ(group.total(), n * n - n - 1);
}

TEST_P(MessageCounts, BestCaseTheSecondHighestNotices) {
  const std::uint32_t n = GetParam();
  Group group(n, settled());
  group.kill(n);
  group.suspect(n - 1);
  group.network.run_for(seconds(30));
  EXPECT_TRUE(group.all_follow(n - 1));
  EXPECT_EQ(group.counts["Coordinator"], n - 2);
  EXPECT_EQ(group.total(), n - 2);
}

INSTANTIATE_TEST_SUITE_P(Sizes, MessageCounts, ::testing::Values(3, 5, 10, 20));

TEST(Textbook, StartsWithTheHighestLeading) {
  Group group(5);
  group.network.run_for(seconds(10));
  EXPECT_TRUE(group.all_follow(5));
}

TEST(Textbook, ARecoveredHigherNodeBulliesItsWayBack) {
  Group group(3);
  group.network.run_for(seconds(10));
  group.kill(3);
  group.suspect(1);
  group.network.run_for(seconds(10));
  EXPECT_TRUE(group.all_follow(2));
  TextbookOptions options;
  options.id = 3;
  options.peers = testing::test_peers(3);
  group.network.start(2, std::make_unique<TextbookNode>(options, testing::test_cipher()));
  group.network.run_for(seconds(1));
  EXPECT_TRUE(group.all_follow(3));
}

// The one that answered dies before it can declare itself: the others start anew.
TEST(Textbook, SurvivesTheDeathOfTheWinner) {
  Group group(4, settled());
  group.kill(4);
  group.suspect(1);
  group.network.run_for(milliseconds(500));
  group.kill(3);
  group.network.run_for(seconds(10));
  EXPECT_TRUE(group.all_follow(2));
}

TEST(Textbook, AHigherNodeDoesNotAcceptALowerCoordinator) {
  Group group(3);
  group.network.run_for(seconds(10));
  group.network.node(2).silent = true;
  group.suspect(2);
  group.network.run_for(seconds(10));
  EXPECT_EQ(group.node(1).leader(), 2u);
  group.network.node(2).silent = false;
  group.suspect(1);
  group.network.run_for(seconds(10));
  EXPECT_TRUE(group.all_follow(3));
}

TEST(Textbook, NoticesByItselfWhereHeartbeatsAreOn) {
  TextbookOptions options;
  options.heartbeat = milliseconds(500);
  Group group(3, options);
  group.network.run_for(seconds(60));
  EXPECT_TRUE(group.all_follow(3));
  group.kill(3);
  group.network.run_for(seconds(6));
  EXPECT_TRUE(group.all_follow(2));
}

TEST(Textbook, IsNotMadeFromUnsoundOptions) {
  TextbookOptions options;
  EXPECT_FALSE(election::make_textbook_node(options, testing::kTestKey, false).ok());
  options.peers = testing::test_peers(3);
  EXPECT_TRUE(election::make_textbook_node(options, testing::kTestKey, false).ok());
  EXPECT_FALSE(election::make_textbook_node(options, testing::kZeroKey, false).ok());
  options.id = 4;
  EXPECT_FALSE(election::make_textbook_node(options, testing::kTestKey, false).ok());
}

}  // namespace
}  // namespace twinbed
