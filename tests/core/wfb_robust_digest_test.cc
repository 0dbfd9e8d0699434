// What an aggregator takes from nodes whose init script is not that of its configuration.
#include <gmock/gmock.h>

#include "core/protocols/wfb/forwarder_node.h"
#include "core/protocols/wfb/receiver_node.h"
#include "tests/support/fake_context.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed::wfb {
namespace {

using testing::bytes_of;
using testing::FakeContext;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace std::chrono_literals;

constexpr IpAddress kNode{0x0a4d000b};  // 10.77.0.11
const Buffer kPresent = to_buffer("present configuration");
const Buffer kOld = to_buffer("old configuration");

struct InitDigestTest : ::testing::Test {
  std::vector<std::string> datagrams = testing::texts_of(
      testing::wfb_vectors("vectors_tun.json")["forwarder"]["udp_datagrams"]);
  FakeContext fake;

  ReceiverNode aggregator(std::map<IpAddress, Buffer> expected) {
    ReceiverOptions options{{testing::wfb_link_keys().ground, ChannelId::of(7669206, 0), 0},
                            10000, std::nullopt, 1h};
    options.init_digests = std::move(expected);
    return ReceiverNode(options);
  }
  void send(ReceiverNode& node, Bytes datagram, IpAddress from = kNode) {
    fake.run([&](Context& context) {
      static_cast<Protocol&>(node).on_datagram(context, {SocketId{1}, {from, 40000}, datagram});
    });
  }
  /// A session and two payloads, as a forwarder of the original sent them.
  std::size_t payloads_of_all(ReceiverNode& node) {
    fake.requests.clear();
    for (const std::string& datagram : datagrams) send(node, bytes_of(datagram));
    return fake.count(RequestKind::kDeliver);
  }
};

TEST_F(InitDigestTest, OfTheForwarderIsToldAtItsStartAndEverySecond) {
  ForwarderNode forwarder({ChannelId::of(1, 0), {{0x0a4d0001}, 10000}, kPresent});
  fake.run([&](Context& context) { forwarder.on_start(context); });
  fake.advance_to(forwarder, Time{2500ms});
  std::vector<std::string> told;
  for (const Request& request : fake.requests.requests()) {
    if (request.kind == RequestKind::kSend) told.push_back(to_hex(fake.requests.data(request)));
  }
  const std::string datagram = "ffffffffff808080807f7f7f7f0000000004" + to_hex(kPresent);
  EXPECT_THAT(told, ElementsAre(datagram, datagram, datagram));
}

TEST_F(InitDigestTest, IsOffUnlessAskedFor) {
  ForwarderNode forwarder({ChannelId::of(1, 0), {{0x0a4d0001}, 10000}});
  fake.run([&](Context& context) { forwarder.on_start(context); });
  EXPECT_EQ(fake.count(RequestKind::kSend), 0u);
  EXPECT_THAT(fake.timers(), IsEmpty());
  ReceiverNode node = aggregator({});
  EXPECT_EQ(payloads_of_all(node), 2u);
  send(node, digest_datagram(kPresent));
  EXPECT_EQ(node.aggregator().counters().bad, 1u) << "as an original aggregator counts it";
}

TEST_F(InitDigestTest, OfThePresentConfigurationOpensTheAggregator) {
  ReceiverNode node = aggregator({{kNode, kPresent}});
  EXPECT_EQ(payloads_of_all(node), 0u) << "nothing was told yet";
  EXPECT_THAT(fake.recorder.lines, IsEmpty());
  send(node, digest_datagram(kPresent));
  EXPECT_EQ(payloads_of_all(node), 2u);
  EXPECT_EQ(node.aggregator().counters().bad, 0u);
  fake.run([&](Context& context) { node.report(context); });
  EXPECT_EQ(fake.recorder.last("wfb.rx.strangers"), 6.0);
}

TEST_F(InitDigestTest, OfAnotherConfigurationClosesItWithOneSentence) {
  ReceiverNode node = aggregator({{kNode, kPresent}});
  for (int i = 0; i < 5; ++i) {
    send(node, digest_datagram(kOld));
    EXPECT_EQ(payloads_of_all(node), 0u);
  }
  EXPECT_THAT(fake.recorder.lines,
              ElementsAre("node 10.77.0.11 runs the init script of another configuration: nothing "
                          "of it is taken; run \"twinbed wfb gen-init --node 10.77.0.11\" again, "
                          "adaptive or not as this central node is, and on that node the script "
                          "that it prints"));
  fake.recorder.clear();
  send(node, digest_datagram(kPresent));
  EXPECT_EQ(payloads_of_all(node), 2u);
  EXPECT_EQ(fake.recorder.lines.front(),
            "node 10.77.0.11 runs the init script of this configuration now");
}

TEST_F(InitDigestTest, IsMissedAfterThreeSeconds) {
  ReceiverNode node = aggregator({{kNode, kPresent}});
  for (const Duration at : {0ms, 2999ms}) {
    fake.now = Time{at};
    payloads_of_all(node);
    EXPECT_EQ(fake.recorder.lines_with("does not say which init script"), 0u);
  }
  fake.now = Time{3s};
  payloads_of_all(node);
  EXPECT_EQ(fake.recorder.lines_with("node 10.77.0.11 does not say which init script"), 1u);
}

TEST_F(InitDigestTest, HoldsForTenSeconds) {
  ReceiverNode node = aggregator({{kNode, kPresent}});
  send(node, digest_datagram(kPresent));
  fake.now = Time{9999ms};
  EXPECT_EQ(payloads_of_all(node), 2u);
  fake.now = Time{10s};
  payloads_of_all(node);
  EXPECT_EQ(node.aggregator().counters().all, 7u) << "nothing more was taken";
  EXPECT_EQ(fake.recorder.lines_with("does not say which init script"), 1u);
}

TEST_F(InitDigestTest, OfAStrangerChangesNothing) {
  ReceiverNode node = aggregator({{IpAddress{0x0a4d000c}, kPresent}});
  send(node, digest_datagram(kPresent));
  EXPECT_EQ(payloads_of_all(node), 0u);
  EXPECT_EQ(fake.recorder.lines_with("node 10.77.0.11 is not in this configuration"), 1u);
}

TEST_F(InitDigestTest, IsWholeAndNotTooLong) {
  ReceiverNode node = aggregator({{kNode, kPresent}});
  Buffer longer = digest_datagram(Buffer(kMaxDigestBytes));
  longer.push_back(std::byte{});
  send(node, longer);
  send(node, Bytes(digest_datagram(kPresent)).first(Reception::kBytes + 1));
  send(node, {});
  Buffer of_a_card = digest_datagram(kPresent);
  of_a_card[0] = std::byte{};
  send(node, of_a_card);
  EXPECT_EQ(payloads_of_all(node), 0u);
}

}  // namespace
}  // namespace twinbed::wfb
