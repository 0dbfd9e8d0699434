// The native programs of cloud-p2p under the policy robust: real processes, sockets and files.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "backends/pcap/live_capture.h"
#include "backends/sqlite/database.h"
#include "scenarios/run.h"
#include "tests/support/native_programs.h"

namespace twinbed {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

class RobustCloudP2p : public ::testing::Test {
 protected:
  RobustCloudP2p() {
    for (int node = 1; node <= 3; ++node) {
      endpoints_.push_back(free_endpoint(node));
      peers_ += (node > 1 ? "," : "") + std::to_string(node) + "=" + endpoints_.back();
      scratch_.make_directory("images" + std::to_string(node));
    }
  }
  std::string directory(int node) const {
    return scratch_.path("images" + std::to_string(node));
  }
  std::unique_ptr<Program> start_server(int node, const std::vector<std::string>& more = {},
                                        Variables variables = {}) const {
    std::vector<std::string> arguments{"cloud-p2p", "--timeout", "300 ms"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    variables.insert({{"PEERS", peers_},
                      {"ENCRYPTION_KEY", kKey},
                      {"NODE_ID", std::to_string(node)},
                      {"SHARED_DIR", directory(node)}});
    return std::make_unique<Program>(arguments, variables);
  }
  void start_all(const std::vector<std::string>& more = {}) {
    for (int node = 1; node <= 3; ++node) servers_[node] = start_server(node, more);
    for (int node = 1; node <= 2; ++node) {
      ASSERT_TRUE(servers_[node]->shows("Coordinator announced: 3"));
    }
  }
  /// Gives a client these commands; the exit status.
  int run_client(const std::string& commands, const std::vector<std::string>& more = {},
                 const std::string& key = kKey) {
    std::vector<std::string> arguments{"cloud-p2p-client"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    Program client(arguments, {{"PEERS", peers_}, {"ENCRYPTION_KEY", key}, {"USER", "ada"}});
    client.type(commands);
    client.end_input();
    const int status = client.wait();
    client_text_ = client.text();
    return status;
  }
  /// Sends an image under an id; true for SUCCESS.
  bool send(const std::string& id, const std::string& image) {
    run_client("send-image " + scratch_.write(id + ".png", image) + " " + id + "\n");
    return client_text_.find("SUCCESS: Image " + id) != std::string::npos;
  }
  /// The images of a node, as the files that a user sees.
  std::multiset<std::string> images_of(int node) const {
    std::multiset<std::string> contents;
    for (const auto& entry : std::filesystem::directory_iterator(directory(node))) {
      if (entry.is_regular_file()) contents.insert(read_file(entry.path()));
    }
    return contents;
  }
  bool all_have(const std::multiset<std::string>& images) const {
    return wait_until([&] {
      for (int node = 1; node <= 3; ++node) {
        if (images_of(node) != images) return false;
      }
      return true;
    });
  }

  Scratch scratch_;
  std::vector<std::string> endpoints_;
  std::string peers_;
  std::map<int, std::unique_ptr<Program>> servers_;
  std::string client_text_;
};

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

std::string http_get(const std::string& endpoint, const std::string& path) {
  const backends::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = backends::to_sockaddr(*parse_endpoint(endpoint));
  const auto* raw = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.number(), raw, sizeof address) != 0) return {};
  const std::string request = "GET " + path + " HTTP/1.0\r\n\r\n";
  (void)::send(socket.number(), request.data(), request.size(), MSG_NOSIGNAL);
  std::string answer;
  char chunk[4096];
  for (ssize_t got = 0; (got = ::recv(socket.number(), chunk, sizeof chunk, 0)) > 0;) {
    answer.append(chunk, static_cast<std::size_t>(got));
  }
  return answer;
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

TEST_F(RobustCloudP2p, NoBytesOfAnImageAreOnTheWire) {
  backends::LiveCaptureOptions options;
  options.interface = "lo";
  options.buffer_bytes = std::size_t{64} << 20;
  for (const std::string& endpoint : endpoints_) {
    options.filter += (options.filter.empty() ? "host " : " or host ") +
                      to_string(parse_endpoint(endpoint)->address);
  }
  auto capture = backends::LiveCapture::open(options);
  if (!capture) GTEST_SKIP() << "capturing needs root: " << capture.error();
  start_all();
  const std::string image = make_image(200'000, 5);
  ASSERT_TRUE(send("image", image)) << client_text_;
  ASSERT_TRUE(all_have({image}));
  // The same image in clear, to a port that refuses it after having taken it: this must be seen.
  const std::string clear = make_image(2000, 6);
  {
    const backends::Socket socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const sockaddr_in address = backends::to_sockaddr(*parse_endpoint(endpoints_[0]));
    ASSERT_EQ(::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address), 0);
    (void)::send(socket.number(), clear.data(), clear.size(), MSG_NOSIGNAL);
  }
  std::string seen;
  ASSERT_TRUE(wait_until([&] {
    (void)capture->read(
        [&](const backends::CapturedFrame& frame) { seen += as_text(frame.bytes); });
    return shows_window(seen, clear);
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
