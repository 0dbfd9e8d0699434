// The native programs of cloud-p2p under the policy robust: real processes, sockets and files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>

#include "backends/pcap/live_capture.h"
#include "backends/sqlite/database.h"
#include "core/protocols/imagestore/client.h"
#include "core/protocols/imagestore/node.h"
#include "scenarios/run.h"
#include "tests/support/live_world.h"
#include "tests/support/native_cluster.h"

namespace twinbed {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(RobustCloudP2p, KeepsEveryPromiseAcrossAKillOfTheLeader) {
  start_all();
  const std::string first = make_image(500'000, 1);
  const std::string second = make_image(3'000'000, 2);
  ASSERT_TRUE(send("first", first)) << client_text_;
  EXPECT_THAT(client_text_, HasSubstr("[Client] Current leader: Node 3"));
  EXPECT_THAT(client_text_, HasSubstr("Sent image first to leader (node 3) — 500000 bytes"));
  EXPECT_TRUE(all_have({first}));

  servers_[3]->signal(SIGKILL);
  EXPECT_EQ(servers_[3]->wait(), -SIGKILL);
  // At once, without a discover: the client finds the next leader itself.
  ASSERT_TRUE(send("second", second)) << client_text_;
  EXPECT_THAT(client_text_, HasSubstr("(node 2) — 3000000 bytes"));
  EXPECT_EQ(run_client("get-image first " + scratch_.path("back") + "\n"), 0) << client_text_;
  EXPECT_EQ(read_file(scratch_.path("back")), first);

  // Back with its disk, node 3 gets what it missed, and then the lead in good order.
  servers_[3] = start_server(3);
  ASSERT_TRUE(servers_[3]->shows("[Node 3] starting heartbeat task"));
  EXPECT_TRUE(all_have({first, second}));
  ASSERT_TRUE(send("second", second)) << client_text_;  // a retry is stored once
  EXPECT_TRUE(all_have({first, second}));
  for (auto& [node, server] : servers_) EXPECT_EQ(server->stop(), 0) << server->text();

  auto table = backends::Database::open(directory(1) + "/.cloud-p2p/node1/images.db",
                                        backends::Database::Access::kRead,
                                        std::chrono::seconds(1));
  ASSERT_TRUE(table.ok());
  EXPECT_EQ(*table->number("SELECT count(*) FROM image WHERE user = 'ada'"), 2);
  EXPECT_EQ(*table->number("SELECT bytes FROM image WHERE request_id = 'second'"), 3'000'000);
}

TEST_F(RobustCloudP2p, AMinorityRefusesAndTellsWhy) {
  const auto alone = start_server(1);
  ASSERT_TRUE(alone->shows("[Node 1] listening on port"));
  const std::string photo = scratch_.write("photo.png", make_image(1000, 8));
  EXPECT_EQ(run_client("discover\nsend-image " + photo + " photo\n", {"--give-up", "2 s"}), 1);
  EXPECT_THAT(client_text_, HasSubstr("No leader (no majority): 1 of 3 servers answer"));
  EXPECT_THAT(client_text_, HasSubstr("✗ Image photo was refused: no leader (no majority)"));
}

TEST_F(RobustCloudP2p, ShowsItsHealthOverHttp) {
  const std::string health = free_endpoint(9);
  servers_[1] = start_server(1, {"--health", health});
  ASSERT_TRUE(servers_[1]->shows("listening on port"));
  EXPECT_THAT(http_get(health, "/healthz"), HasSubstr("200 OK"));
  const std::string not_ready = http_get(health, "/readyz");
  EXPECT_THAT(not_ready, HasSubstr("503 "));
  EXPECT_THAT(not_ready, HasSubstr("no leader: this server hears no majority of the servers"));
  servers_[2] = start_server(2);
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 2"));
  ASSERT_TRUE(send("image", make_image(1000, 3))) << client_text_;
  ASSERT_TRUE(wait_until([&] {
    return http_get(health, "/metrics").find("cloud_p2p_files_held 1\n") != std::string::npos;
  }));
  EXPECT_THAT(http_get(health, "/readyz"), HasSubstr("node 2 leads in term "));
  const std::string metrics = http_get(health, "/metrics");
  EXPECT_THAT(metrics, HasSubstr("cloud_p2p_leader 2\n"));
  EXPECT_THAT(metrics, HasSubstr("cloud_p2p_image_bytes 1000\n"));
  EXPECT_THAT(metrics, HasSubstr("cloud_p2p_peer_silence_seconds{peer=\"2\"} "));
}

// ---- who may take part ----

TEST_F(RobustCloudP2p, TheSameIdTwiceEndsTheSecondServer) {
  start_all();
  const auto second = start_server(3, {}, {{"BIND", address_of(8) + ":7001"},
                                           {"SHARED_DIR", scratch_.make_directory("other")}});
  EXPECT_EQ(second->wait(), 3);
  EXPECT_THAT(second->text(), HasSubstr("twinbed-node: node 3 cannot join: node "));
  EXPECT_THAT(second->text(), HasSubstr("knows another server with this id"));
  EXPECT_TRUE(send("image", make_image(1000, 4))) << client_text_;
}

TEST_F(RobustCloudP2p, AServerWithAnotherConfigurationEnds) {
  servers_[1] = start_server(1);
  servers_[2] = start_server(2);
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 2"));
  const auto third = start_server(3, {"--no-replication"});
  EXPECT_EQ(third->wait(), 3);
  EXPECT_THAT(third->text(), HasSubstr("has another configuration; peers and replication must be "
                                       "the same at all servers"));
}

TEST_F(RobustCloudP2p, AnotherKeyIsRefusedAndBothSidesSayWhatMayBeWrong) {
  start_all();
  EXPECT_EQ(run_client("discover\n", {}, kOtherKey), 0);
  EXPECT_THAT(client_text_, HasSubstr("(is ENCRYPTION_KEY the same there?)"));
  EXPECT_TRUE(servers_[3]->shows(": not_authentic (is its key this one?), 1 of these so far"));
}

TEST_F(RobustCloudP2p, ListsOfKeysSayWhoTakesPart) {
  const auto make_key = [&](const std::string& name) {
    Program program({"make-key", scratch_.path(name)}, {});
    EXPECT_EQ(program.wait(), 0) << program.text();
    return program.text();
  };
  std::string servers;
  for (int node = 1; node <= 3; ++node) servers += make_key("key" + std::to_string(node));
  const std::string clients = scratch_.write("clients", make_key("client"));
  make_key("stranger");
  Program again({"make-key", scratch_.path("client")}, {});
  EXPECT_EQ(again.wait(), 3);
  EXPECT_THAT(again.text(), HasSubstr("a key is never overwritten"));
  const std::string list = scratch_.write("servers", servers);
  for (int node = 1; node <= 3; ++node) {
    servers_[node] = start_server(node, {"--node-key", scratch_.path("key" + std::to_string(node)),
                                         "--known-servers", list, "--known-clients", clients});
  }
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 3"));
  run_client("status\n", {"--node-key", scratch_.path("client"), "--known-servers", list});
  EXPECT_THAT(client_text_, HasSubstr("Current leader: Node 3"));
  run_client("status\n", {"--node-key", scratch_.path("stranger")});
  EXPECT_THAT(client_text_, HasSubstr("unknown_client"));
}

/// Connections to an endpoint from an address, all of which stay open and say nothing.
std::vector<backends::Socket> connect_often(int count, const std::string& from,
                                            const std::string& to) {
  std::vector<backends::Socket> sockets;
  const sockaddr_in address = backends::to_sockaddr(*parse_endpoint(to));
  for (int i = 0; i < count; ++i) {
    sockets.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(backends::bind_socket(sockets.back(), {*parse_address(from), 0}), 0);
    EXPECT_EQ(::connect(sockets.back().number(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address), 0);
  }
  return sockets;
}

/// As the server counts them in its metrics.
int refused_as_busy(const std::string& health) {
  const std::string metrics = http_get(health, "/metrics");
  const std::string name = "cloud_p2p_refused_connections_total{reason=\"busy\"} ";
  const std::size_t at = metrics.find(name);
  return at == std::string::npos ? 0 : std::stoi(metrics.substr(at + name.size()));
}

TEST_F(RobustCloudP2p, AFloodOfConnectionsIsRefusedAndKeepsNoServerOut) {
  const std::string health = free_endpoint(9);
  servers_[1] = start_server(1, {"--health", health});
  ASSERT_TRUE(servers_[1]->shows("listening on port"));
  const auto flood = connect_often(200, address_of(7), endpoints_[0]);
  // 64 may wait at once; on a slow machine some have waited too long before all are here.
  EXPECT_TRUE(wait_until([&] { return refused_as_busy(health) > 64; }))
      << http_get(health, "/metrics");
  servers_[2] = start_server(2);
  EXPECT_TRUE(servers_[1]->shows("Coordinator announced: 2"));
  EXPECT_TRUE(servers_[2]->shows("starting heartbeat task"));
}

// ---- what is on the wire, and in the store ----

/// Whether some 64 bytes of the image stand anywhere in the text.
bool shows_window(const std::string& text, const std::string& image) {
  std::multimap<std::uint64_t, std::size_t> places;
  const auto word = [](const std::string& bytes, std::size_t at) {
    std::uint64_t value = 0;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    return value;
  };
  for (std::size_t at = 0; at + 64 <= image.size(); ++at) places.emplace(word(image, at), at);
  for (std::size_t at = 0; at + 64 <= text.size(); ++at) {
    const auto [first, last] = places.equal_range(word(text, at));
    for (auto place = first; place != last; ++place) {
      if (text.compare(at, 64, image, place->second, 64) == 0) return true;
    }
  }
  return false;
}

/// A server and a client that do not seal, which no native program does.
class ClearUpload {
 public:
  explicit ClearUpload(const std::string& image) : image_(image) {}

  /// What a capture of it takes.
  std::string filter() const {
    return "host " + to_string(backends::loopback_address(world_.run_number(), kServer));
  }
  bool succeeds() {
    world_.run_for(std::chrono::milliseconds(1));
    const std::string directory = world_.storage_root(kClient);
    std::filesystem::create_directories(directory);
    std::ofstream(directory + "/image.png", std::ios::binary) << image_;
    world_.command(kClient, as_bytes("send-image image.png image"));
    return world_.run_until([&] { return shows_success(); }, kPatience);
  }

 private:
  static constexpr NodeId kServer{0};
  static constexpr NodeId kClient{1};

  std::unique_ptr<Protocol> make(NodeId node) const {
    const std::vector<election::Peer> peers{{1, world_.endpoint(kServer)}};
    if (node == kServer) {
      imagestore::NodeOptions server;
      server.peers = peers;
      server.links.encrypt = false;
      imagestore::set_timeout(server, std::chrono::milliseconds(300));
      return *imagestore::make_node(server, kKey);
    }
    imagestore::ClientOptions client;
    client.peers = peers;
    client.links.encrypt = false;
    return *imagestore::make_client(client, kKey);
  }
  bool shows_success() const {
    const auto& lines = world_.recorded();
    return std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
      return line.find("SUCCESS") != std::string::npos;
    });
  }

