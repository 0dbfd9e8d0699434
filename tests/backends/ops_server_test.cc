// The operations server over loopback sockets: what it answers, what it refuses, and that nobody
// can keep others from being answered.
#include "backends/http/ops_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>

#include <array>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "backends/socket/posix.h"
#include "core/base/random_stream.h"

namespace twinbed::backends {
namespace {

namespace http = boost::beast::http;
using ::testing::HasSubstr;

/// Only a broken server makes a test wait this long.
constexpr int kPatienceSeconds = 20;

std::string get(const std::string& path, const std::string& method = "GET") {
  return method + " " + path + " HTTP/1.1\r\nHost: here\r\n\r\n";
}

/// A server on a loop of its own thread.
class Served {
 public:
  explicit Served(OpsLimits limits = {}, std::size_t metrics_bytes = 0)
      : server_(std::make_unique<OpsServer>(
            loop_, Endpoint{kLoopback, 0},
            OpsHandlers{[] { return Health{true, "alive"}; },
                        [] { return Health{false, "no leader is known"}; },
                        [metrics_bytes] { return "m 1\n" + std::string(metrics_bytes, '#'); }},
            limits)) {
    const auto started = server_->start();
    EXPECT_TRUE(started.ok()) << started.error();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ~Served() {
    end_server();
    loop_.post([this] { loop_.stop(); });
    thread_.join();
  }

  Endpoint local() const { return server_->local(); }
  std::size_t connections() {
    return on_loop<std::size_t>([this] { return server_->connections(); });
  }
  /// Its connections and callbacks go, and the loop goes on.
  void end_server() {
    on_loop<bool>([this] {
      server_.reset();
      return true;
    });
  }
  bool wait_for_connections(std::size_t count) {
    for (int i = 0; i < kPatienceSeconds * 100; ++i) {
      if (connections() == count) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
  }

 private:
  template <class T>
  T on_loop(const std::function<T()>& call) {
    std::promise<T> result;
    loop_.post([&] { result.set_value(call()); });
    return result.get_future().get();
  }

  EventLoop loop_;
  std::unique_ptr<OpsServer> server_;
  std::thread thread_;
};

struct Reply {
  unsigned status = 0;
  std::string body;
  std::string type;
  std::string allow;
  std::size_t length = 0;
  bool keep_alive = false;
};

/// A client that sends bytes as they are, and reads the answers with Beast's parser.
class Client {
 public:
  explicit Client(const Endpoint& to)
      : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{kPatienceSeconds, 0};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in address = to_sockaddr(to);
    EXPECT_EQ(::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address),
                        sizeof address), 0);
  }
  /// False when the server does not take it any more.
  bool send(const std::string& bytes) const {
    return ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(bytes.size());
  }
  void end_sending() const { ::shutdown(socket_.number(), SHUT_WR); }

  std::optional<Reply> reply(bool to_head = false) {
    http::response_parser<http::string_body> parser;
    parser.skip(to_head);
    parser.eager(true);
    boost::system::error_code error;
    while (!parser.is_done()) {
      if (!input_.empty()) {
        const std::size_t used =
            parser.put(boost::asio::const_buffer(input_.data(), input_.size()), error);
        input_.erase(0, used);
        if (error && error != http::error::need_more) return std::nullopt;
        if (parser.is_done()) break;
      }
      if (!receive()) return std::nullopt;
    }
    const auto& got = parser.get();
    const auto text = [&](http::field field) {
      return std::string(got[field].data(), got[field].size());
    };
    return Reply{got.result_int(), got.body(), text(http::field::content_type),
                 text(http::field::allow), std::stoul(text(http::field::content_length)),
                 got.keep_alive()};
  }
  std::optional<Reply> ask(const std::string& bytes) {
    return send(bytes) ? reply() : std::nullopt;
  }
  /// Whether the server ends the connection, without another byte and without a reset.
  bool is_closed() { return input_.empty() && !receive() && !was_reset_; }

