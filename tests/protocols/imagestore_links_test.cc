// The connections of the robust cloud-p2p: how many strangers a server listens to at once and in a
// second, and what a cluster does whose connections are not sealed.
#include <gtest/gtest.h>

#include "core/protocols/imagestore/records.h"
#include "core/protocols/imagestore/token_bucket.h"
#include "tests/support/fake_context.h"
#include "tests/support/image_cluster.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;
using imagestore::TokenBucket;
using secure::Refusal;

// ---- Floods -----------------------------------------------------------------------------------

TEST(TokenBucket, HoldsSoManyAndFillsAtItsRate) {
  TokenBucket bucket(3, 10);
  Time now{1h};
  const auto taken = [&] {
    int count = 0;
    while (bucket.take(now)) ++count;
    return count;
  };
  EXPECT_EQ(taken(), 3);
  now += 99ms;
  EXPECT_EQ(taken(), 0);
  now += 1ms;
  EXPECT_EQ(taken(), 1);
  now += 250ms;
  EXPECT_EQ(taken(), 2);
  now += 50ms;
  EXPECT_EQ(taken(), 1);
  now += 1h;
  EXPECT_EQ(taken(), 3);
}

/// Server 1 of two, to which strangers and server 2 connect.
class Door : private imagestore::LinkOwner {
 public:
  Door() : links_(options(), *secure::ClusterKey::from_hex(kClusterKey), *this) {
    fake.run([&](Context& context) { links_.start(context); });
    fake.clear();
  }

  FakeContext fake;

  /// Somebody connects; true if he is not turned away.
  bool connect(const char* address) {
    const std::size_t closed = fake.count(RequestKind::kCloseStream);
    last_ = StreamId{kFirstAcceptedStream + next_++};
    happen(StreamEventKind::kAccepted, address);
    return fake.count(RequestKind::kCloseStream) == closed;
  }
  void hang_up() { happen(StreamEventKind::kReset, "0.0.0.0"); }
  /// How many of so many connections, each of which ends at once, get in.
  int let_in(int count, const char* address) {
    int let_in = 0;
    for (int i = 0; i < count; ++i) {
      if (!connect(address)) continue;
      ++let_in;
      hang_up();
    }
    return let_in;
  }
  std::uint64_t refused() const { return links_.refusals(Refusal::kBusy); }

 private:
  static imagestore::LinkOptions options() {
    imagestore::LinkOptions options;
    options.self.id = 1;
    options.peers = {{1, {*parse_address("10.0.0.1"), 7001}},
                     {2, {*parse_address("10.0.0.2"), 7001}}};
    options.listen = Endpoint{kAnyAddress, 7001};
    return options;
  }
  void happen(StreamEventKind kind, const char* address) {
    StreamEvent event{};
    event.kind = kind;
    event.stream = last_;
    event.peer = {*parse_address(address), 40000};
    fake.run([&](Context& context) { links_.on_stream(context, event); });
  }

  void on_link_open(Context&, StreamId) override {}
  void on_message(Context&, StreamId, const imagestore::Frame&) override {}
  void on_link_drained(Context&, StreamId) override {}
  void on_link_closed(Context&, StreamId) override {}

  imagestore::Links links_;
  StreamId last_{};
  std::uint32_t next_ = 0;
};

constexpr const char* kStranger = "10.0.0.99";
constexpr const char* kServer = "10.0.0.2";

TEST(ImageLinks, AFloodOfConnectionsIsRefusedAndCounted) {
  Door door;
  EXPECT_EQ(door.let_in(1000, kStranger), 64);
  EXPECT_EQ(door.refused(), 936U);
  const auto events = door.fake.recorder.of(imagestore::kLinkRefusedEvent);
  ASSERT_EQ(events.size(), 936U);
  EXPECT_EQ(events.back().text("reason"), "busy");
  EXPECT_EQ(events.back().text("from"), "10.0.0.99:40000");
  EXPECT_EQ(events.back().number("count"), 936);
  // 200 a second from then on, however many come.
  int let_in = 0;
  for (int i = 0; i < 1000; ++i) {
    door.fake.now += 1ms;
    let_in += door.let_in(3, kStranger);
  }
  EXPECT_EQ(let_in, 200);
  // Whoever has waited finds it as it was.
  door.fake.now += 1s;
  EXPECT_EQ(door.let_in(1000, kStranger), 64);
}

TEST(ImageLinks, AFloodOfStrangersKeepsNoServerOut) {
  Door door;
  EXPECT_EQ(door.let_in(1000, kStranger), 64);
  EXPECT_EQ(door.let_in(1000, kServer), 64);
  door.fake.now += 1s;
  // Nor do those who connect and say nothing.
  int waiting = 0;
  while (door.connect(kStranger)) ++waiting;
  EXPECT_EQ(waiting, 64);
  EXPECT_TRUE(door.connect(kServer));
}

// ---- In clear ---------------------------------------------------------------------------------

/// Servers that do not seal, but for those that are named; the last node is the client.
ImageClusterOptions in_clear(std::set<std::uint32_t> sealing_servers, bool client_seals) {
  ImageClusterOptions options;
  options.adjust = [=](imagestore::NodeOptions& server) {
    server.links.encrypt = sealing_servers.contains(server.id);
  };
  options.adjust_client = [=](imagestore::ClientOptions& client) {
    client.links.encrypt = client_seals;
    client.give_up = 3s;
  };
  return options;
}

TEST(ImageLinks, AClusterInClearKeepsItsPromises) {
  ImageCluster cluster(in_clear({}, false));
  ASSERT_TRUE(cluster.elect());
  const Buffer image = test_image(1, 300'000);
  ASSERT_TRUE(cluster.put("first", image));
  ASSERT_TRUE(cluster.run_until([&] { return cluster.all_hold(1); }, 5s));
  for (std::uint32_t id = 1; id <= 3; ++id) EXPECT_EQ(cluster.stored(id, "first"), image);
  cluster.command("get-image first");
  cluster.run_for(1s);
  EXPECT_EQ(cluster.records.count("image.fetched", "outcome", "ok"), 1U);
  cluster.expect_kept_promises();
}

TEST(ImageLinks, AClientThatSealsIsToldThatTheServersDoNot) {
  for (const bool client_seals : {true, false}) {
    const std::set<std::uint32_t> servers =
        client_seals ? std::set<std::uint32_t>{} : std::set<std::uint32_t>{1, 2, 3};
    ImageCluster cluster(in_clear(servers, client_seals));
    ASSERT_TRUE(cluster.elect());
    EXPECT_FALSE(cluster.put("image", test_image(1, 1000)));
    cluster.command("discover");
    cluster.run_for(2s);
    EXPECT_TRUE(cluster.records.has_line("node 3: encryption_differs")) << client_seals;
    EXPECT_GE(cluster.records.count("image.link_refused", "reason", "encryption_differs"), 1U);
    EXPECT_EQ(cluster.server(3)->catalogue().size(), 0U);
  }
}

TEST(ImageLinks, AServerThatAloneSealsTakesNoPart) {
  ImageCluster cluster(in_clear({3}, false));
  cluster.run_for(5s);
  EXPECT_TRUE(cluster.server(2)->raft().leads());
  EXPECT_EQ(cluster.server(3)->raft().leader(), raft::kNobody);
  EXPECT_EQ(cluster.server(3)->status().refused_by.at(1), Refusal::kEncryptionDiffers);
}

}  // namespace
}  // namespace twinbed::testing
