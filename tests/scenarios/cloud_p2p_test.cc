// The native programs of cloud-p2p under the policy original, over loopback sockets, pipes and a
// terminal.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/un.h>

#include <cstdlib>

#include "backends/sqlite/store_reader.h"
#include "scenarios/run.h"
#include "tests/support/native_programs.h"

namespace twinbed {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

/// What one test has in common: peers, their directories, servers and clients by environment.
class CloudP2p : public ::testing::Test {
 protected:
  void use_peers(int count) {
    for (int node = 1; node <= count; ++node) {
      endpoints_.push_back(free_endpoint(node));
      peers_ += (node > 1 ? "," : "") + std::to_string(node) + "=" + endpoints_.back();
      directories_.push_back(scratch_.make_directory("images" + std::to_string(node)));
    }
  }
  Variables variables(int node) const {
    return {{"PEERS", peers_},
            {"ENCRYPTION_KEY", kKey},
            {"NODE_ID", std::to_string(node)},
            {"SHARED_DIR", directories_[static_cast<std::size_t>(node - 1)]}};
  }
  std::unique_ptr<Program> start_server(int node, std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"cloud-p2p", "--policy", "original", "--profile",
                                       "67dc5ff"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Program>(arguments, variables(node));
  }
  std::unique_ptr<Program> start_client(const std::string& key = kKey,
                                        Program::Io io = Program::Io::kPipe) const {
    return std::make_unique<Program>(
        std::vector<std::string>{"cloud-p2p-client", "--policy", "original", "--listen",
                                 address_of(250) + ":0"},
        Variables{{"PEERS", peers_}, {"ENCRYPTION_KEY", key}, {"TERM", "xterm"}}, io);
  }
  /// One node that leads: nobody is higher.
  std::unique_ptr<Program> start_single(std::vector<std::string> more = {}) {
    use_peers(1);
    auto server = start_server(1, std::move(more));
    EXPECT_TRUE(server->shows("[Node 1] starting heartbeat task"));
    return server;
  }
  /// The contents of a node's image directory.
  std::vector<std::string> images_of(int node) const {
    std::vector<std::string> contents;
    const std::string& directory = directories_[static_cast<std::size_t>(node - 1)];
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      EXPECT_EQ(entry.path().extension(), ".png");
      contents.push_back(read_file(entry.path()));
    }
    return contents;
  }
  /// Sends the image from a new client and expects it at the node, whole, as its only one.
  void expect_served(int node, const std::string& image) const {
    const auto client = start_client();
    client->type("send-image " + scratch_.write("photo.png", image) + "\n");
    client->end_input();
    EXPECT_EQ(client->wait(), 0) << client->text();
    EXPECT_THAT(client->text(), HasSubstr("[Client] ✓ Sent image "));
    EXPECT_TRUE(wait_until([&] { return images_of(node) == std::vector<std::string>{image}; }));
  }

  Scratch scratch_;
  std::vector<std::string> endpoints_;
  std::string peers_;
  std::vector<std::string> directories_;
};

// ---- the deployment guide's tests 1 and 2 ----

