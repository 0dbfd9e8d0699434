// A node of a WFB-NG cluster as one process, and the two ends of the lifecycle ssh.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/protocols/wfb/cluster_node.h"
#include "core/protocols/wfb/ssh_lifecycle.h"
#include "core/wire/radiotap.h"
#include "tests/support/fake_context.h"

namespace twinbed::wfb {
namespace {

using testing::FakeContext;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr std::uint32_t kLink = 7;
constexpr IpAddress kServer{0x0a4d0001};
constexpr Endpoint kNear{{0x0a4d000b}, 22};
constexpr Endpoint kFar{{0x0a4d000c}, 22};

/// Video is only heard, telemetry goes both ways; two cards.
ClusterNodeOptions two_streams() {
  ClusterNodeOptions options;
  options.streams.push_back(
      {"video", ForwarderOptions{ChannelId::of(kLink, 0), {kServer, 10000}, {}}, {}});
  options.streams.push_back(
      {"mavlink", ForwarderOptions{ChannelId::of(kLink, 0x10), {kServer, 10001}, {}},
       InjectorOptions{11002, {InterfaceId{0}, InterfaceId{1}}}});
  return options;
}

/// What is asked for since the last call: the requests of one kind.
std::vector<Request> take(FakeContext& fake, RequestKind kind) {
  std::vector<Request> taken;
  for (const Request& request : fake.requests.requests()) {
    if (request.kind == kind) taken.push_back(request);
  }
  fake.requests.clear();
  return taken;
}

Buffer frame_on(std::uint8_t radio_port) {
  Buffer frame;
  write_mac_header(frame_header(ChannelId::of(kLink, radio_port), FrameType::kData, 0), frame);
  frame.resize(frame.size() + 40, static_cast<std::byte>(PacketType::kData));
  return frame;
}

void hear(FakeContext& fake, Protocol& node, std::uint8_t radio_port) {
  const Buffer frame = frame_on(radio_port);
  RxFrame heard;
  heard.frame = frame;
  fake.run([&](Context& c) { node.on_frame(c, heard); });
}

TEST(WfbClusterNode, ForwardsEachStreamToItsAggregator) {
  FakeContext fake;
  ClusterNode node(two_streams());
  fake.run([&](Context& c) { node.on_start(c); });
  fake.clear();
  hear(fake, node, 0x10);
  std::vector<Request> sent = take(fake, RequestKind::kSend);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].endpoint, (Endpoint{kServer, 10001}));
  hear(fake, node, 0);
  sent = take(fake, RequestKind::kSend);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].endpoint, (Endpoint{kServer, 10000}));
  hear(fake, node, 0x20);
  EXPECT_THAT(take(fake, RequestKind::kSend), IsEmpty()) << "a stream of somebody else";
  // The second copy of a packet is told of in a batch, whose timer finds its forwarder.
  hear(fake, node, 0);
  EXPECT_THAT(take(fake, RequestKind::kSend), IsEmpty());
  ASSERT_TRUE(fake.fire_next_timer(node));
  sent = take(fake, RequestKind::kSend);
  ASSERT_THAT(sent, SizeIs(1));
  EXPECT_EQ(sent[0].endpoint, (Endpoint{kServer, 10000}));
}

TEST(WfbClusterNode, InjectsOnTheCardOfThePort) {
  FakeContext fake;
  ClusterNode node(two_streams());
  fake.run([&](Context& c) { node.on_start(c); });
  std::vector<Request> bound = take(fake, RequestKind::kBind);
  std::erase_if(bound, [](const Request& request) { return request.endpoint.port == 0; });
  ASSERT_THAT(bound, SizeIs(2)) << "two cards, and video has no injector";
  EXPECT_EQ(bound[0].endpoint.port, 11002);
  EXPECT_EQ(bound[1].endpoint.port, 11003);
  Buffer request(4);
  write_radiotap_tx(TxParams{}, request);
  const Buffer frame = frame_on(0x90);
  request.insert(request.end(), frame.begin(), frame.end());
  fake.run([&](Context& c) {
    node.on_datagram(c, {SocketId{bound[1].id}, {kServer, 5}, request});
  });
  const Request* transmitted = fake.requests.requests().data();
  ASSERT_THAT(fake.requests.requests(), SizeIs(1));
  EXPECT_EQ(transmitted->kind, RequestKind::kTransmit);
  EXPECT_EQ(transmitted->id, 1U);
  EXPECT_EQ(to_buffer(fake.requests.data(*transmitted)), frame);
}

TEST(WfbClusterNode, TellsItsDigestForEachStream) {
  FakeContext fake;
  ClusterNodeOptions options = two_streams();
  for (auto& stream : options.streams) stream.forwarder->init_digest = Buffer(32);
  ClusterNode node(options);
  fake.run([&](Context& c) { node.on_start(c); });
  std::vector<std::uint16_t> ports;
  for (const Request& sent : take(fake, RequestKind::kSend)) ports.push_back(sent.endpoint.port);
  EXPECT_THAT(ports, ElementsAre(10000, 10001));
}

// ---- Lifecycle ssh -----------------------------------------------------------------------------

StreamEvent event_of(StreamEventKind kind, std::uint32_t stream) {
  StreamEvent event;
  event.kind = kind;
  event.stream = StreamId{stream};
  return event;
}

void tell(FakeContext& fake, Protocol& node, StreamEventKind kind, std::uint32_t stream) {
  fake.run([&](Context& c) { node.on_stream(c, event_of(kind, stream)); });
}

