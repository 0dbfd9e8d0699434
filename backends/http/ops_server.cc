#include "backends/http/ops_server.h"

#include <sys/socket.h>

#include <array>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <cstdint>
#include <ctime>
#include <limits>
#include <map>
#include <sstream>
#include <string_view>
#include <system_error>
#include <utility>

#include "backends/socket/posix.h"

namespace twinbed::backends {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kText = "text/plain; charset=utf-8";
constexpr std::string_view kPrometheus = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view kEndOfHead = "\r\n\r\n";
constexpr std::int64_t kDrainNs = 2'000'000'000;     // for the client to take the last answer
constexpr std::int64_t kAcceptRetryNs = 50'000'000;  // when there is no room or no descriptor

struct Answer {
  http::status status = http::status::ok;
  std::string body;
  std::string_view type = kText;
};

/// What of a request decides the form of its answer.
struct Form {
  unsigned version = 11;
  bool head_only = false;
  bool keep_alive = false;
};

/// The present as RFC 9110, section 5.6.7, writes it.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 40> text{};
  std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return text.data();
}

std::string to_bytes(Answer answer, const Form& form) {
  http::response<http::string_body> response(answer.status, form.version);
  response.set(http::field::date, http_date());
  response.set(http::field::content_type,
               boost::string_view(answer.type.data(), answer.type.size()));
  response.set(http::field::cache_control, "no-store");
  if (answer.status == http::status::method_not_allowed) {
    response.set(http::field::allow, "GET, HEAD");
  }
  response.keep_alive(form.keep_alive);
  response.content_length(answer.body.size());
  if (!form.head_only) response.body() = std::move(answer.body);
  std::ostringstream stream;
  stream << response;
  return std::move(stream).str();
}

Answer refusal(http::status status, std::string sentence) {
  return {status, std::move(sentence) + "\n", kText};
}

Answer health_answer(Health health) {
  return refusal(health.ok ? http::status::ok : http::status::service_unavailable,
                 std::move(health.text));
}

Error listen_error(const Endpoint& local, int error) {
  std::string sentence = "cannot serve health and metrics at " + to_string(local) + ": " +
                         std::generic_category().message(error);
  if (error == EADDRINUSE) {
    sentence += "; stop the program that holds this port, or choose another one";
  } else if (error == EADDRNOTAVAIL) {
    sentence += "; choose an address that this machine has, such as 127.0.0.1";
  } else if (error == EACCES) {
    sentence += "; ports below 1024 need privileges, so choose a higher one";
  }
  return Error{sentence};
}

}  // namespace

class OpsServer::Impl {
 public:
  Impl(EventLoop& loop, Endpoint local, OpsHandlers handlers, OpsLimits limits)
      : loop_(loop), local_(local), handlers_(std::move(handlers)), limits_(limits),
        accept_retry_(loop) {
    TWINBED_CHECK(handlers_.healthz && handlers_.readyz && handlers_.metrics,
                  "the operations server needs all its handlers");
  }

  Result<std::monostate> start();
  Endpoint local() const { return local_; }
  std::size_t connections() const { return connections_.size(); }

 private:
  enum class Phase { kIdle, kReceiving, kSending, kDraining };

  /// Each is in one phase at a time and waits for one thing: to read, or to write.
  struct Connection {
    Connection(EventLoop& loop, Socket open_socket, std::uint64_t number)
        : socket(std::move(open_socket)), watch(loop, socket.number()), limit(loop),
          serial(number) {}
    Socket socket;
    Watch watch;
    Alarm limit;  ///< of the phase
    const std::uint64_t serial;
    Phase phase = Phase::kReceiving;
    std::int64_t phase_start_ns = 0;
    std::string input;  ///< received, and not yet a whole request
    std::string output;
    std::size_t sent = 0;
    bool keep_alive = false;
  };

  void wait_to_accept() {
    listener_watch_->when_readable([this] { accept_one(); });
  }
  void accept_one();
  Connection* longest_idle();
  /// After this the connection is gone: the caller returns at once.
  void close(Connection& connection) { connections_.erase(connection.serial); }

  void enter(Connection& connection, Phase phase);
  void on_limit(Connection& connection);
  void wait_to_read(Connection& connection) {
    connection.watch.when_readable([this, &connection] { on_readable(connection); });
  }
  void on_readable(Connection& connection);
  void next_request(Connection& connection);
  void serve(Connection& connection, std::string_view head);
  Answer answer_to(const http::request<http::empty_body>& request) const;
  void send(Connection& connection, Answer answer, const Form& form);
  void wait_to_write(Connection& connection) {
    connection.watch.when_writable([this, &connection] { on_writable(connection); });
  }
  void on_writable(Connection& connection);