  std::string image_;
  LiveWorld world_{2, [this](NodeId node) { return make(node); }};
};

TEST_F(RobustCloudP2p, NoBytesOfAnImageAreOnTheWire) {
  const std::string in_clear = make_image(20'000, 6);
  ClearUpload clear(in_clear);
  backends::LiveCaptureOptions options;
  options.interface = "lo";
  options.buffer_bytes = std::size_t{64} << 20;
  for (const std::string& endpoint : endpoints_) {
    options.filter += "host " + to_string(parse_endpoint(endpoint)->address) + " or ";
  }
  options.filter += clear.filter();
  auto capture = backends::LiveCapture::open(options);
  if (!capture) GTEST_SKIP() << "capturing needs root: " << capture.error();
  start_all();
  const std::string image = make_image(200'000, 5);
  ASSERT_TRUE(send("image", image)) << client_text_;
  ASSERT_TRUE(all_have({image}));
  // What is not sealed must be seen, or the test could see nothing at all.
  ASSERT_TRUE(clear.succeeds());
  std::string seen;
  ASSERT_TRUE(wait_until([&] {
    (void)capture->read(
        [&](const backends::CapturedFrame& frame) { seen += as_text(frame.bytes); });
    return shows_window(seen, in_clear);
  }));
  EXPECT_EQ(capture->dropped(), 0U);
  EXPECT_GT(seen.size(), 3 * image.size());  // to the leader and from there to both others
  EXPECT_FALSE(shows_window(seen, image));
}

TEST_F(RobustCloudP2p, ARecordedRunReplaysWithItsKeyAndWithNoOther) {
  const std::string database = scratch_.path("node1.db");
  servers_[1] = start_server(1, {"--database", database});
  servers_[2] = start_server(2);
  ASSERT_TRUE(servers_[1]->shows("Coordinator announced: 2"));
  ASSERT_TRUE(send("image", make_image(100'000, 7))) << client_text_;
  ASSERT_TRUE(servers_[1]->shows("stored image image"));
  EXPECT_EQ(servers_[1]->stop(), 0);
  const auto replayed = scenarios::replay_run(database, 1, {{}, kKey});
  ASSERT_TRUE(replayed.ok()) << replayed.error();
  EXPECT_TRUE(replayed->equal) << replayed->explanation;
  EXPECT_GT(replayed->events, 20U);
  const auto other = scenarios::replay_run(database, 1, {{}, kOtherKey});
  ASSERT_TRUE(other.ok()) << other.error();
  EXPECT_FALSE(other->equal);
  EXPECT_THAT(read_file(database), Not(HasSubstr(kKey)));
}

}  // namespace
}  // namespace twinbed
