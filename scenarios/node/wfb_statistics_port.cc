#include "scenarios/node/wfb_statistics_port.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>

#include "scenarios/node/wfb_host.h"

namespace twinbed::scenarios {

Result<std::monostate> WfbStatisticsPort::listen(std::uint16_t port) {
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

void WfbStatisticsPort::wait_for_clients() {
  if (clients_.size() < kMostClients) watch_->when_readable([this] { accept_all(); });
}

void WfbStatisticsPort::accept_all() {
  while (clients_.size() < kMostClients) {
    backends::Socket socket(
        ::accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket.is_open()) break;
    clients_.emplace_front(loop_, std::move(socket));
    clients_.front().pending = greeting_;
    wait_for_end(clients_.begin());
    if (!write(clients_.begin())) close(clients_.begin());
  }
  wait_for_clients();
}

void WfbStatisticsPort::wait_for_end(Clients::iterator client) {
  client->watch.when_readable([this, client] {
    std::array<char, 4096> ignored{};
    const ssize_t got = ::recv(client->socket.number(), ignored.data(), ignored.size(), 0);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return close(client);
    wait_for_end(client);
  });
}

void WfbStatisticsPort::close(Clients::iterator client) {
  clients_.erase(client);
  wait_for_clients();
}

void WfbStatisticsPort::tell(const std::string& message) {
  for (auto client = clients_.begin(); client != clients_.end();) {
    const auto next = std::next(client);
    client->pending += message;
    const bool is_well = client->pending.size() <= kMostPending && write(client);
    if (!is_well) close(client);
    client = next;
  }
}

/// False where the connection is over.
bool WfbStatisticsPort::write(Clients::iterator client) {
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