  EventLoop& loop_;
  Endpoint local_;
  const OpsHandlers handlers_;
  const OpsLimits limits_;
  Socket listener_;
  std::unique_ptr<Watch> listener_watch_;  ///< goes before its socket
  Alarm accept_retry_;
  std::map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::uint64_t next_serial_ = 0;
};

// Connections come and go

Result<std::monostate> OpsServer::Impl::start() {
  TWINBED_CHECK(!listener_.is_open(), "an operations server is started once");
  listener_ = Socket::stream();
  int error = listener_.is_open() ? 0 : errno;
  if (error == 0) {
    set_option(listener_, SOL_SOCKET, SO_REUSEADDR, 1);  // connections of the last start linger
    error = bind_socket(listener_, local_);
  }
  if (error == 0 && ::listen(listener_.number(), SOMAXCONN) != 0) error = errno;
  if (error != 0) return listen_error(local_, error);
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size);
  local_ = from_sockaddr(address);
  listener_watch_ = std::make_unique<Watch>(loop_, listener_.number());
  wait_to_accept();
  return std::monostate{};
}

/// One in a turn, so that those who are there already are heard before the next ones come.
void OpsServer::Impl::accept_one() {
  const auto retry_later = [this] {
    accept_retry_.set(monotonic_now_ns() + kAcceptRetryNs, [this] { accept_one(); });
  };
  const bool is_full = connections_.size() >= limits_.connections;
  Connection* const victim = is_full ? longest_idle() : nullptr;
  if (is_full && victim == nullptr) return retry_later();
  Socket socket(
      ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.is_open()) {
    // Without descriptors or memory the listener stays ready: asking at once would spin.
    if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) return retry_later();
    return wait_to_accept();
  }
  if (victim != nullptr) close(*victim);
  const std::uint64_t serial = next_serial_++;
  auto& connection = connections_[serial] =
      std::make_unique<Connection>(loop_, std::move(socket), serial);
  enter(*connection, Phase::kReceiving);
  wait_to_read(*connection);
  wait_to_accept();
}

OpsServer::Impl::Connection* OpsServer::Impl::longest_idle() {
  const std::int64_t slow_since_ns = monotonic_now_ns() - limits_.patience.count();
  Connection* longest = nullptr;
  for (const auto& [serial, connection] : connections_) {
    const bool is_idle =
        connection->phase == Phase::kIdle || connection->phase_start_ns < slow_since_ns;
    if (!is_idle) continue;
    if (longest == nullptr || connection->phase_start_ns < longest->phase_start_ns) {
      longest = connection.get();
    }
  }
  return longest;
}

void OpsServer::Impl::enter(Connection& connection, Phase phase) {
  connection.phase = phase;
  connection.phase_start_ns = monotonic_now_ns();
  std::int64_t limit_ns = limits_.request_time.count();
  if (phase == Phase::kIdle) limit_ns = limits_.idle_time.count();
  if (phase == Phase::kDraining) limit_ns = kDrainNs;
  connection.limit.set(connection.phase_start_ns + limit_ns,
                       [this, &connection] { on_limit(connection); });
}

void OpsServer::Impl::on_limit(Connection& connection) {
  if (connection.phase != Phase::kReceiving || connection.input.empty()) {
    return close(connection);
  }
  connection.watch.ignore_readable();
  send(connection,
       refusal(http::status::request_timeout,
               "the request did not come to its end, an empty line, in time; send it at once"),
       {});
}

// Requests