 private:
  bool receive() {
    std::array<char, 65536> chunk;
    const ssize_t got = ::recv(socket_.number(), chunk.data(), chunk.size(), 0);
    EXPECT_FALSE(got < 0 && errno == EAGAIN) << "the server kept silent";
    was_reset_ = got < 0;
    if (got <= 0) return false;
    input_.append(chunk.data(), static_cast<std::size_t>(got));
    return true;
  }

  Socket socket_;
  std::string input_;
  bool was_reset_ = false;
};

void expect_served(const Endpoint& to) {
  Client client(to);
  const auto reply = client.ask(get("/healthz"));
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 200u);
}

// ---- answers ----

TEST(OpsServer, AnswersHealthReadinessAndMetrics) {
  Served served;
  Client client(served.local());
  const auto health = client.ask(get("/healthz"));
  ASSERT_TRUE(health.has_value());
  EXPECT_EQ(health->status, 200u);
  EXPECT_EQ(health->body, "alive\n");
  EXPECT_EQ(health->type, "text/plain; charset=utf-8");
  EXPECT_TRUE(health->keep_alive);
  const auto ready = client.ask(get("/readyz?verbose"));
  ASSERT_TRUE(ready.has_value());
  EXPECT_EQ(ready->status, 503u);
  EXPECT_EQ(ready->body, "no leader is known\n");
  const auto metrics = client.ask(get("/metrics"));
  ASSERT_TRUE(metrics.has_value());
  EXPECT_EQ(metrics->status, 200u);
  EXPECT_EQ(metrics->body, "m 1\n");
  EXPECT_EQ(metrics->type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST(OpsServer, AnswersHeadWithoutTheBody) {
  Served served;
  Client client(served.local());
  ASSERT_TRUE(client.send(get("/readyz", "HEAD")));
  const auto head = client.reply(true);
  ASSERT_TRUE(head.has_value());
  EXPECT_EQ(head->status, 503u);
  EXPECT_EQ(head->body, "");
  EXPECT_EQ(head->length, std::string("no leader is known\n").size());
  const auto next = client.ask(get("/healthz"));  // nothing was left over on the connection
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->body, "alive\n");
}

TEST(OpsServer, AnswersManyRequestsSentAtOnceInTheirOrder) {
  Served served;
  Client client(served.local());
  std::string requests;
  for (int i = 0; i < 100; ++i) requests += get("/healthz") + get("/readyz") + "\r\n" + get("/no");
  ASSERT_TRUE(client.send(requests));
  for (int i = 0; i < 100; ++i) {
    for (const unsigned status : {200u, 503u, 404u}) {
      const auto reply = client.reply();
      ASSERT_TRUE(reply.has_value()) << i;
      EXPECT_EQ(reply->status, status);
    }
  }
}

TEST(OpsServer, TakesARequestByteByByte) {
  Served served;
  Client client(served.local());
  for (const char byte : get("/healthz")) {
    ASSERT_TRUE(client.send(std::string(1, byte)));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const auto reply = client.reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 200u);
}

TEST(OpsServer, ClosesWhereTheClientAsksForItOrSpeaksHttp10) {
  Served served;
  for (const char* request : {"GET /healthz HTTP/1.0\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"}) {
    Client client(served.local());
    const auto reply = client.ask(request);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, 200u);
    EXPECT_FALSE(reply->keep_alive);
    EXPECT_TRUE(client.is_closed());
  }
  Client client(served.local());
  const auto kept = client.ask("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  ASSERT_TRUE(kept.has_value());
  EXPECT_TRUE(kept->keep_alive);
  EXPECT_TRUE(client.ask(get("/healthz")).has_value());
}

TEST(OpsServer, AnswersAClientThatHasEndedItsSide) {
  Served served;
  Client client(served.local());
  ASSERT_TRUE(client.send(get("/healthz")));
  client.end_sending();
  const auto reply = client.reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 200u);
  EXPECT_TRUE(client.is_closed());
  EXPECT_TRUE(served.wait_for_connections(0));
}

