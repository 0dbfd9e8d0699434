// The native programs of cloud-p2p as processes, over loopback sockets, pipes and a terminal.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/socket/posix.h"
#include "backends/sqlite/store_reader.h"
#include "core/base/random_stream.h"
#include "scenarios/run.h"

namespace twinbed {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Variables = std::map<std::string, std::string>;

const std::string kProgram = TWINBED_BUILD_DIR "/bin/twinbed-node";
const std::string kKey(64, 'a');
const std::string kOtherKey(64, 'b');
/// Only a broken program makes a test wait this long.
constexpr std::chrono::seconds kPatience{20};

bool wait_until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(stream), {});
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

/// A directory of the test's own, removed at the end.
class Scratch {
 public:
  Scratch() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cloud-p2p-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~Scratch() { std::filesystem::remove_all(path_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path(const std::string& name = "") const { return (path_ / name).string(); }
  std::string make_directory(const std::string& name) const {
    std::filesystem::create_directories(path_ / name);
    return path(name);
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

/// An image of random bytes with the PNG signature before them.
std::string make_image(std::size_t size, std::uint64_t seed) {
  std::string image = "\x89PNG\r\n\x1a\n";
  RandomStream random(seed, "image");
  while (image.size() < size) image += static_cast<char>(random.next() & 0xff);
  return image;
}

/// An address of 127/8 that no test running beside this one uses, for a node from 1 to 250.
std::string address_of(int node) {
  const int pid = ::getpid();
  return "127." + std::to_string(100 + pid / 250 % 100) + "." + std::to_string(1 + pid % 250) +
         "." + std::to_string(node);
}

/// The node's address with a port that is free now.
std::string free_endpoint(int node) {
  const backends::Socket socket = backends::Socket::stream();
  EXPECT_EQ(backends::bind_socket(socket, {*parse_address(address_of(node)), 0}), 0);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
  return to_string(backends::from_sockaddr(address));
}

/// A process of the program with its standard input and output in the test's hands.
class Program {
 public:
  enum class Io { kPipe, kTerminal };

  Program(const std::vector<std::string>& arguments, const Variables& variables,
          Io io = Io::kPipe) {
    std::vector<std::string> words{kProgram};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<std::string> settings;
    for (const auto& [name, value] : variables) settings.push_back(name + "=" + value);
    if (io == Io::kTerminal) {
      winsize size{24, 80, 0, 0};
      pid_ = ::forkpty(&output_, nullptr, nullptr, &size);
      if (pid_ == 0) become(words, settings);
      input_ = output_;
    } else {
      int in[2];
      int out[2];
      EXPECT_EQ(::pipe2(in, O_CLOEXEC) + ::pipe2(out, O_CLOEXEC), 0);
      pid_ = ::fork();
      if (pid_ == 0) {
        ::dup2(in[0], STDIN_FILENO);
        ::dup2(out[1], STDOUT_FILENO);
        ::dup2(out[1], STDERR_FILENO);
        become(words, settings);
      }
      ::close(in[0]);
      ::close(out[1]);
      input_ = in[1];
      output_ = out[0];
    }
    ::fcntl(output_, F_SETFD, FD_CLOEXEC);
  }
  ~Program() {
    if (!status_) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    end_input();
    ::close(output_);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void type(const std::string& text) {
    ASSERT_EQ(::write(input_, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  }
  void end_input() {
    if (input_ >= 0 && input_ != output_) ::close(input_);
    input_ = -1;
  }
  void signal(int number) { ::kill(pid_, number); }

  /// All it has printed so far.
  const std::string& text() {
    pollfd ready{output_, POLLIN, 0};
    char chunk[4096];
    while (::poll(&ready, 1, 0) > 0) {
      const ssize_t got = ::read(output_, chunk, sizeof chunk);
      if (got <= 0) break;
      text_.append(chunk, static_cast<std::size_t>(got));
    }
    return text_;
  }
  /// Waits until it has printed this (`times` times); a failure shows what it did print.
  ::testing::AssertionResult shows(const std::string& part, std::size_t times = 1) {
    if (wait_until([&] { return count_of(text(), part) >= times; })) {
      return ::testing::AssertionSuccess();
    }
    return ::testing::AssertionFailure() << "no '" << part << "' in:\n" << text_;
  }
  /// Waits for the end: the exit status, or minus the number of the signal.
  int wait() {
    int status = 0;
    wait_until([&] {
      text();  // a full pipe must not stop it
      return ::waitpid(pid_, &status, WNOHANG) == pid_;
    });
    text();
    status_ = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    return *status_;
  }
  int stop() {
    signal(SIGTERM);
    return wait();
  }

 private:
  [[noreturn]] static void become(std::vector<std::string>& words,
                                  std::vector<std::string>& settings) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    std::vector<char*> arguments;
    std::vector<char*> environment;
    for (std::string& word : words) arguments.push_back(word.data());
    for (std::string& setting : settings) environment.push_back(setting.data());
    arguments.push_back(nullptr);
    environment.push_back(nullptr);
    ::execve(kProgram.c_str(), arguments.data(), environment.data());
    ::_exit(127);
  }

  pid_t pid_ = -1;
  int input_ = -1;
  int output_ = -1;
  std::string text_;
  std::optional<int> status_;
};

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
    std::vector<std::string> arguments{"cloud-p2p", "--profile", "67dc5ff"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return std::make_unique<Program>(arguments, variables(node));
  }
  std::unique_ptr<Program> start_client(const std::string& key = kKey,
                                        Program::Io io = Program::Io::kPipe) const {
    return std::make_unique<Program>(
        std::vector<std::string>{"cloud-p2p-client", "--listen", address_of(250) + ":0"},
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
  Program server({"cloud-p2p", "--zero-key", "--profile", "head"}, variables(1));
  ASSERT_TRUE(server.shows("--zero-key is given, so ENCRYPTION_KEY is not used"));
  ASSERT_TRUE(server.shows("[Node 1] starting heartbeat task"));
  const std::string image = make_image(3000, 5);
  Program client({"cloud-p2p-client", "--zero-key", "--profile", "head"},
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
      {{}, {{"NODE_ID", "7"}}, 2, "node 7 is not among the peers"},
      {{}, {{"NODE_ID", "one"}}, 2, "NODE_ID is 'one'; it must be a number"},
      {{}, {{"PEERS", "1:127.0.0.1"}}, 2, "PEERS: '1:127.0.0.1' is not a peer such as 1="},
      {{}, {{"CONFIG_FILE", broken}}, 2, broken + ":3:14: this is not JSON: syntax error"},
      {{}, {{"CONFIG_FILE", named}}, 2, named + ": peers[0].address is \"localhost:7001\""},
      {{}, {{"CONFIG_FILE", scratch_.path()}}, 2, "which is a directory; name a JSON file"},
      {{}, {{"ENCRYPTION_KEY", ""}}, 2, "ENCRYPTION_KEY is not set; make a key with `openssl"},
      {{}, {{"ENCRYPTION_KEY", "abc"}}, 2, "must be 64 hexadecimal digits"},
      {{}, {{"ENCRYPTION_KEY", std::string(64, '0')}}, 2, "the encryption key is all zeros"},
      {{"--profile", "newest"}, {}, 2, "there is no profile 'newest'"},
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

TEST_F(CloudP2p, ReadsTheGuidesFileAndListensWhereBindSays) {
  use_peers(1);
  // The peers know the node by an address at which only a forwarding NAT would listen.
  const std::string port = endpoints_[0].substr(endpoints_[0].find(':') + 1);
  const std::string config = scratch_.write(
      "config.json", R"({"peers": [{"id": 1, "address": "192.0.2.1:7001"}], "shared_dir": ")" +
                         directories_[0] + "\"}");
  Program server({"cloud-p2p", "--profile", "head"}, {{"CONFIG_FILE", config},
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