constexpr std::uint32_t kFirst = kFirstAcceptedStream;

TEST(WfbSshNode, RunsItsScriptAsLongAsTheConnectionLasts) {
  FakeContext fake;
  SshNode node(2222, [] { return std::make_unique<ClusterNode>(two_streams()); });
  fake.run([&](Context& c) { node.on_start(c); });
  ASSERT_NE(fake.only(RequestKind::kListen), nullptr);
  EXPECT_EQ(fake.only(RequestKind::kListen)->endpoint.port, 2222);
  EXPECT_EQ(fake.count(RequestKind::kBind), 0U) << "nothing runs yet";
  hear(fake, node, 0);
  EXPECT_EQ(fake.count(RequestKind::kSend), 0U);

  tell(fake, node, StreamEventKind::kAccepted, kFirst);
  const std::size_t sockets = take(fake, RequestKind::kBind).size();
  EXPECT_EQ(sockets, 4U) << "two forwarders, an injector of two cards";
  hear(fake, node, 0);
  hear(fake, node, 0);
  EXPECT_THAT(take(fake, RequestKind::kSend), SizeIs(1));
  EXPECT_THAT(fake.timers(), SizeIs(1));

  tell(fake, node, StreamEventKind::kClosed, kFirst);
  EXPECT_EQ(fake.count(RequestKind::kCloseSocket), sockets);
  EXPECT_THAT(fake.timers(), IsEmpty()) << "a process that is gone wants no timer";
  fake.requests.clear();
  hear(fake, node, 0);
  EXPECT_EQ(fake.count(RequestKind::kSend), 0U);

  tell(fake, node, StreamEventKind::kAccepted, kFirst + 1);
  hear(fake, node, 0);
  EXPECT_EQ(fake.count(RequestKind::kSend), 1U) << "a new script for a new connection";
}

TEST(WfbSshNode, ASecondScriptEndsAtOnceAndTheFirstGoesOn) {
  FakeContext fake;
  SshNode node(22, [] { return std::make_unique<ClusterNode>(two_streams()); });
  fake.run([&](Context& c) { node.on_start(c); });
  tell(fake, node, StreamEventKind::kAccepted, kFirst);
  fake.requests.clear();
  tell(fake, node, StreamEventKind::kAccepted, kFirst + 1);
  ASSERT_NE(fake.only(RequestKind::kCloseStream), nullptr);
  EXPECT_EQ(fake.only(RequestKind::kCloseStream)->id, kFirst + 1);
  tell(fake, node, StreamEventKind::kReset, kFirst + 1);
  fake.requests.clear();
  hear(fake, node, 0);
  EXPECT_EQ(fake.count(RequestKind::kSend), 1U);
}

/// Sets a timer, opens a socket and counts what it hears.
class Busy final : public Protocol {
 public:
  explicit Busy(int& heard) : heard_(heard) {}
  void on_start(Context& context) override {
    context.timers.set(TimerId{1}, Time{Duration{1}});
    context.datagrams.bind(SocketId{7}, {kAnyAddress, 9});
  }
  void on_timer(Context&, TimerId) override { ++heard_; }
  void on_datagram(Context&, const Datagram&) override { ++heard_; }
  void on_frame(Context&, const RxFrame&) override { ++heard_; }
  void on_command(Context&, Bytes) override { ++heard_; }
  void on_storage(Context&, const StorageResult&) override { ++heard_; }

 private:
  int& heard_;
};

void do_all(FakeContext& fake, Protocol& node) {
  fake.run([&](Context& c) {
    node.on_timer(c, TimerId{1});
    node.on_datagram(c, {SocketId{7}, kNear, {}});
    node.on_frame(c, {});
    node.on_command(c, {});
    node.on_storage(c, {});
  });
}

TEST(WfbSshCentral, EndsWithTheFirstConnectionThatIsLost) {
  for (const auto kind :
       {StreamEventKind::kFailed, StreamEventKind::kClosed, StreamEventKind::kReset}) {
    int heard = 0;
    FakeContext fake;
    SshCentral central({kNear, kFar}, std::make_unique<Busy>(heard));
    fake.run([&](Context& c) { central.on_start(c); });
    std::vector<Endpoint> dialled;
    for (const Request& open : take(fake, RequestKind::kOpen)) dialled.push_back(open.endpoint);
    EXPECT_THAT(dialled, ElementsAre(kNear, kFar));
    tell(fake, central, StreamEventKind::kOpened, 0);
    do_all(fake, central);
    EXPECT_EQ(heard, 5);

    tell(fake, central, kind, 1);
    ASSERT_NE(fake.only(RequestKind::kCloseStream), nullptr) << "the other node's connection";
    EXPECT_EQ(fake.only(RequestKind::kCloseStream)->id, 0U);
    ASSERT_NE(fake.only(RequestKind::kCloseSocket), nullptr);
    EXPECT_EQ(fake.only(RequestKind::kCloseSocket)->id, 7U);
    EXPECT_THAT(fake.timers(), IsEmpty());
    EXPECT_THAT(fake.recorder.lines,
                Contains("the connection to node 10.77.0.12 is lost: this central node ends, and "
                         "with it all other nodes; start it again once that node is there"));
    do_all(fake, central);
    EXPECT_EQ(heard, 5) << "it has ended";
    fake.clear();
    tell(fake, central, StreamEventKind::kReset, 0);
    EXPECT_TRUE(fake.requests.empty()) << "it ends once";
  }
}

}  // namespace
}  // namespace twinbed::wfb