TEST(OpsServer, IsUnderstoodByAnotherHttpClient) {
  Served served({}, 300'000);
  const std::string script = R"(
import concurrent.futures, http.client, sys
def client(_):
    connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=20)
    seen = []
    for method, path in ("GET", "/healthz"), ("HEAD", "/readyz"), ("GET", "/metrics"):
        connection.request(method, path)
        answer = connection.getresponse()
        seen.append((answer.status, len(answer.read())))
        assert answer.getheader("Date").endswith(" GMT")
    return seen
with concurrent.futures.ThreadPoolExecutor(16) as pool:
    results = list(pool.map(client, range(64)))
assert all(seen == [(200, 6), (503, 0), (200, 300004)] for seen in results), results
print("understood")
)";
  const std::string command =
      "python3 -c '" + script + "' " + std::to_string(served.local().port) + " 2>&1";
  FILE* output = ::popen(command.c_str(), "r");
  ASSERT_NE(output, nullptr);
  std::array<char, 4096> text{};
  const std::size_t got = std::fread(text.data(), 1, text.size() - 1, output);
  const int status = ::pclose(output);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127) GTEST_SKIP() << "there is no python3";
  EXPECT_EQ(std::string(text.data(), got), "understood\n");
}

// ---- refusals ----

struct Refused {
  std::string request;
  unsigned status;
  std::string sentence;
  bool keep_alive = false;
};

TEST(OpsServer, RefusesWithASentence) {
  Served served;
  const std::string host = "Host: here\r\n";
  const std::vector<Refused> cases = {
      {get("/"), 404, "ask for /healthz, /readyz or /metrics", true},
      {get("/healthz/"), 404, "ask for", true},
      {get("/" + std::string(8000, 'a')), 404, "ask for", true},
      {get("/healthz", "POST"), 405, "use GET or HEAD", true},
      {get("*", "OPTIONS"), 404, "ask for", true},
      {get("/metrics", "BREW"), 405, "use GET or HEAD", true},
      {"hello\r\n\r\n", 400, "this is not an HTTP/1.1 request: "},
      {"GET /healthz\r\n\r\n", 400, "this is not an HTTP/1.1 request: "},
      {"GET /healthz HTTP/2.0\r\n" + host + "\r\n", 400, "this is not an HTTP/1.1 request: "},
      {"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", 400, "this is not an HTTP/1.1 request: "},
      {"GET /a\x01 HTTP/1.1\r\n" + host + "\r\n", 400, "this is not an HTTP/1.1 request: "},
      {"GET /healthz HTTP/1.1\r\n" + host + "Content-Length: x\r\n\r\n", 400, "this is not"},
      {"GET /healthz HTTP/1.1\r\n" + host + "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
       400, "this is not"},
      {"GET /healthz HTTP/1.1\r\n\r\n", 400, "exactly one Host field"},
      {"GET /healthz HTTP/1.1\r\n" + host + host + "\r\n", 400, "exactly one Host field"},
      {"GET /healthz HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc", 413, "send none"},
      {"POST / HTTP/1.1\r\n" + host + "Content-Length: 99999999999\r\n\r\n", 413, "send none"},
      {"POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413,
       "send none"},
      {get("/" + std::string(8192, 'a')), 431, "longer than 8192 bytes"},
      {std::string(20000, 'a'), 431, "longer than 8192 bytes"},
      {"GET / HTTP/1.1\r\n" + host + "A: " + std::string(9000, 'b'), 431, "longer than 8192"},
  };
  for (const Refused& refused : cases) {
    SCOPED_TRACE(refused.request.substr(0, 80));
    Client client(served.local());
    const auto reply = client.ask(refused.request);
    ASSERT_TRUE(reply.has_value());
    EXPECT_EQ(reply->status, refused.status);
    EXPECT_THAT(reply->body, HasSubstr(refused.sentence));
    EXPECT_EQ(reply->body.find('\n'), reply->body.size() - 1);
    EXPECT_EQ(reply->allow, refused.status == 405 ? "GET, HEAD" : "");
    EXPECT_EQ(reply->keep_alive, refused.keep_alive);
    if (refused.keep_alive) {
      EXPECT_TRUE(client.ask(get("/healthz")).has_value());
    } else {
      EXPECT_TRUE(client.is_closed());
    }
  }
}

