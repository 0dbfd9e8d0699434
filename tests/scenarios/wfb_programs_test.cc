// The native programs of WFB-NG as processes, over loopback sockets and over virtual radios in a
// network namespace of the test's own, against the recordings of the originals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <optional>
#include <regex>
#include <sstream>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/protocols/wfb/keys.h"
#include "tests/support/native_programs.h"
#include "tests/support/own_network.h"
#include "tests/support/virtual_air.h"
#include "tests/support/wfb_vectors.h"

namespace twinbed {
namespace {

using namespace testing;
using ::testing::ContainsRegex;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

using Words = std::vector<std::string>;

/// A socket of the test for datagrams, at a free port of 127.0.0.1 or at an abstract name.
class Datagrams {
 public:
  Datagrams() : socket_(backends::Socket::datagram()) {
    EXPECT_EQ(backends::bind_socket(socket_, {kLoopback, 0}), 0);
  }
  explicit Datagrams(const std::string& name) : socket_(backends::Socket::local_datagram()) {
    const auto local = backends::to_abstract_address(name);
    EXPECT_EQ(::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&local.address),
                     local.size), 0);
  }

  std::uint16_t port() const { return backends::local_endpoint(socket_).port; }
  std::string port_text() const { return std::to_string(port()); }
  void send(std::uint16_t port, const std::string& payload) {
    const sockaddr_in to = backends::to_sockaddr({kLoopback, port});
    EXPECT_EQ(::sendto(socket_.number(), payload.data(), payload.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to), sizeof to),
              static_cast<ssize_t>(payload.size()));
  }
  void send(const std::string& name, const std::string& payload) {
    const auto to = backends::to_abstract_address(name);
    EXPECT_EQ(::sendto(socket_.number(), payload.data(), payload.size(), 0,
                       reinterpret_cast<const sockaddr*>(&to.address), to.size),
              static_cast<ssize_t>(payload.size()));
  }
  /// What has come, once there are so many; fewer if the rest does not come.
  Words receive(std::size_t count) {
    Words payloads;
    std::string payload(70'000, '\0');
    wait_until([&] {
      for (;;) {
        const ssize_t got = ::recv(socket_.number(), payload.data(), payload.size(), 0);
        if (got < 0) return payloads.size() >= count;
        payloads.push_back(payload.substr(0, static_cast<std::size_t>(got)));
      }
    });
    return payloads;
  }

 private:
  backends::Socket socket_;
};

Words numbered(const std::string& word, int count) {
  Words words;
  for (int i = 0; i < count; ++i) words.push_back(word + std::to_string(i));
  return words;
}

std::string hex_of(const std::string& bytes) { return to_hex(as_bytes(bytes)); }

class WfbPrograms : public ::testing::Test {
 protected:
  WfbPrograms() {
    const wfb::LinkKeys keys = wfb_link_keys();
    drone_ = scratch_.write("drone.key", std::string(as_text(keys.drone.write())));
    ground_ = scratch_.write("gs.key", std::string(as_text(keys.ground.write())));
  }

  static std::unique_ptr<Program> start(const Words& words) {
    return std::make_unique<Program>(words, Variables{});
  }
  /// What a program says that ends with this status.
  static std::string fails(const Words& words, int status) {
    const auto program = start(words);
    EXPECT_EQ(program->wait(), status) << program->text();
    return program->text();
  }
  /// Starts a transmitter with free ports, which it announces.
  std::unique_ptr<Program> start_tx(Words more) {
    Words words{"wfb-tx", "-K", drone_, "-u", "0", "-i", "7669206", "-l", "100"};
    words.insert(words.end(), more.begin(), more.end());
    auto program = start(words);
    EXPECT_TRUE(program->shows("\tLISTEN_UDP_CONTROL\t"));
    EXPECT_TRUE(program->shows("\tPKT\t")) << "it is ready with its first report";
    return program;
  }
  /// The port that stands behind this word in the program's output, and the card behind that.
  static std::uint16_t port_of(Program& program, const std::string& word, std::size_t index = 0) {
    const std::regex line("\\d+\t" + word + "\t(\\d+)");
    const std::string text = program.text();
    std::sregex_iterator at(text.begin(), text.end(), line);
    std::advance(at, static_cast<std::ptrdiff_t>(index));
    return static_cast<std::uint16_t>(std::stoi((*at)[1]));
  }
  static std::uint16_t input_of(Program& program, std::size_t index = 0) {
    return port_of(program, "LISTEN_UDP", index);
  }
  /// The sum of a field of the lines PKT.
  static std::int64_t sum_of(Program& program, std::size_t field) {
    std::int64_t sum = 0;
    const std::regex line("\tPKT\t([0-9:]+)\n");
    const std::string text = program.text();
    for (std::sregex_iterator at(text.begin(), text.end(), line), end; at != end; ++at) {
      std::istringstream fields((*at)[1]);
      std::string value;
      for (std::size_t i = 0; i <= field; ++i) std::getline(fields, value, ':');
      sum += std::stoll(value);
    }
    return sum;
  }