void OpsServer::Impl::on_readable(Connection& connection) {
  std::array<char, 4096> chunk;
  const ssize_t got = ::recv(connection.socket.number(), chunk.data(), chunk.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return wait_to_read(connection);
  if (got <= 0) return close(connection);
  if (connection.phase == Phase::kDraining) return wait_to_read(connection);
  if (connection.phase == Phase::kIdle) enter(connection, Phase::kReceiving);
  connection.input.append(chunk.data(), static_cast<std::size_t>(got));
  next_request(connection);
}

/// Serves the first request that has been received, or waits for the rest of it. The head is parsed
/// when it is all there, so that its length has one limit, whatever the parts in which it came.
void OpsServer::Impl::next_request(Connection& connection) {
  std::string& input = connection.input;
  while (input.starts_with("\r\n")) input.erase(0, 2);  // RFC 9112, section 2.2
  const std::size_t end = input.find(kEndOfHead);
  const std::size_t length = end == std::string::npos ? input.size() : end + kEndOfHead.size();
  if (length > limits_.head_bytes) {
    const std::string most = std::to_string(limits_.head_bytes);
    return send(connection,
                refusal(http::status::request_header_fields_too_large,
                        "the request's head is longer than " + most + " bytes; send a shorter one"),
                {});
  }
  if (end == std::string::npos) return wait_to_read(connection);
  const std::string head = input.substr(0, length);
  input.erase(0, length);
  serve(connection, head);
}

void OpsServer::Impl::serve(Connection& connection, std::string_view head) {
  http::request_parser<http::empty_body> parser;
  parser.header_limit(static_cast<std::uint32_t>(head.size()));
  parser.body_limit(std::numeric_limits<std::uint64_t>::max());  // any body is refused below
  boost::system::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error || !parser.is_header_done()) {
    return send(connection,
                refusal(http::status::bad_request,
                        "this is not an HTTP/1.1 request: " + error.message() +
                            "; ask like `curl http://" + to_string(local_) + "/healthz`"),
                {});
  }
  const http::request<http::empty_body>& request = parser.get();
  Form form{request.version(), request.method() == http::verb::head, request.keep_alive()};
  if (parser.chunked() || parser.content_length().value_or(0) > 0) {
    form.keep_alive = false;  // what follows is not a request
    return send(connection,
                refusal(http::status::payload_too_large, "nothing here takes a body; send none"),
                form);
  }
  // RFC 9112, section 3.2.
  const std::size_t hosts = request.count(http::field::host);
  if (hosts > 1 || (hosts == 0 && request.version() >= 11)) {
    form.keep_alive = false;
    return send(connection,
                refusal(http::status::bad_request,
                        "an HTTP/1.1 request has exactly one Host field; send one"),
                form);
  }
  send(connection, answer_to(request), form);
}

Answer OpsServer::Impl::answer_to(const http::request<http::empty_body>& request) const {
  std::string_view path(request.target().data(), request.target().size());
  path = path.substr(0, path.find('?'));
  const bool is_known = path == "/healthz" || path == "/readyz" || path == "/metrics";
  if (!is_known) {
    return refusal(http::status::not_found,
                   "there is nothing here; ask for /healthz, /readyz or /metrics");
  }
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    return refusal(http::status::method_not_allowed, "this can only be read; use GET or HEAD");
  }
  if (path == "/healthz") return health_answer(handlers_.healthz());
  if (path == "/readyz") return health_answer(handlers_.readyz());
  return {http::status::ok, handlers_.metrics(), kPrometheus};
}

// Answers

/// An answer leaves in a later turn of the loop, so that a client that sends many requests at once
/// holds up nobody.
void OpsServer::Impl::send(Connection& connection, Answer answer, const Form& form) {
  connection.keep_alive = form.keep_alive;
  connection.output = to_bytes(std::move(answer), form);
  connection.sent = 0;
  enter(connection, Phase::kSending);
  wait_to_write(connection);
}

void OpsServer::Impl::on_writable(Connection& connection) {
  const std::string& output = connection.output;
  const ssize_t sent = ::send(connection.socket.number(), output.data() + connection.sent,
                              output.size() - connection.sent, MSG_NOSIGNAL);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return close(connection);
  if (sent > 0) connection.sent += static_cast<std::size_t>(sent);
  if (connection.sent < output.size()) return wait_to_write(connection);
  connection.output = {};
  if (!connection.keep_alive) {
    // Closing a socket with unread bytes would reset the connection under the answer.
    ::shutdown(connection.socket.number(), SHUT_WR);
    enter(connection, Phase::kDraining);
    return wait_to_read(connection);
  }
  enter(connection, connection.input.empty() ? Phase::kIdle : Phase::kReceiving);
  next_request(connection);
}

OpsServer::OpsServer(EventLoop& loop, Endpoint local, OpsHandlers handlers, OpsLimits limits)
    : impl_(std::make_unique<Impl>(loop, local, std::move(handlers), limits)) {}
OpsServer::~OpsServer() = default;
Result<std::monostate> OpsServer::start() { return impl_->start(); }
Endpoint OpsServer::local() const { return impl_->local(); }
std::size_t OpsServer::connections() const { return impl_->connections(); }

}  // namespace twinbed::backends
