// What the aggregator counts and prints of the datagrams that WFB-NG's forwarder sends.
#include <gmock/gmock.h>

#include <set>

#include "core/base/random_stream.h"
#include "core/protocols/wfb/aggregator.h"
#include "tests/support/counting_new.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::bytes_of;
using ::testing::ElementsAre;

constexpr std::uint32_t kNode = 0x0a4d000b;  // 10.77.0.11

struct Payloads final : DecoderOwner {
  void on_payload(Bytes payload) override { payloads.emplace_back(as_text(payload)); }
  void on_session(const Session&) override {}
  std::vector<std::string> payloads;
};

struct AggregatorTest : ::testing::Test {
  std::vector<std::string> datagrams = testing::texts_of(
      testing::wfb_vectors("vectors_tun.json")["forwarder"]["udp_datagrams"]);
  Payloads owner;
  Aggregator aggregator{{testing::wfb_link_keys().ground, ChannelId::of(7669206, 0), 0}, owner};

  void receive(std::size_t datagram) {
    aggregator.receive_datagram(kNode, bytes_of(datagrams[datagram]));
  }
  std::vector<std::string> antenna_lines() const {
    std::vector<std::string> lines;
    for (const auto& [key, stats] : aggregator.antennas().rows()) {
      lines.push_back(antenna_line(12345, key, stats));
    }
    return lines;
  }
};

TEST_F(AggregatorTest, CountsWhatTheCardsOfANodeHeard) {
  ASSERT_EQ(datagrams.size(), 6u);
  for (std::size_t i = 0; i < datagrams.size(); ++i) receive(i);
  // Two sessions of 88 bytes, data packets of 29, 30 and 30, and two of these by another card.
  EXPECT_EQ(packet_line(12345, aggregator.counters()),
            "12345\tPKT\t7:265:0:2:3:3:0:0:0:2:3");
  EXPECT_THAT(owner.payloads, ElementsAre("A", "BB"));
  EXPECT_THAT(antenna_lines(),
              ElementsAre("12345\tRX_ANT\t5825:1:20\ta4d000b00000000\t1:-41:-41:-41:54:54:54",
                          "12345\tRX_ANT\t5825:1:20\ta4d000b00000001\t1:-44:-44:-44:50:50:50",
                          "12345\tRX_ANT\t5825:1:20\ta4d000b00000100\t2:-52:-52:-52:43:43:43"));
  EXPECT_EQ(session_line(12345, *aggregator.session()), "12345\tSESSION\t0:1:2:3");
}

TEST_F(AggregatorTest, BeginsEveryIntervalAnew) {
  for (std::size_t i = 0; i < 3; ++i) receive(i);
  aggregator.end_interval();
  EXPECT_EQ(aggregator.counters(), ReceiverCounters{});
  receive(3);
  EXPECT_EQ(aggregator.counters().data, 1u);
  for (const auto& [key, stats] : aggregator.antennas().rows()) {
    EXPECT_EQ(stats.count, key.antenna == AntennaId::of(kNode, 1, 0) ? 1u : 0u);
  }
  aggregator.end_interval();
  EXPECT_EQ(aggregator.antennas().rows().size(), 1u) << "who was silent for an interval is gone";
}

TEST_F(AggregatorTest, ForgetsAfterTwoSecondsWhatMayHaveDuplicates) {
  for (std::size_t i = 0; i < 5; ++i) receive(i);
  aggregator.forget_old();
  receive(5);
  EXPECT_EQ(aggregator.counters().all, 7u);
  aggregator.forget_old();
  aggregator.forget_old();
  receive(5);
  EXPECT_EQ(aggregator.counters().all, 7u) << "the second batch names nothing that is known";
}

TEST_F(AggregatorTest, RefusesAMalformedBatchAndPassesOverAStub) {
  const Buffer batch = bytes_of(datagrams[5]);
  Buffer of_a_card = batch;
  of_a_card[0] = std::byte{1};
  aggregator.receive_datagram(kNode, of_a_card);
  aggregator.receive_datagram(kNode, Bytes(batch).first(batch.size() - 1));
  EXPECT_EQ(aggregator.counters().bad, 2u);
  EXPECT_EQ(aggregator.counters().all, 2u);
  aggregator.receive_datagram(kNode, Bytes(batch).first(Reception::kBytes - 1));
  EXPECT_EQ(aggregator.counters().all, 2u) << "shorter than its header: not counted";
}

TEST(DecibelStats, HasTheMeanOfThePowers) {
  DecibelStats stats;
  for (const int decibels : {-40, -80, -43, -128, 0}) stats.add(decibels);
  EXPECT_EQ(stats.least(), -128);
  EXPECT_EQ(stats.most(), 0);
  EXPECT_EQ(stats.mean(), -7);  // a fifth of 1 mW, and next to nothing
  EXPECT_EQ(DecibelStats{}.mean(), 0);
}

TEST(PacketSet, HoldsWhatASetHolds) {
  RandomStream random(1, "packet set", 0);
  PacketSet set;
  for (int round = 0; round < 3; ++round) {
    std::set<ShortHash> expected;
    for (int i = 0; i < 3'000; ++i) {
      ShortHash hash{};
      // Few different values, the one that marks a free slot among them.
      hash[7] = static_cast<std::byte>(random.below(256));
      hash[3] = static_cast<std::byte>(random.below(8));
      EXPECT_EQ(set.contains(hash), expected.contains(hash));
      EXPECT_EQ(set.insert(hash), expected.insert(hash).second);
      EXPECT_EQ(set.size(), expected.size());
    }
    set.clear();
    EXPECT_EQ(set.size(), 0u);
  }
}

/// Hands on what is sent, but for one packet in five.
struct Lossy final : EncoderOwner {
  explicit Lossy(Aggregator& to) : receiver(to) {}
  void on_packet(PacketKind, Bytes packet) override {
    Reception reception;
    reception.readings.fill({0xff, -128, 127});
    reception.readings[0] = {0, -50, -95};
    if (++sent % 5 != 0) receiver.receive(0, reception, packet);
  }
  Aggregator& receiver;
  std::uint64_t sent = 0;
};

struct Ignored final : DecoderOwner {
  void on_payload(Bytes) override {}
  void on_session(const Session&) override {}
};

TEST(WfbStream, AllocatesNothingForAPacketOnceItRuns) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "a sanitizer has the allocator";
  const LinkKeys keys = testing::wfb_link_keys();
  const ChannelId channel = ChannelId::of(1, 0);
  Ignored ignored;
  Aggregator receiver({keys.ground, channel, 0}, ignored);
  Lossy air(receiver);
  RandomStream random(1, "stream", 0);
  Encoder encoder({keys.drone, channel, 0, {8, 12}, std::chrono::seconds(1)}, random, air);
  const Buffer payload(1'400);
  Time now{};
  const auto run_for_a_second = [&] {
    for (int i = 0; i < 5'000; ++i) {
      encoder.send(now, payload, random);
      now += std::chrono::microseconds(200);
    }
    receiver.forget_old();
  };
  run_for_a_second();
  run_for_a_second();
  receiver.end_interval();
  const std::uint64_t before = testing::allocations();
  run_for_a_second();
  EXPECT_EQ(testing::allocations() - before, 0u);
  EXPECT_GT(receiver.counters().fec_rec, 500u) << "the figure is of a run with losses";
}

}  // namespace
}  // namespace twinbed::wfb
