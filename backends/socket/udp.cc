#include "backends/socket/udp.h"

#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>

namespace twinbed::backends {
namespace {

constexpr int kDatagramsPerTurn = 32;  // then others get their turn

/// What the kernel says beside a datagram's bytes.
template <class T>
std::optional<T> find_part(msghdr& message, int type) {
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != type) continue;
    T value{};
    std::memcpy(&value, CMSG_DATA(part), sizeof(value));
    return value;
  }
  return std::nullopt;
}

/// How long ago the kernel received the datagram, from its time stamp; zero without one.
Duration age_of(msghdr& message) {
  const auto stamp = find_part<timespec>(message, SCM_TIMESTAMPNS);
  if (!stamp) return Duration{};
  const auto received = std::chrono::seconds(stamp->tv_sec) + Duration{stamp->tv_nsec};
  return std::chrono::duration_cast<Duration>(
             std::chrono::system_clock::now().time_since_epoch()) - received;
}

}  // namespace

UdpSockets::UdpSockets(SocketServices& services)
    : services_(services), alarm_(services.loop), buffer_(kMaxDatagramBytes) {}

void UdpSockets::bind(SocketId id, const Endpoint& local) {
  if (const auto found = sockets_.find(id); found != sockets_.end() && found->second->is_adopted) {
    return;
  }
  sockets_.erase(id);
  const Endpoint real = services_.local_real(local);
  Socket socket = Socket::datagram();
  const int error = socket.is_open() ? bind_socket(socket, real) : errno;
  if (error != 0) {
    services_.owner.fail(services_.bind_failure("bind UDP at", local, real, error));
    return;
  }
  add(id, std::move(socket));
}

void UdpSockets::adopt(SocketId id, Socket socket, std::optional<AbstractAddress> destination) {
  sockets_.erase(id);
  Bound& bound = add(id, std::move(socket));
  bound.is_adopted = true;
  bound.destination = destination;
}

UdpSockets::Bound& UdpSockets::add(SocketId id, Socket socket) {
  const DatagramBuffers& buffers = services_.buffers;
  set_option(socket, SOL_SOCKET, SO_RCVBUF, buffers.receive_bytes);
  if (buffers.send_bytes > 0) set_option(socket, SOL_SOCKET, SO_SNDBUF, buffers.send_bytes);
  set_option(socket, SOL_SOCKET, SO_BROADCAST, 1);
  set_option(socket, SOL_SOCKET, SO_TIMESTAMPNS, 1);
  set_option(socket, SOL_SOCKET, SO_RXQ_OVFL, 1);
  auto& bound = sockets_[id] = std::make_unique<Bound>(services_.loop, std::move(socket));
  wait(id, *bound);
  return *bound;
}

void UdpSockets::wait(SocketId id, Bound& bound) {
  bound.watch.when_readable([this, id] { on_readable(id); });
}

void UdpSockets::on_readable(SocketId id) {
  for (int i = 0; i < kDatagramsPerTurn; ++i) {
    // Looked up each time: the handler may have closed the socket or bound it anew.
    const auto found = sockets_.find(id);
    if (found == sockets_.end()) return;
    if (!receive_one(id, *found->second)) break;
  }
  const auto found = sockets_.find(id);
  if (found != sockets_.end()) wait(id, *found->second);
}