  Scratch scratch_;
  std::string drone_;
  std::string ground_;
  Datagrams socket_;
};

// ---- keys ----

class WfbKeygen : public ::testing::Test {
 protected:
  WfbKeygen() { std::filesystem::current_path(scratch_.path()); }
  ~WfbKeygen() override { std::filesystem::current_path(before_); }

  static int make(const Words& more, std::string* output = nullptr) {
    Words words{"wfb-keygen"};
    words.insert(words.end(), more.begin(), more.end());
    Program program(words, Variables{});
    const int status = program.wait();
    if (output != nullptr) *output = program.text();
    return status;
  }
  static Words keys() { return {hex_of(read_file("gs.key")), hex_of(read_file("drone.key"))}; }

  std::filesystem::path before_ = std::filesystem::current_path();
  Scratch scratch_;
};

TEST_F(WfbKeygen, MakesTheOriginalsKeysOfAPassword) {
  const auto expected = wfb_vectors("vectors.json")["keys"];
  ASSERT_EQ(make({expected["password"].get<std::string>()}), 0);
  EXPECT_THAT(keys(), ElementsAre(expected["gs.key"].get<std::string>(),
                                  expected["drone.key"].get<std::string>()));
  for (const char* name : {"gs.key", "drone.key"}) {
    struct stat found {};
    ASSERT_EQ(::stat(name, &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600U) << name;
  }
  EXPECT_EQ(make({"secret password"}), 0) << "they are the same again";
}

TEST_F(WfbKeygen, ReplacesOtherKeysOnlyWhenAskedTo) {
  ASSERT_EQ(make({}), 0);
  const Words first = keys();
  std::string output;
  EXPECT_EQ(make({}, &output), 3);
  EXPECT_THAT(output, HasSubstr("gs.key holds another key, whose link would be lost; move it "
                                "away, or replace it with --force"));
  EXPECT_EQ(keys(), first);
  ASSERT_EQ(make({"--force"}), 0);
  EXPECT_NE(keys(), first);
}

// ---- without a radio ----

TEST_F(WfbPrograms, PayloadsPassFromADebugTransmitterToAnAggregator) {
  Datagrams client;
  const std::string aggregator = std::to_string(Datagrams().port());
  const auto rx = start({"wfb-rx", "-a", aggregator, "-K", ground_, "-i7669206", "-p", "1", "-p",
                         "5", "-u", client.port_text(), "-l", "100"});
  ASSERT_TRUE(rx->shows("\tPKT\t0:0:0:0:0:0:0:0:0:0:0\n")) << "the first line is at the start";
  const auto tx = start_tx({"-D", aggregator, "-k", "3", "-n5", "-p", "5", "any"});
  EXPECT_THAT(tx->text(), ContainsRegex("[0-9]+\tLISTEN_UDP\t[0-9]+:0\n[0-9]+\tLISTEN_UDP_END\n"));
  const Words payloads{"A", "hello world", std::string(3993, 'x'), "", "fifth", "sixth"};
  for (const std::string& payload : payloads) socket_.send(input_of(*tx), payload);
  EXPECT_THAT(client.receive(payloads.size()), ElementsAreArray(payloads));
  EXPECT_TRUE(rx->shows("\tSESSION\t0:1:3:5\n"));
  EXPECT_TRUE(wait_until([&] { return sum_of(*rx, 4) == 10; })) << rx->text();
  EXPECT_EQ(sum_of(*rx, 0), 11) << "two blocks of 5 and a session";
  EXPECT_EQ(sum_of(*rx, 9), 6);
  // -42 dBm over noise of -70 dBm, from 127.0.0.1.
  EXPECT_TRUE(rx->shows("\tRX_ANT\t4321:1:20\t7f00000100000000\t"));
  EXPECT_THAT(rx->text(), HasSubstr(":-42:-42:-42:28:28:28\n"));
  EXPECT_TRUE(wait_until([&] { return sum_of(*tx, 1) == 6; })) << tx->text();
  EXPECT_EQ(sum_of(*tx, 3), 0) << "without a radio nothing is injected";
  EXPECT_THAT(tx->text(), Not(HasSubstr("TX_ANT")));
  EXPECT_EQ(tx->stop(), 0);
  EXPECT_EQ(rx->stop(), 0);
}

TEST_F(WfbPrograms, LinesBearTheMonotonicClock) {
  const std::int64_t before = backends::monotonic_now_ns() / 1'000'000;
  const auto rx = start({"wfb-rx", "-a", std::to_string(Datagrams().port()), "-K", ground_});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  const std::int64_t after = backends::monotonic_now_ns() / 1'000'000;
  const std::int64_t shown = std::stoll(rx->text());
  EXPECT_GE(shown, before);
  EXPECT_LE(shown, after);
}

TEST_F(WfbPrograms, ControlRequestsAreAnsweredAsTheOriginalDoes) {
  const auto exchanges = wfb_vectors("vectors.json")["control"]["exchanges"];
  const auto tx = start_tx({"-D", socket_.port_text(), "-k", "4", "-n", "6", "any"});
  const std::uint16_t port = port_of(*tx, "LISTEN_UDP_CONTROL");
  for (const char* name : {"get_fec", "get_radio", "set_radio", "get_radio2", "set_fec",
                           "get_fec2", "set_fec_bad", "unknown", "set_fec_short"}) {
    Datagrams asker;
    const Buffer request = bytes_of(exchanges[name]["req"]);
    asker.send(port, std::string(as_text(request)));
    const Words replies = asker.receive(1);
    ASSERT_EQ(replies.size(), 1U) << name;
    EXPECT_EQ(hex_of(replies[0]), exchanges[name]["resp"].get<std::string>()) << name;
  }
}

TEST_F(WfbPrograms, CommandsShowAndChangeTheSettings) {
  const auto tx = start_tx({"-d", "-k", "4", "-n", "6", "-M3", "127.0.0.1:" +
                            socket_.port_text()});
  const std::string port = std::to_string(port_of(*tx, "LISTEN_UDP_CONTROL"));
  const auto ask = [&](Words words, int status = 0) {
    words.insert(words.begin(), {"wfb-cmd", port});
    const auto cmd = start(words);
    EXPECT_EQ(cmd->wait(), status) << cmd->text();
    return cmd->text();
  };
  EXPECT_EQ(ask({"get_fec"}), "k=4\nn=6\n");
  EXPECT_EQ(ask({"set_fec", "-k", "1", "-n", "2"}), "");
  EXPECT_EQ(ask({"get_fec"}), "k=1\nn=2\n");
  EXPECT_EQ(ask({"get_radio"}),
            "stbc=0\nldpc=0\nshort_gi=0\nbandwidth=20\nmcs_index=3\nvht_mode=0\nvht_nss=1\n");
  EXPECT_EQ(ask({"set_radio", "-B", "80", "-G", "short", "-S1", "-L1", "-M", "5", "-N", "2"}), "");
  EXPECT_EQ(ask({"get_radio"}),
            "stbc=1\nldpc=1\nshort_gi=1\nbandwidth=80\nmcs_index=5\nvht_mode=0\nvht_nss=2\n");
  EXPECT_THAT(ask({"set_fec", "-k", "5", "-n", "2"}, 3),
              HasSubstr("the transmitter refuses: Invalid argument"));
  EXPECT_EQ(tx->stop(), 0);
  EXPECT_THAT(ask({"get_fec"}, 3), HasSubstr("no transmitter answers at 127.0.0.1:"));
}

TEST_F(WfbPrograms, RequestsToInjectorsBearTheOriginalsHeaders) {
  const auto recorded = wfb_vectors("vectors.json")["distributor"];
  for (const auto& [options, datagrams] : recorded.items()) {
    Datagrams injector;
    std::istringstream stream(options);
    Words words{"-d", "-k1", "-n2", "-p32"};
    for (std::string word; stream >> word;) words.push_back(word);
    words.push_back("127.0.0.1:" + injector.port_text());
    const auto tx = start_tx(words);
    EXPECT_THAT(tx->text(), ContainsRegex("\tLISTEN_UDP\t[0-9]+:7f000001000000\n"));
    socket_.send(input_of(*tx), "payload");
    const Words sent = injector.receive(3);
    ASSERT_EQ(sent.size(), 3U) << options;
    for (std::size_t i = 0; i < 3; ++i) {
      const std::string expected = datagrams[i];
      EXPECT_EQ(sent[i].size() * 2, expected.size()) << options;
      // What follows is sealed with random keys: mark, radiotap, 802.11 header, type, nonce.
      const std::size_t headers = sent[i][6] == 13 ? 4 + 13 + 24 : 4 + 22 + 24;
      const std::size_t known = headers + (i == 0 ? 1 : 9);
      EXPECT_EQ(hex_of(sent[i]).substr(0, 2 * known), expected.substr(0, 2 * known)) << options;
    }
    EXPECT_TRUE(tx->shows("\tTX_ANT\t7f000001000000ff\t3:0:")) << options;
    EXPECT_EQ(sum_of(*tx, 3), 3);
    EXPECT_EQ(sum_of(*tx, 4), 88 + 2 * (9 + 3 + 7 + 16)) << "bytes behind the 802.11 headers";
  }
}

TEST_F(WfbPrograms, WhatFindsTheInputBufferFullHasComeInToo) {
  constexpr int kSent = 200;
  const auto tx = start_tx({"-D", socket_.port_text(), "-k1", "-n1", "-R", "4000", "any"});
  const std::uint16_t input = input_of(*tx);
  tx->signal(SIGSTOP);
  for (int i = 0; i < kSent; ++i) socket_.send(input, std::string(1000, 'x'));
  tx->signal(SIGCONT);
  // The kernel tells what was dropped with the next datagram that it does not drop.
  ASSERT_TRUE(wait_until([&] { return sum_of(*tx, 1) > 0; }));
  socket_.send(input, "last");
  EXPECT_TRUE(wait_until([&] { return sum_of(*tx, 1) == kSent + 1; })) << tx->text();
  EXPECT_LT(sum_of(*tx, 2), 1000 * kSent) << "the bytes of those are not known";
}

TEST_F(WfbPrograms, LocalSocketsAreInputsAndOutput) {
  const std::string name = "twinbed-wfb-" + std::to_string(::getpid());
  Datagrams client(name + "-rx");
  const std::string aggregator = std::to_string(Datagrams().port());
  const auto rx = start({"wfb-rx", "-a", aggregator, "-K", ground_, "-U", name + "-rx"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  const auto tx = start({"wfb-tx", "-K", drone_, "-D", aggregator, "-k1", "-n1", "-U", name,
                         "any", "other"});
  ASSERT_TRUE(tx->shows("\tLISTEN_UNIX\t" + name + ":0\n"));
  ASSERT_TRUE(tx->shows("\tLISTEN_UNIX\t" + name + "-1:1\n"));
  ASSERT_TRUE(tx->shows("\tLISTEN_UNIX_END\n"));
  ASSERT_TRUE(tx->shows("\tPKT\t"));
  for (const std::string& payload : numbered("payload ", 3)) client.send(name, payload);
  EXPECT_THAT(client.receive(3), ElementsAreArray(numbered("payload ", 3)));
}

// ---- over virtual radios ----

class WfbRadio : public WfbPrograms {
 protected:
  void SetUp() override {
    if (!network_.is_there()) GTEST_SKIP() << "network namespaces take root";
  }
  OwnNetwork network_;
  Datagrams inside_;  // this network's own
};

TEST_F(WfbRadio, LostFramesAreRecoveredFromCardToCard) {
  // Of each block of 4/6, and the session before the first one, two frames are lost.
  VirtualAir air({"drone0", "ground0"},
                 [](std::size_t, int number) { return number % 6 != 2 && number % 6 != 4; });
  Datagrams client;
  const auto rx = start({"wfb-rx", "-K", ground_, "-i", "7669206", "-u", client.port_text(), "-l",
                         "100", "ground0"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  const auto tx = start_tx({"-k4", "-n", "6", "-M", "1", "-C", "0", "drone0"});
  const Words payloads = numbered("frame ", 40);
  for (const std::string& payload : payloads) {
    inside_.send(input_of(*tx), payload);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  EXPECT_THAT(client.receive(40), ElementsAreArray(payloads));
  EXPECT_TRUE(rx->shows("\tSESSION\t0:1:4:6\n"));
  EXPECT_TRUE(wait_until([&] { return sum_of(*rx, 9) == 40; })) << rx->text();
  EXPECT_GT(sum_of(*rx, 6), 0) << "some were computed";
  EXPECT_EQ(sum_of(*rx, 2), 0);
  EXPECT_EQ(sum_of(*rx, 7), 0);
  EXPECT_THAT(rx->text(), ContainsRegex("\tRX_ANT\t5825:1:20\t0\t[0-9]+:-41:-41:-41:54:54:54\n"));
  EXPECT_TRUE(wait_until([&] { return sum_of(*tx, 3) == 61; })) << tx->text();
  EXPECT_EQ(sum_of(*tx, 5), 0);
  EXPECT_THAT(tx->text(), ContainsRegex("\tTX_ANT\tff\t[0-9]+:0:[0-9]+:[0-9]+:[0-9]+\n"));
  EXPECT_EQ(rx->stop(), 0);
  EXPECT_EQ(tx->stop(), 0);
}

TEST_F(WfbRadio, AClusterOfRealProcessesCarriesAStream) {
  VirtualAir air({"down0", "up0", "up1"});
  Datagrams client;
  const std::string aggregator = std::to_string(Datagrams().port());
  const auto rx = start({"wfb-rx", "-a", aggregator, "-K", ground_, "-i", "7669206", "-u",
                         client.port_text(), "-l", "100"});
  const auto forwarder = start({"wfb-rx", "-f", "-c", "127.0.0.1", "-u", aggregator, "-i",
                                "7669206", "up0", "up1"});
  const auto injector = start({"wfb-tx", "-I", "0", "-QJ3", "down0"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  ASSERT_TRUE(injector->shows("\tLISTEN_UDP_END\n"));
  const auto tx = start_tx({"-d", "-Q", "-P", "30", "-k", "2", "-n", "3", "-M2", "-B40",
                            "127.0.0.1:" + std::to_string(input_of(*injector))});
  // The forwarder has no line to wait for, and may have missed the first session; the next one
  // goes before a payload a second later.
  const std::uint16_t input = input_of(*tx);
  ASSERT_TRUE(wait_until([&] {
    inside_.send(input, "is it there?");
    return count_of(rx->text(), "\tSESSION\t") > 0;
  }));
  const Words payloads = numbered("frame ", 20);
  for (const std::string& payload : payloads) inside_.send(input, payload);
  Words received;
  wait_until([&] {
    for (const std::string& payload : client.receive(0)) {
      if (payload != "is it there?") received.push_back(payload);
    }
    return received.size() >= payloads.size();
  });
  EXPECT_EQ(received, payloads);
  // Both cards heard it: one by the packets, the other one by the batch of duplicates.
  EXPECT_TRUE(rx->shows("\tRX_ANT\t5825:2:40\t7f00000100000000\t"));
  EXPECT_TRUE(rx->shows("\tRX_ANT\t5825:2:40\t7f00000100000100\t"));
  EXPECT_EQ(sum_of(*rx, 8), 0);
  EXPECT_TRUE(tx->shows("\tTX_ANT\t7f000001000000ff\t"));
  for (const auto& each : {&rx, &forwarder, &injector, &tx}) EXPECT_EQ((*each)->stop(), 0);
}

TEST_F(WfbRadio, TheInputChoosesTheCardAndAMirrorTakesAll) {
  VirtualAir air({"tx0", "tx1", "rx0"}, [](std::size_t from, int) { return from != 0; });
  Datagrams client;
  const auto rx = start({"wfb-rx", "-K", ground_, "-i", "7669206", "-u", client.port_text(),
                         "rx0"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  const auto tx = start_tx({"-k1", "-n1", "tx0", "tx1"});
  inside_.send(input_of(*tx, 0), "unheard");
  ASSERT_TRUE(tx->shows("\tTX_ANT\tff\t2:0:"));
  inside_.send(input_of(*tx, 1), "heard");
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // until a session is due again
  inside_.send(input_of(*tx, 1), "and opened");
  EXPECT_THAT(client.receive(1), ElementsAre("and opened"));
  EXPECT_EQ(tx->stop(), 0);
  const auto mirror = start_tx({"-mk1", "-n1", "tx0", "tx1"});
  inside_.send(input_of(*mirror, 0), "on both");
  EXPECT_THAT(client.receive(1), ElementsAre("on both"));
  EXPECT_TRUE(wait_until([&] { return sum_of(*mirror, 3) == 4; })) << mirror->text();
}

TEST_F(WfbRadio, PayloadsThatAreLostAreTold) {
  // Frame 0 is the session, and frame 3 the third payload.
  VirtualAir air({"drone0", "ground0"}, [](std::size_t, int number) { return number != 3; });
  Datagrams client;
  const auto rx = start({"wfb-rx", "-K", ground_, "-i", "7669206", "-u", client.port_text(), "-l",
                         "100", "ground0"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  const auto tx = start_tx({"-k1", "-n1", "drone0"});
  for (const std::string& payload : numbered("frame ", 4)) inside_.send(input_of(*tx), payload);
  EXPECT_THAT(client.receive(3), ElementsAre("frame 0", "frame 1", "frame 3"));
  EXPECT_TRUE(rx->shows("1 packets lost\n"));
  EXPECT_EQ(sum_of(*rx, 7), 1);
}

TEST_F(WfbRadio, AProgramEndsWhenItsCardGoes) {
  std::optional<backends::VirtualRadio> heard = *backends::VirtualRadio::create("heard0");
  std::optional<backends::VirtualRadio> sent = *backends::VirtualRadio::create("sent0");
  const auto rx = start({"wfb-rx", "-K", ground_, "heard0"});
  const auto tx = start_tx({"sent0"});
  ASSERT_TRUE(rx->shows("\tPKT\t"));
  heard.reset();
  EXPECT_EQ(rx->wait(), 3);
  EXPECT_THAT(rx->text(), HasSubstr("twinbed-node: the interface heard0 has gone: "));
  const std::uint16_t input = input_of(*tx);
  sent.reset();
  inside_.send(input, "x");
  EXPECT_EQ(tx->wait(), 3);
  EXPECT_THAT(tx->text(), HasSubstr("twinbed-node: frames cannot be sent on the interface sent0"));
}

TEST_F(WfbRadio, AFullCardShowsInTheLines) {
  auto card = backends::VirtualRadio::create("tx0", 1);  // nobody reads it
  ASSERT_TRUE(card) << card.error();
  const auto tx = start_tx({"-k1", "-n1", "tx0"});
  for (int i = 0; i < 3; ++i) inside_.send(input_of(*tx), "payload");
  EXPECT_TRUE(wait_until([&] { return sum_of(*tx, 5) == 3; })) << tx->text();
  EXPECT_EQ(sum_of(*tx, 3), 1);
  EXPECT_EQ(sum_of(*tx, 1), 3);
}

TEST_F(WfbRadio, ThePrivilegeThatIsMissingIsNamed) {
  auto card = backends::VirtualRadio::create("card0");
  ASSERT_TRUE(card) << card.error();
  // A root of which exec leaves no capability.
  const auto run_without = [&](const std::string& words) {
    const std::string output = scratch_.path("output");
    const std::string command =
        "setpriv --bounding-set=-all " + kProgram + " " + words + " > " + output + " 2>&1";
    EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 3) << read_file(output);
    return read_file(output);
  };
  EXPECT_THAT(run_without("wfb-rx -K " + ground_ + " card0"),
              HasSubstr("packets on the interface card0 cannot be captured without the privilege "
                        "CAP_NET_RAW; run as root (sudo)"));
  EXPECT_THAT(run_without("wfb-tx -K " + drone_ + " card0"),
              HasSubstr("frames cannot be sent on the interface card0 without the privilege "
                        "CAP_NET_RAW; run as root (sudo)"));
}

// ---- mistakes ----

TEST_F(WfbPrograms, MistakesAreSentences) {
  EXPECT_THAT(fails({"wfb-rx"}, 2), HasSubstr("name the interfaces to hear, such as wlan0"));
  EXPECT_THAT(fails({"wfb-rx", "-a", "5000", "wlan0"}, 2), HasSubstr("leave out wlan0"));
  EXPECT_THAT(fails({"wfb-rx", "-K", "nosuch.key", "-a", "5000"}, 3),
              HasSubstr("the key file nosuch.key cannot be read; make a pair of them with"));
  EXPECT_THAT(fails({"wfb-rx", "-K", scratch_.write("short.key", "x"), "-a", "5000"}, 3),
              HasSubstr("short.key: a key file has 64 bytes, not 1; make a pair"));
  EXPECT_THAT(fails({"wfb-rx", "-c", "localhost", "-a", "5000"}, 2), HasSubstr("-c: "));
  EXPECT_THAT(fails({"wfb-rx", "-p", "256", "-a", "5000"}, 2), HasSubstr("-p"));
  EXPECT_THAT(fails({"wfb-rx", "-K", ground_, "nosuch0"}, 3),
              HasSubstr("there is no interface nosuch0; ip link lists those there are"));
  EXPECT_THAT(fails({"wfb-tx", "-K", drone_, "lo"}, 3),
              HasSubstr("the interface lo is not in monitor mode; ip link set lo down"));
  EXPECT_THAT(fails({"wfb-tx", "-d", "host:1"}, 3), HasSubstr("host:1: "));
  EXPECT_THAT(fails({"wfb-tx", "-d", "127.0.0.1:1", "127.0.0.1:2"}, 3),
              HasSubstr("this address is there already; write all its ports behind one"));
  EXPECT_THAT(fails({"wfb-tx", "-d", "127.0.0.1:1,x"}, 3), HasSubstr("'x' is no port"));
  EXPECT_THAT(fails({"wfb-tx", "-k", "5", "-n", "4", "wlan0"}, 2),
              HasSubstr("of n fragments k hold data, so k is from 1 to n"));
  EXPECT_THAT(fails({"wfb-tx", "-B", "30", "wlan0"}, 2), HasSubstr("the bandwidth is 10, 20"));
  EXPECT_THAT(fails({"wfb-tx", "-G", "none", "wlan0"}, 2), HasSubstr("-G"));
  EXPECT_THAT(fails({"wfb-tx", "-d", "-I", "1", "a"}, 2), HasSubstr("of -d, -I and -D only one"));
  EXPECT_THAT(fails({"wfb-tx", "-K", drone_, "-D", "1", "-u", socket_.port_text(), "any"}, 3),
              HasSubstr("cannot listen at 0.0.0.0:" + socket_.port_text()));
}

TEST_F(WfbPrograms, MistakesOfDigestsAreSentences) {
  const auto with_digest = [](const std::string& digest, const Words& more) {
    Words words{"wfb-rx", "--init-digest", digest};
    words.insert(words.end(), more.begin(), more.end());
    return fails(words, 2);
  };
  for (const std::string& digest : {std::string("abc"), std::string(64, 'g'),
                                    std::string(66, 'a')}) {
    EXPECT_THAT(with_digest(digest, {"-f", "wlan0"}), HasSubstr("has 64 hexadecimal digits"));
  }
  EXPECT_THAT(with_digest(std::string(64, 'a'), {"wlan0"}), HasSubstr("is of a forwarder (-f)"));
}

TEST_F(WfbPrograms, MistakesOfAServerAreSentences) {
  const std::string nodes =
      "[path]\nconf_dir = '" + scratch_.path() + "'\n[cluster]\nserver_address = '127.0.0.1'\n"
      "nodes = {'127.0.0.2': {'wlans': ['wlan0']}}\n";
  const auto server_fails = [&](const std::string& more, int status, const Words& options) {
    Words words{"wfb-server", "--config", scratch_.write("cluster.cfg", nodes + more)};
    words.insert(words.end(), options.begin(), options.end());
    return fails(words, status);
  };
  const Words manual{"--cluster", "manual"};
  EXPECT_THAT(server_fails("", 2, {}), HasSubstr("say whose cards are used: those of nodes by"));
  EXPECT_THAT(server_fails("", 2, {"--cluster", "auto"}), HasSubstr("--cluster"));
  EXPECT_THAT(server_fails("", 2, {"--cluster", "ssh", "--wlans", "wlan0"}),
              HasSubstr("--cluster excludes --wlans"));
  EXPECT_THAT(server_fails("", 2, {"--cluster", "ssh", "--profiles", "gs", "gs"}),
              HasSubstr("each of the --profiles can run once"));
  EXPECT_THAT(server_fails("", 2, {"--wlans", "wlan0", "--profiles", "dron"}),
              HasSubstr("there is no profile 'dron', did you mean 'drone'?"));
  EXPECT_THAT(server_fails("", 2, {"--gen-init", "127.0.0.3"}),
              HasSubstr("there is no node '127.0.0.3' in the cluster"));
  EXPECT_THAT(server_fails("[gs_video]\nfec_k = 13\n", 2, manual),
              HasSubstr("cluster.cfg:7:9: fec_k 13 is more than fec_n 12"));
  EXPECT_THAT(server_fails("[gs_video]\nkeypair = 'no.key'\n", 3, manual),
              HasSubstr("no.key cannot be read; make a pair of them with"));
  EXPECT_THAT(server_fails("[gs_mavlink]\npeer = 'serial:ttyNONE:115200'\n", 3, manual),
              HasSubstr("stream 'mavlink': there is no serial device /dev/ttyNONE; plug it in"));
  EXPECT_THAT(server_fails("[gs_mavlink]\npeer = 'serial:null:115200'\n", 3, manual),
              HasSubstr("/dev/null is no serial device"));
  EXPECT_THAT(server_fails("[gs_mavlink]\npeer = 'serial:ttyS0:0'\n", 2, manual),
              HasSubstr("cluster.cfg:7:8: peer 'serial:ttyS0:0' is no peer"));
  EXPECT_THAT(server_fails("[gs_mavlink]\nosd = 'listen://127.0.0.1:1'\n", 2, manual),
              HasSubstr("cluster.cfg:7:7: osd must be connect://ADDRESS:PORT"));
  EXPECT_THAT(server_fails("[gs_tunnel]\nifaddr = '10.5.0.1/33'\n", 3, manual),
              HasSubstr("stream 'tunnel': ifaddr '10.5.0.1/33' is no address with a prefix"));
  EXPECT_THAT(server_fails("[gs_mavlink]\nmavlink_tcp_port = 0\n", 2, manual),
              HasSubstr("cluster.cfg:7:20: "));
  EXPECT_THAT(server_fails("[gs_mavlink]\npeer = 'listen://127.0.0.1:" + socket_.port_text() +
                               "'\n", 3, manual),
              HasSubstr("cannot listen at 127.0.0.1:" + socket_.port_text()));
}

TEST_F(WfbPrograms, TheOriginalsNamesAreTheSamePrograms) {
  const std::string link = scratch_.path("wfb_rx");
  std::filesystem::create_symlink(kProgram, link);
  const std::string output = scratch_.path("output");
  EXPECT_EQ(WEXITSTATUS(std::system((link + " -a 5000 wlan0 > " + output + " 2>&1").c_str())), 2);
  EXPECT_THAT(read_file(output), HasSubstr("an aggregator (-a) hears forwarders"));
}

}  // namespace
}  // namespace twinbed
