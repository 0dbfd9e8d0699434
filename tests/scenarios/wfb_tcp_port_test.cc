// The TCP ports of a central node, with real connections.
#include "scenarios/node/wfb_tcp_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <sstream>

#include "backends/event_loop.h"
#include "tests/support/own_network.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 8003;
constexpr std::uint16_t kOtherPort = 5760;

/// A client at this machine's loopback interface.
class Client {
 public:
  explicit Client(int receive_buffer_bytes = 0, std::uint16_t port = kPort)
      : socket_(backends::Socket::stream()) {
    if (receive_buffer_bytes > 0) {
      backends::set_option(socket_, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    }
    const sockaddr_in to = backends::to_sockaddr({kLoopback, port});
    ::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }

  /// All that has come so far.
  const std::string& read() {
    std::string room(65'536, '\0');
    for (;;) {
      const ssize_t got = ::recv(socket_.number(), room.data(), room.size(), 0);
      if (got == 0) is_closed_ = true;
      if (got < 0 && errno == ECONNRESET) is_closed_ = true;
      if (got <= 0) return text_;
      text_.append(room, 0, static_cast<std::size_t>(got));
    }
  }
  bool is_closed() {
    read();
    return is_closed_;
  }
  void send(const std::string& text) {
    EXPECT_EQ(::send(socket_.number(), text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
  }

 private:
  backends::Socket socket_;
  std::string text_;
  bool is_closed_ = false;
};

class WfbTcpPortTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!network_.is_there()) GTEST_SKIP() << "a network namespace needs root";
    const auto listens = port_.listen(kPort);
    ASSERT_TRUE(listens) << listens.error();
  }
  /// The clients are no part of the loop, and are looked at time and again.
  bool wait_until(const std::function<bool()>& is_true) {
    for (int i = 0; i < 1000; ++i) {
      if (loop_.run_until(is_true, 10ms)) return true;
    }
    return false;
  }

  testing::OwnNetwork network_;
  backends::EventLoop loop_;
  WfbTcpPort port_{loop_, {.greeting = "hello\n"}};
};

TEST_F(WfbTcpPortTest, GreetsEachAndTellsAll) {
  Client first;
  ASSERT_TRUE(wait_until([&] { return first.read() == "hello\n"; }));
  port_.tell("one\n");
  Client second;
  ASSERT_TRUE(wait_until([&] { return second.read() == "hello\n"; }));
  second.send("what is this?");
  port_.tell("two\n");
  EXPECT_TRUE(wait_until([&] { return first.read() == "hello\none\ntwo\n"; }));
  EXPECT_TRUE(wait_until([&] { return second.read() == "hello\ntwo\n"; }));
}

TEST_F(WfbTcpPortTest, WhoDoesNotReadIsLeftBehindAndHoldsNobodyUp) {
  Client sleeper(4096);
  Client reader;
  ASSERT_TRUE(wait_until([&] { return reader.read() == "hello\n"; }));
  const std::string message = std::string(64 * 1024 - 1, 'x') + "\n";
  std::size_t told = 0;
  // More than the kernel holds for a connection and this port beyond that.
  for (int i = 0; i < 200; ++i) {
    port_.tell(message);
    told += message.size();
    ASSERT_TRUE(wait_until([&] { return reader.read().size() == 6 + told; })) << i;
  }
  ASSERT_TRUE(wait_until([&] { return sleeper.is_closed(); }));
  EXPECT_THAT(sleeper.read(), StartsWith("hello\n"));
  EXPECT_LT(sleeper.read().size(), told);
  EXPECT_FALSE(reader.is_closed());
}

TEST_F(WfbTcpPortTest, WhoReadsLateMissesWholeMessagesWhereThatIsWished) {
  WfbTcpPort port(loop_, {.most_pending = 64 * 1024, .skips_messages = true});
  ASSERT_TRUE(port.listen(kOtherPort));
  Client sleeper(4096, kOtherPort);
  Client reader(0, kOtherPort);
  // Whoever came first has been accepted once the second one hears something.
  const auto message = [](int number) { return std::string(4000, 'a') + std::to_string(number); };
  int told = 0;
  ASSERT_TRUE(wait_until([&] {
    port.tell(message(told++) + "\n");
    return !reader.read().empty();
  }));
  const int first = told;
  for (; told < first + 4000; ++told) {
    port.tell(message(told) + "\n");
    const std::string last = message(told) + "\n";
    ASSERT_TRUE(wait_until([&] { return reader.read().ends_with(last); })) << told;
  }
  EXPECT_FALSE(reader.is_closed());
  ASSERT_TRUE(wait_until([&] {
    port.tell(message(told) + "\n");
    return sleeper.read().ends_with(message(told) + "\n");
  })) << "it reads again, and is told again";
  std::istringstream lines(sleeper.read());
  int before = -1;
  int missed = 0;
  for (std::string line; std::getline(lines, line);) {
    ASSERT_GT(line.size(), 4000u) << "a message that is not whole";
    const int number = std::stoi(line.substr(4000));
    EXPECT_EQ(line, message(number));
    if (before >= 0 && number > before + 1) missed += number - before - 1;
    before = number;
  }
  EXPECT_GT(missed, 0);
}

TEST_F(WfbTcpPortTest, WhatEachClientSendsGoesToAReaderOfItsOwn) {
  std::vector<std::string> heard;
  WfbTcpPort::Options options;
  options.make_reader = [&heard] {
    heard.emplace_back();
    return [&heard, number = heard.size() - 1](Bytes bytes) { heard[number] += as_text(bytes); };
  };
  WfbTcpPort port(loop_, std::move(options));
  ASSERT_TRUE(port.listen(kOtherPort));
  Client first(0, kOtherPort);
  first.send("one");
  ASSERT_TRUE(wait_until([&] { return heard == std::vector<std::string>{"one"}; }));
  Client second(0, kOtherPort);
  second.send("two");
  first.send("three");
  EXPECT_TRUE(wait_until([&] { return heard == std::vector<std::string>{"onethree", "two"}; }));
}

TEST_F(WfbTcpPortTest, OneTooManyWaitsUntilAnotherGoes) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < WfbTcpPort::kMostClients; ++i) {
    clients.push_back(std::make_unique<Client>());
    ASSERT_TRUE(wait_until([&] { return clients.back()->read() == "hello\n"; })) << i;
  }
  Client waiting;
  port_.tell("one\n");
  ASSERT_TRUE(wait_until([&] { return clients[0]->read() == "hello\none\n"; }));
  EXPECT_EQ(waiting.read(), "");
  clients.pop_back();
  EXPECT_TRUE(wait_until([&] { return waiting.read() == "hello\n"; }));
}

TEST_F(WfbTcpPortTest, APortThatIsTakenIsNamed) {
  WfbTcpPort other(loop_, {});
  const auto listens = other.listen(kPort);
  ASSERT_FALSE(listens);
  EXPECT_THAT(listens.error(), HasSubstr("cannot listen at TCP port 8003: Address already in use"));
}

}  // namespace
}  // namespace twinbed::scenarios