/// False when nothing is left to receive.
bool UdpSockets::receive_one(SocketId id, Bound& bound) {
  union {
    sockaddr_in internet;
    sockaddr_un local;  // of a socket that was adopted
  } from{};
  iovec into{buffer_.data(), buffer_.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(timespec)) + CMSG_SPACE(sizeof(std::uint32_t))];
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  const ssize_t got = ::recvmsg(bound.socket.number(), &message, 0);
  if (got < 0) return errno == EINTR;
  if (const auto overflowed = find_part<std::uint32_t>(message, SO_RXQ_OVFL)) {
    services_.counters.datagrams_overflowed +=
        *overflowed - std::exchange(bound.overflowed, *overflowed);
  }
  // A local socket's sender has no endpoint.
  const bool is_internet = from.internet.sin_family == AF_INET;
  const Endpoint real = is_internet ? from_sockaddr(from.internet) : Endpoint{};
  const PeerPath* path = services_.paths.find(services_.addresses.node_at_real(real));
  if (path != nullptr && path->is_blocked_in()) {
    ++services_.counters.datagrams_blocked;
    return true;
  }
  ++services_.counters.datagrams_received;
  services_.lateness.add(LatenessKind::kDatagram, age_of(message));
  services_.owner.handle(Datagram{id, services_.addresses.to_scenario(real),
                                  Bytes(buffer_).first(static_cast<std::size_t>(got))});
  return true;
}

void UdpSockets::send(SocketId id, const Endpoint& to, Bytes payload) {
  if (payload.size() > kMaxDatagramBytes) {
    ++services_.counters.datagrams_too_large;
    return;
  }
  const Endpoint real = services_.addresses.to_real(to, services_.self);
  const std::optional<NodeId> peer = services_.addresses.node_at_real(real);
  PeerPath* path = peer != services_.self ? services_.paths.find(peer) : nullptr;
  if (path != nullptr && path->is_blocked_out()) {
    ++services_.counters.datagrams_blocked;
    return;
  }
  if (path == nullptr || path->is_perfect()) {
    transmit(id, real, payload);
    return;
  }
  const PeerPath::Arrival arrival =
      path->pass(services_.clock.run_now(), payload.size() + sim::kUdpOverheadBytes);
  if (arrival.copies == 0) ++services_.counters.datagrams_lost_on_link;
  Buffer bytes = to_buffer(payload);
  if (arrival.corrupt_bit >= 0 && !bytes.empty()) {
    const std::size_t bit = static_cast<std::size_t>(arrival.corrupt_bit) % (bytes.size() * 8);
    bytes[bit / 8] ^= std::byte{1} << (bit % 8);
  }
  for (std::uint32_t copy = 0; copy < arrival.copies; ++copy) {
    delayed_.add({arrival.at[copy], id, *peer, real, bytes});
  }
  arm();
}

void UdpSockets::transmit(SocketId id, const Endpoint& real, Bytes payload) {
  const auto found = sockets_.find(id);
  if (found == sockets_.end()) {
    ++services_.counters.datagrams_unsent;
    return;
  }
  const Bound& bound = *found->second;
  const sockaddr_in internet = to_sockaddr(real);
  const void* address = &internet;
  socklen_t size = sizeof internet;
  if (bound.destination) {
    address = &bound.destination->address;
    size = bound.destination->size;
  }
  const SentDatagramObserver& observer = services_.on_sent;
  const std::int64_t start_ns = observer ? monotonic_now_ns() : 0;
  const ssize_t sent =
      ::sendto(bound.socket.number(), payload.data(), payload.size(), MSG_NOSIGNAL,
               static_cast<const sockaddr*>(address), size);
  if (observer) {
    observer({id, real, payload, sent >= 0, Duration{monotonic_now_ns() - start_ns}});
  }
  ++(sent < 0 ? services_.counters.datagrams_unsent : services_.counters.datagrams_sent);
}

void UdpSockets::release_due() {
  DelayedDatagram datagram;
  const Time now = services_.clock.run_now();
  while (delayed_.take_due(now, datagram)) {
    services_.lateness.add(LatenessKind::kRelease, now - datagram.due);
    transmit(datagram.socket, datagram.to, datagram.payload);
  }
  arm();
}

void UdpSockets::arm() {
  if (delayed_.empty()) return;
  alarm_.set(services_.clock.monotonic_at_run(delayed_.next_due()), [this] { release_due(); });
}

void UdpSockets::on_blocks_changed() {
  for (const auto& [peer, path] : services_.paths.all()) {
    if (path.is_blocked_out()) services_.counters.datagrams_blocked += delayed_.drop(peer);
  }
}

}  // namespace twinbed::backends