TEST_F(CloudP2p, StoresImagesAtTheLeaderAndAtTheNextOneAfterAKill) {
  use_peers(3);
  // One after the other in this order: started at once, the original's node 2 would depose node 3.
  const auto node1 = start_server(1);
  // Its main task's election and its monitor's: no more of them are under way.
  ASSERT_TRUE(node1->shows("no answer from higher nodes -> becoming coordinator", 2));
  const auto node3 = start_server(3);
  ASSERT_TRUE(node3->shows("[Node 3] listening on port"));
  const auto node2 = start_server(2);
  ASSERT_TRUE(node3->shows("[Node 3] no higher nodes -> becoming coordinator"));
  ASSERT_TRUE(node3->shows("[Node 3] starting heartbeat task"));
  ASSERT_TRUE(node1->shows("[Node 1] Coordinator announced: 3"));
  ASSERT_TRUE(node2->shows("[Node 2] Coordinator announced: 3"));

  const std::string first = make_image(500'000, 1);
  const std::string second = make_image(70'000, 2);
  const auto client = start_client();
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 3"));
  client->type("send-image " + scratch_.write("first.png", first) + "\n");
  ASSERT_TRUE(client->shows("to leader (node 3) — 500000 bytes"));
  ASSERT_TRUE(wait_until([&] { return images_of(3) == std::vector<std::string>{first}; }));

  node3->signal(SIGKILL);
  EXPECT_EQ(node3->wait(), -SIGKILL);
  ASSERT_TRUE(node2->shows("[Node 2] no answer from higher nodes -> becoming coordinator"));
  ASSERT_TRUE(node1->shows("[Node 1] Coordinator announced: 2"));
  // The client's old connection takes one more Hello before its end shows.
  client->type("discover\ndiscover\n");
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 2"));
  client->type("send-image " + scratch_.write("second.png", second) + "\n");
  ASSERT_TRUE(client->shows("to leader (node 2) — 70000 bytes"));
  EXPECT_TRUE(wait_until([&] { return images_of(2) == std::vector<std::string>{second}; }));
  EXPECT_EQ(images_of(1).size(), 0u);
  client->end_input();
  EXPECT_EQ(client->wait(), 0);
  node1->signal(SIGTERM);
  EXPECT_EQ(node2->stop(), 0);
  EXPECT_EQ(node1->wait(), 0);
}

// ---- keys and hostile peers ----

TEST_F(CloudP2p, CountsAndRefusesAnotherKeyAndServesOn) {
  const std::string database = scratch_.path("node1.db");
  const auto server = start_single({"--database", database});
  const auto stranger = start_client(kOtherKey);
  stranger->type("send-image " + scratch_.write("stranger.png", make_image(1000, 3)) + "\n");
  stranger->end_input();
  stranger->wait();
  ASSERT_TRUE(server->shows(": not_authentic (is its key this one?), 1 of these so far"));
  expect_served(1, make_image(2000, 4));
  EXPECT_EQ(server->stop(), 0);

  auto reader = backends::StoreReader::open(database);
  ASSERT_TRUE(reader.ok()) << reader.error();
  const auto runs = reader->runs();
  ASSERT_TRUE(runs.ok()) << runs.error();
  ASSERT_EQ(runs->size(), 1u);
  EXPECT_EQ((*runs)[0].state, "finished");
  const auto refused = reader->samples((*runs)[0].run_id, "election.refused_frames");
  ASSERT_TRUE(refused.ok()) << refused.error();
  ASSERT_FALSE(refused->empty());
  EXPECT_GE(refused->back().value, 1.0);
  EXPECT_THAT(read_file(database), Not(HasSubstr(kKey)));
}

TEST_F(CloudP2p, ARecordedRunReplaysWithItsKeyAndWithNoOther) {
  const std::string database = scratch_.path("node1.db");
  {
    const auto server = start_single({"--database", database});
    expect_served(1, make_image(20'000, 11));
    EXPECT_EQ(server->stop(), 0);
  }
  const auto replayed = scenarios::replay_run(database, 1, {{}, kKey});
  ASSERT_TRUE(replayed.ok()) << replayed.error();
  EXPECT_TRUE(replayed->equal) << replayed->explanation;
  EXPECT_GT(replayed->events, 5u);

  const auto other = scenarios::replay_run(database, 1, {{}, kOtherKey});
  ASSERT_TRUE(other.ok()) << other.error();
  EXPECT_FALSE(other->equal);
  EXPECT_THAT(other->explanation, HasSubstr("node node1: handler call "));
  EXPECT_THAT(other->explanation, HasSubstr("(was ENCRYPTION_KEY this one?)"));
  EXPECT_EQ(scenarios::replay_run(database, 1).error(),
            database + "#1 is a run of a cloud-p2p server, whose key is not in the store; set "
                       "ENCRYPTION_KEY to the key that the server had and replay it again");
  EXPECT_THAT(read_file(database), Not(HasSubstr(kKey)));
  EXPECT_THAT(scenarios::diff_runs(database, 1, database, 1).error(),
              HasSubstr("#1 is a run in mode real; only simulated runs can be compared"));
}

TEST_F(CloudP2p, SpeaksTheZeroKeyWhenAskedTo) {
  use_peers(1);
  Program server({"cloud-p2p", "--policy", "original", "--zero-key", "--profile", "head"},
                 variables(1));
  ASSERT_TRUE(server.shows("--zero-key is given, so ENCRYPTION_KEY is not used"));
  ASSERT_TRUE(server.shows("[Node 1] starting heartbeat task"));
  const std::string image = make_image(3000, 5);
  Program client({"cloud-p2p-client", "--policy", "original", "--zero-key", "--profile", "head"},
                 {{"PEERS", peers_}, {"USER", "ada"}});
  client.type("send-image " + scratch_.write("photo.png", image));
  client.end_input();
  EXPECT_EQ(client.wait(), 0) << client.text();
  EXPECT_TRUE(wait_until([&] { return images_of(1) == std::vector<std::string>{image}; }));
  server.signal(SIGINT);
  EXPECT_EQ(server.wait(), 0);
}

/// A connection to a server, as anybody can open one.
class RawConnection {
 public:
  explicit RawConnection(const std::string& endpoint)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const sockaddr_in address = backends::to_sockaddr(*parse_endpoint(endpoint));
    EXPECT_EQ(::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address), 0);
  }
  void send(const std::string& bytes) const {
    // The server may have closed already: then the rest is lost, as it should be.
    (void)::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  }
  /// Whether the server ends the connection.
  bool is_closed() const {
    pollfd ready{socket_.number(), POLLIN, 0};
    char byte = 0;
    return ::poll(&ready, 1, 20'000) == 1 && ::recv(socket_.number(), &byte, 1, 0) <= 0;
  }

 private:
  backends::Socket socket_;
};

TEST_F(CloudP2p, SurvivesHostileFrames) {
  const auto server = start_single();
  using std::string_literals::operator""s;
  const std::vector<std::string> fatal = {
      "\xff\xff\xff\xff"s + std::string(1000, 'x'),  // announces 4 GiB
      "\x06\x40\x00\x01"s,                           // one byte more than 100 MiB
      "\0\0\0\0"s,                                   // nothing
      "\0\0\0\x05hello"s,                            // no room for nonce and tag
      "\0\0\0\x40"s + std::string(64, '\0'),         // not sealed by anybody
  };
  for (const std::string& bytes : fatal) {
    const RawConnection connection(endpoints_[0]);
    connection.send(bytes);
    EXPECT_TRUE(connection.is_closed());
  }
  EXPECT_TRUE(server->shows("too_long, 2 of these so far"));
  EXPECT_TRUE(server->shows("too_short, 2 of these so far"));
  EXPECT_TRUE(server->shows("not_authentic (is its key this one?), 1 of these so far"));

  const RawConnection slow(endpoints_[0]);  // announces 100 MiB and keeps quiet, all the while
  slow.send("\x06\x40\x00\x00 and a little more"s);
  { const RawConnection truncated(endpoints_[0]); truncated.send("\0\0\x03\xe8 cut off"s); }
  RandomStream random(11, "garbage");
  for (int i = 0; i < 50; ++i) {
    std::string garbage;
    for (int k = 0; k < 5000; ++k) garbage += static_cast<char>(random.next() & 0xff);
    const RawConnection connection(endpoints_[0]);
    connection.send(garbage);
  }
  expect_served(1, make_image(4000, 6));
  EXPECT_EQ(server->stop(), 0);
}

// ---- configuration ----

struct Mistake {
  std::vector<std::string> arguments;
  Variables changes;  // an empty value removes the variable
  int status;
  std::string sentence;
};

TEST_F(CloudP2p, SaysInOneSentenceWhatIsWrongAtTheStart) {
  use_peers(1);
  const std::string missing = scratch_.path("nowhere");
  const std::string file = scratch_.write("file", "");
  const std::string broken = scratch_.write("broken.json", "{\n  \"peers\": [\n    {\"id\": 1,}\n");
  const std::string named = scratch_.write(
      "named.json", R"({"peers": [{"id": 1, "address": "localhost:7001"}]})");
  const auto listener = backends::Socket::stream();
  const std::string taken = free_endpoint(2);
  ASSERT_EQ(backends::bind_socket(listener, *parse_endpoint(taken)), 0);
  ASSERT_EQ(::listen(listener.number(), 1), 0);

  const std::vector<Mistake> mistakes = {
      {{}, {{"SHARED_DIR", missing}}, 2, "does not exist; create it with `mkdir -p " + missing},
      {{}, {{"SHARED_DIR", file}}, 2, "is not a directory; remove it, or name another"},
      {{}, {{"SHARED_DIR", "/proc"}}, 2, "cannot create files in the image directory '/proc'"},
      {{}, {{"PEERS", "1=" + taken}}, 3, "node 1 cannot listen at " + taken + ": Address already"},
      {{}, {{"BIND", "192.0.2.1"}}, 3, "cannot listen at 192.0.2.1:"},
      {{}, {{"BIND", "here"}}, 2, "BIND is 'here'; it must be an address"},
      {{}, {{"NODE_ID", "7"}}, 2, "node 7 is not among the peers of PEERS, which are 1; set"},
      {{}, {{"PEERS", peers_ + ",2=" + endpoints_[0]}}, 2, "peers 1 and 2 of PEERS have the same"},
      {{}, {{"NODE_ID", "one"}}, 2, "NODE_ID is 'one'; it must be a number"},
      {{}, {{"PEERS", "1:127.0.0.1"}}, 2, "PEERS: '1:127.0.0.1' is not a peer such as 1="},
      {{}, {{"CONFIG_FILE", broken}}, 2, broken + ":3:14: this is not JSON: syntax error"},
      {{}, {{"CONFIG_FILE", named}}, 2, named + ": peers[0].address is \"localhost:7001\""},
      {{}, {{"CONFIG_FILE", scratch_.path()}}, 2, "which is a directory; name a JSON file"},
      {{}, {{"ENCRYPTION_KEY", ""}}, 2, "ENCRYPTION_KEY is not set; make a key with `openssl"},
      {{}, {{"ENCRYPTION_KEY", "abc"}}, 2, "must have 64 hexadecimal digits"},
      {{}, {{"ENCRYPTION_KEY", std::string(64, '0')}}, 2, "the encryption key is all zeros"},
      {{"--policy", "original", "--profile", "newest"}, {}, 2, "there is no profile 'newest'"},
      {{"--policy", "best"}, {}, 2, "there is no policy 'best'; there are robust and original"},
      {{"--profile", "head"}, {}, 2, "--profile belongs to the policy original"},
      {{"--zero-key"}, {}, 2, "--zero-key belongs to the policy original"},
      {{"--policy", "original", "--health", "127.0.0.1:0"}, {}, 2, "belong to the policy robust"},
      {{"--timeout", "soon"}, {}, 2, "--timeout 'soon'"},
      {{"--timeout", "1 ms"}, {}, 2, "--timeout is 1 ms; it must be from 50 ms to 10 min"},
      {{"--health", "here"}, {}, 2, "--health: "},
      {{"--known-clients", missing}, {}, 2, "--known-clients: cannot read "},
      {{"--node-key", missing}, {}, 2, "--node-key: the key file "},
      {{"--database", missing + "/a.db"}, {}, 3, missing},
      {{"--seed", "1"}, {}, 2, "--seed"},
  };
  for (const Mistake& mistake : mistakes) {
    SCOPED_TRACE(mistake.sentence);
    Variables variables_now = variables(1);
    for (const auto& [name, value] : mistake.changes) variables_now[name] = value;
    std::erase_if(variables_now, [](const auto& entry) { return entry.second.empty(); });
    std::vector<std::string> arguments{"cloud-p2p"};
    arguments.insert(arguments.end(), mistake.arguments.begin(), mistake.arguments.end());
    Program server(arguments, variables_now);
    EXPECT_EQ(server.wait(), mistake.status);
    EXPECT_THAT(server.text(), HasSubstr(mistake.sentence));
    if (mistake.arguments.empty()) {
      EXPECT_THAT(server.text(), StartsWith("twinbed-node: "));
      EXPECT_EQ(count_of(server.text(), "\n"), 1u) << server.text();
    }
  }
}

// ---- under a service manager ----

/// A datagram socket as a service manager has it, and what has arrived there.
class Notifications {
 public:
  explicit Notifications(const std::string& path)
      : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address),
                     sizeof address), 0);
  }
  const std::string& text() {
    char message[4096];
    for (ssize_t got = 0; (got = ::recv(socket_.number(), message, sizeof message, 0)) > 0;) {
      text_.append(message, static_cast<std::size_t>(got)) += '|';
    }
    return text_;
  }

 private:
  backends::Socket socket_;
  std::string text_;
};