TEST(OpsServer, AnAnswerIsNotLostUnderABodyThatNobodyReads) {
  Served served;
  Client client(served.local());
  ASSERT_TRUE(client.send("POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4000000\r\n\r\n"));
  EXPECT_TRUE(client.send(std::string(4'000'000, 'x')));
  const auto reply = client.reply();
  ASSERT_TRUE(reply.has_value());
  EXPECT_EQ(reply->status, 413u);
  EXPECT_TRUE(client.is_closed());  // a reset could overtake the answer on a real network
}

TEST(OpsServer, SurvivesHostileBytes) {
  Served served;
  RandomStream random(5, "hostile");
  const std::string valid = "GET /metrics?a=b HTTP/1.1\r\nHost: here\r\nAccept: */*\r\n"
                            "Content-Length: 0\r\nConnection: keep-alive, upgrade\r\n\r\n";
  for (int i = 0; i < 400; ++i) {
    std::string bytes = i % 4 == 0 ? std::string(random.next() % 9000, 'x') : valid + valid;
    const std::uint64_t changes = i % 4 == 0 ? bytes.size() : 1 + random.next() % 6;
    for (std::uint64_t k = 0; k < changes; ++k) {
      bytes[random.next() % bytes.size()] = static_cast<char>(random.next() & 0xff);
    }
    const Client client(served.local());
    client.send(bytes.substr(0, random.next() % (bytes.size() + 1)));
    if (i % 3 == 0) client.end_sending();
  }
  expect_served(served.local());
}

// ---- those who take their time ----

TEST(OpsServer, EndsSlowSendersSilentOnesAndIdleOnes) {
  OpsLimits limits;
  limits.request_time = std::chrono::milliseconds(200);
  limits.idle_time = std::chrono::milliseconds(200);
  Served served(limits);
  Client slow(served.local());
  Client silent(served.local());
  Client idle(served.local());
  ASSERT_TRUE(slow.send("GET /healthz HTTP/1.1\r\nHost: he"));
  ASSERT_TRUE(idle.ask(get("/healthz")).has_value());
  // A byte now and then wins no time; the loop ends when the server does not take more.
  std::thread sender([&] {
    for (int i = 0; i < 2000 && slow.send("r"); ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  });
  const std::optional<Reply> late = slow.reply();
  sender.join();
  ASSERT_TRUE(late.has_value());
  EXPECT_EQ(late->status, 408u);
  EXPECT_THAT(late->body, HasSubstr("did not come to its end"));
  EXPECT_FALSE(late->keep_alive);
  EXPECT_TRUE(silent.is_closed());
  EXPECT_TRUE(idle.is_closed());
  EXPECT_TRUE(served.wait_for_connections(0));
}

TEST(OpsServer, EndsThoseWhoDoNotReadTheirAnswer) {
  OpsLimits limits;
  limits.request_time = std::chrono::milliseconds(200);
  Served served(limits, 64'000'000);
  const Client client(served.local());
  ASSERT_TRUE(client.send(get("/metrics")));
  EXPECT_TRUE(served.wait_for_connections(1));
  EXPECT_TRUE(served.wait_for_connections(0));
}

TEST(OpsServer, ClosesTheLongestIdleWhenThereAreTooMany) {
  OpsLimits limits;
  limits.connections = 4;
  Served served(limits);
  std::deque<Client> clients;
  for (int i = 0; i < 4; ++i) {
    clients.emplace_back(served.local());
    ASSERT_TRUE(clients.back().ask(get("/healthz")).has_value());
  }
  ASSERT_TRUE(clients[0].ask(get("/healthz")).has_value());  // so that the second is the idlest
  clients.emplace_back(served.local());
  ASSERT_TRUE(clients[4].ask(get("/healthz")).has_value());
  EXPECT_EQ(served.connections(), 4u);
  EXPECT_TRUE(clients[1].is_closed());
  for (const std::size_t kept : {0u, 2u, 3u, 4u}) {
    EXPECT_TRUE(clients[kept].ask(get("/healthz")).has_value()) << kept;
  }
}

TEST(OpsServer, SlowSendersDoNotKeepOthersOut) {
  OpsLimits limits;
  limits.connections = 8;
  limits.request_time = std::chrono::hours(1);
  limits.patience = std::chrono::milliseconds(100);
  Served served(limits);
  std::deque<Client> slow;
  for (int i = 0; i < 8; ++i) {
    slow.emplace_back(served.local());
    ASSERT_TRUE(slow.back().send("GET /healthz HTTP/1.1\r\nHost: "));
  }
  ASSERT_TRUE(served.wait_for_connections(8));
  for (int i = 0; i < 8; ++i) expect_served(served.local());
  EXPECT_LE(served.connections(), 8u);
}

TEST(OpsServer, ThoseWhoHaveJustComeAreHeardBeforeTheNextOnesAreLetIn) {
  OpsLimits limits;
  limits.connections = 4;
  limits.patience = std::chrono::hours(1);
  Served served(limits);
  std::deque<Client> clients;
  for (int i = 0; i < 12; ++i) clients.emplace_back(served.local());
  ASSERT_TRUE(served.wait_for_connections(4));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));  // eight of them wait outside
  for (const Client& client : clients) ASSERT_TRUE(client.send(get("/healthz")));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto reply = clients[i].reply();
    ASSERT_TRUE(reply.has_value()) << i;
    EXPECT_EQ(reply->status, 200u);
  }
}

