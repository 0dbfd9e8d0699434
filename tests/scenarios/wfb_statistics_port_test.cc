// The port of a central node's statistics, with real connections.
#include "scenarios/node/wfb_statistics_port.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "backends/event_loop.h"
#include "tests/support/own_network.h"

namespace twinbed::scenarios {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 8003;

/// A client at this machine's loopback interface.
class Client {
 public:
  explicit Client(int receive_buffer_bytes = 0) : socket_(backends::Socket::stream()) {
    if (receive_buffer_bytes > 0) {
      backends::set_option(socket_, SOL_SOCKET, SO_RCVBUF, receive_buffer_bytes);
    }
    const sockaddr_in to = backends::to_sockaddr({kLoopback, kPort});
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

class WfbStatisticsPortTest : public ::testing::Test {
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
  WfbStatisticsPort port_{loop_, "hello\n"};
};

TEST_F(WfbStatisticsPortTest, GreetsEachAndTellsAll) {
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

TEST_F(WfbStatisticsPortTest, WhoDoesNotReadIsLeftBehindAndHoldsNobodyUp) {
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

TEST_F(WfbStatisticsPortTest, OneTooManyWaitsUntilAnotherGoes) {
  std::vector<std::unique_ptr<Client>> clients;
  for (std::size_t i = 0; i < WfbStatisticsPort::kMostClients; ++i) {
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

TEST_F(WfbStatisticsPortTest, APortThatIsTakenIsNamed) {
  WfbStatisticsPort other(loop_, "");
  const auto listens = other.listen(kPort);
  ASSERT_FALSE(listens);
  EXPECT_THAT(listens.error(), HasSubstr("cannot listen at TCP port 8003: Address already in use"));
}

}  // namespace
}  // namespace twinbed::scenarios