TEST_F(CloudP2p, IsReadyWhenItListensAndTakesItsKeyFromTheCredentials) {
  use_peers(1);
  Notifications notifications(scratch_.path("notify"));
  Variables of_service = variables(1);
  of_service.erase("ENCRYPTION_KEY");
  of_service["CREDENTIALS_DIRECTORY"] = scratch_.make_directory("credentials");
  of_service["NOTIFY_SOCKET"] = scratch_.path("notify");
  scratch_.write("credentials/encryption_key", kKey + "\n");
  Program server({"cloud-p2p", "--policy", "original", "--profile", "67dc5ff"}, of_service);
  ASSERT_TRUE(wait_until([&] { return !notifications.text().empty(); })) << server.text();
  const RawConnection connection(endpoints_[0]);  // it is listening: this is not refused
  EXPECT_EQ(notifications.text(), "READY=1\nSTATUS=node 1 is listening|");
  ASSERT_TRUE(server.shows("[Node 1] starting heartbeat task"));
  expect_served(1, make_image(3000, 12));  // a client with the same key in its environment
  EXPECT_EQ(server.stop(), 0);
  EXPECT_THAT(notifications.text(), ::testing::EndsWith("|STOPPING=1\nSTATUS=stopping|"));
}

TEST_F(CloudP2p, IsNotReadyWhenItCannotStart) {
  use_peers(1);
  const auto taken = backends::Socket::stream();
  ASSERT_EQ(backends::bind_socket(taken, *parse_endpoint(endpoints_[0])), 0);
  ASSERT_EQ(::listen(taken.number(), 1), 0);
  Notifications notifications(scratch_.path("notify"));
  Variables of_service = variables(1);
  of_service["NOTIFY_SOCKET"] = scratch_.path("notify");
  Program server({"cloud-p2p"}, of_service);
  EXPECT_EQ(server.wait(), 3);
  EXPECT_EQ(notifications.text(), "");
}

