#include "scenarios/node/wfb_tcp_port.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "scenarios/node/wfb_host.h"

namespace twinbed::scenarios {
namespace {

/// Between two reads: no client can send faster than the loop takes what he sends.
constexpr std::int64_t kReadPauseNs = 5'000'000;
constexpr int kGoneAfterMs = 60'000;
constexpr int kFirstProbeS = 30;
constexpr int kProbeEveryS = 10;

}  // namespace

Result<std::monostate> WfbTcpPort::listen(std::uint16_t port) {
  const Endpoint local{kAnyAddress, port};
  listener_ = backends::Socket::stream();
  backends::set_option(listener_, SOL_SOCKET, SO_REUSEADDR, 1);
  int error = listener_.is_open() ? backends::bind_socket(listener_, local) : errno;
  if (error == 0 && ::listen(listener_.number(), SOMAXCONN) != 0) error = errno;
  if (error != 0) return wfb_bind_error("TCP port " + std::to_string(port), error);
  watch_.emplace(loop_, listener_.number());
  wait_for_clients();
  return std::monostate{};
}

void WfbTcpPort::wait_for_clients() {
  if (clients_.size() < kMostClients) watch_->when_readable([this] { accept_all(); });
}

void WfbTcpPort::accept_all() {
  while (clients_.size() < kMostClients) {
    backends::Socket socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) break;
    backends::set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    backends::set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, kFirstProbeS);
    backends::set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, kProbeEveryS);
    backends::set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, kGoneAfterMs);
    clients_.emplace_front(loop_, std::move(socket));
    const Clients::iterator client = clients_.begin();
    if (options_.make_reader) client->reader = options_.make_reader();
    client->pending = options_.greeting;
    wait_for_bytes(client);
    if (!write(client)) close(client);
  }
  wait_for_clients();
}

void WfbTcpPort::wait_for_bytes(Clients::iterator client) {
  client->watch.when_readable([this, client] { read(client); });
}

void WfbTcpPort::read(Clients::iterator client) {
  std::array<std::byte, 4096> room{};
  const ssize_t got = ::recv(client->socket.number(), room.data(), room.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close(client);
  if (!client->reader || got < 0) return wait_for_bytes(client);
  client->reader(Bytes(room).first(static_cast<std::size_t>(got)));
  client->pause.set(backends::monotonic_now_ns() + kReadPauseNs,
                    [this, client] { wait_for_bytes(client); });
}

void WfbTcpPort::close(Clients::iterator client) {
  clients_.erase(client);
  wait_for_clients();
}

void WfbTcpPort::tell(std::string_view message) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto next = std::next(client);
    const bool has_room = client->pending.size() + message.size() <= options_.most_pending;
    if (has_room) client->pending += message;
    const bool is_well = (has_room || options_.skips_messages) && write(client);
    if (!is_well) close(client);
    client = next;
  }
}

/// False where the connection is over.
bool WfbTcpPort::write(Clients::iterator client) {
  std::string& pending = client->pending;
  while (!pending.empty()) {
    const ssize_t sent =
        ::send(client->socket.number(), pending.data(), pending.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) break;
    pending.erase(0, static_cast<std::size_t>(sent));
  }
  if (!pending.empty() && !std::exchange(client->is_waiting, true)) {
    client->watch.when_writable([this, client] {
      client->is_waiting = false;
      if (!write(client)) close(client);
    });
  }
  return true;
}

}  // namespace twinbed::scenarios