TEST(OpsServer, ServesManyAtOnce) {
  Served served;
  std::vector<std::future<unsigned>> results;
  for (int i = 0; i < 100; ++i) {
    results.push_back(std::async(std::launch::async, [&served] {
      Client client(served.local());
      const auto reply = client.ask(get("/healthz"));
      return reply ? reply->status : 0;
    }));
  }
  for (auto& result : results) EXPECT_EQ(result.get(), 200u);
  EXPECT_LE(served.connections(), 32u);
}

TEST(OpsServer, GoesWithItsConnectionsWhileTheLoopGoesOn) {
  Served served({}, 64'000'000);
  Client idle(served.local());
  ASSERT_TRUE(idle.ask(get("/healthz")).has_value());
  const Client half(served.local());
  ASSERT_TRUE(half.send("GET /"));
  const Client unread(served.local());
  ASSERT_TRUE(unread.send(get("/metrics")));
  ASSERT_TRUE(served.wait_for_connections(3));
  served.end_server();
  EXPECT_TRUE(idle.is_closed());
}

// ---- the start ----

TEST(OpsServer, SaysWhyItCannotListen) {
  const Served other;
  EventLoop loop;
  const auto failure = [&](const Endpoint& local) {
    const auto health = [] { return Health{}; };
    OpsServer server(loop, local, {health, health, [] { return std::string(); }});
    const auto started = server.start();
    return started ? std::string() : started.error();
  };
  EXPECT_EQ(failure(other.local()),
            "cannot serve health and metrics at " + to_string(other.local()) +
                ": Address already in use; stop the program that holds this port, or choose "
                "another one");
  EXPECT_THAT(failure(*parse_endpoint("192.0.2.1:9000")),
              HasSubstr("; choose an address that this machine has, such as 127.0.0.1"));
  EXPECT_EQ(failure({kLoopback, 0}), "");
}

TEST(OpsServer, StartsAgainAtOnceAtThePortItHad) {
  Endpoint local;
  {
    const Served first;
    local = first.local();
    expect_served(local);
  }
  EventLoop loop;
  const auto health = [] { return Health{}; };
  OpsServer second(loop, local, {health, health, [] { return std::string(); }});
  const auto started = second.start();
  EXPECT_TRUE(started.ok()) << started.error();
}

}  // namespace
}  // namespace twinbed::backends