TEST_F(CloudP2p, InstallUnitHelpsAndRefusesInOneSentence) {
  EXPECT_EQ(Program({"install-unit"}, {}).wait(), 2);
  Program help({"install-unit", "--help"}, {});
  EXPECT_EQ(help.wait(), 0);
  EXPECT_THAT(help.text(), HasSubstr("twinbed-node install-unit --node-id 1"));
  Program missing({"install-unit", "--node-id", "1", "--program", "/usr/bin/env", "--config",
                   scratch_.path("none.json")}, {});
  EXPECT_EQ(missing.wait(), 2);
  EXPECT_THAT(missing.text(), StartsWith("twinbed-node: cannot read the configuration "));
  EXPECT_EQ(count_of(missing.text(), "\n"), 1u) << missing.text();
}

// ---- configuration files ----

TEST_F(CloudP2p, ReadsTheGuidesFileAndListensWhereBindSays) {
  use_peers(1);
  // The peers know the node by an address at which only a forwarding NAT would listen.
  const std::string port = endpoints_[0].substr(endpoints_[0].find(':') + 1);
  const std::string config = scratch_.write(
      "config.json", R"({"peers": [{"id": 1, "address": "192.0.2.1:7001"}], "shared_dir": ")" +
                         directories_[0] + "\"}");
  Program server({"cloud-p2p", "--policy", "original", "--profile", "head"},
                 {{"CONFIG_FILE", config},
                  {"SHARED_DIR", scratch_.path("not used")},
                  {"ENCRYPTION_KEY", kKey},
                  {"BIND", address_of(1) + ":" + port}});
  ASSERT_TRUE(server.shows("[Node 1] starting heartbeat task"));
  expect_served(1, make_image(5000, 7));
  EXPECT_EQ(server.stop(), 0);
}

TEST_F(CloudP2p, SaysThatTheConfigurationFileIsMissing) {
  use_peers(1);
  Variables with_file = variables(1);
  with_file["CONFIG_FILE"] = "no-such.json";
  Program server({"cloud-p2p"}, with_file);
  EXPECT_TRUE(server.shows("CONFIG_FILE names no-such.json, which does not exist; the peers are "
                           "those of PEERS"));
  EXPECT_TRUE(server.shows("listening on port"));
  EXPECT_EQ(server.stop(), 0);
}

// ---- the client's two ways of reading ----

TEST_F(CloudP2p, RunsCommandsFromAPipeOneAfterTheOther) {
  const auto server = start_single();
  const std::string image = make_image(6000, 8);
  const auto client = start_client();
  client->type("status\nhelp\n\n  send-image " + scratch_.write("photo.png", image) +
               "\nsend-image /no/such/file\ndance\nstatus\nquit\nstatus\n");
  EXPECT_EQ(client->wait(), 1);  // one of them failed
  std::string text = client->text();
  for (const char* line :
       {"[Client] Current leader: Node 1\n", "[Client] Current leader: Node 1\n",
        "[Client] commands: status | discover | send-image PATH | help | quit\n",
        "[Client] ✓ Sent image ", "[Client] ✗ Cannot read /no/such/file: not found\n",
        "[Client] unknown command 'dance'; type help for the commands\n",
        "[Client] Current leader: Node 1\n"}) {
    const std::size_t at = text.find(line);
    ASSERT_NE(at, std::string::npos) << "no " << line << "in\n" << client->text();
    text.erase(0, at + 1);
  }
  EXPECT_EQ(count_of(text, "\n"), 1u);  // nothing after quit
  EXPECT_TRUE(wait_until([&] { return images_of(1) == std::vector<std::string>{image}; }));
}

TEST_F(CloudP2p, TellsThatNoServerIsThere) {
  use_peers(1);
  const auto client = start_client();
  client->type("send-image " + scratch_.write("photo.png", make_image(100, 9)) + "\n");
  client->end_input();
  EXPECT_EQ(client->wait(), 1);
  EXPECT_THAT(client->text(), HasSubstr("[Client] No leader known: no server could be reached"));
  EXPECT_THAT(client->text(), HasSubstr("[Client] ✗ No leader known: run discover"));
}

TEST_F(CloudP2p, EditsAndCompletesAtATerminal) {
  const auto server = start_single();
  const std::string image = make_image(7000, 10);
  const std::string photo = scratch_.write("holiday photo.png", image);
  const auto client = start_client(kKey, Program::Io::kTerminal);
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 1"));

  client->type("sta\t\r");  // completed
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 1", 2)) << client->text();
  client->type("\x1b[A\r");  // the last line of the history
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 1", 3));
  client->type("dance");
  ASSERT_TRUE(client->shows("dance"));
  client->type("\x03");  // Ctrl-C: the line is gone
  ASSERT_TRUE(client->shows("^C"));
  client->type("sen\t" + scratch_.path("hol") + "\t\r");  // a command and the name of a file
  ASSERT_TRUE(client->shows("to leader (node 1) — 7000 bytes")) << client->text();
  EXPECT_TRUE(wait_until([&] { return images_of(1) == std::vector<std::string>{image}; }));
  client->type("s\t");  // several candidates are listed
  ASSERT_TRUE(client->shows("send-image \r\nstatus\r\n"));
  client->signal(SIGWINCH);
  client->signal(SIGCONT);
  client->type("tatus\r");
  ASSERT_TRUE(client->shows("[Client] Current leader: Node 1", 4)) << client->text();
  EXPECT_THAT(client->text(), Not(HasSubstr("unknown command")));
  client->type("\x04");  // Ctrl-D
  EXPECT_EQ(client->wait(), 0);
}

TEST_F(CloudP2p, PrintsAboveTheLineThatIsBeingEdited) {
  use_peers(1);
  const auto client = start_client(kKey, Program::Io::kTerminal);
  ASSERT_TRUE(client->shows("> "));
  client->type("stat");
  // The first discover ends half a second after the start, in the middle of the word.
  ASSERT_TRUE(client->shows("[Client] No leader known: no server could be reached; check that "
                            "they run, then discover\r\n"));
  ASSERT_TRUE(wait_until([&] {
    const std::string& text = client->text();
    return text.find("> stat", text.rfind("discover\r\n")) != std::string::npos;
  })) << client->text();
  client->type("us\r");
  ASSERT_TRUE(client->shows("[Client] No leader known", 2));
  EXPECT_EQ(client->stop(), 0);
}

}  // namespace
}  // namespace twinbed
