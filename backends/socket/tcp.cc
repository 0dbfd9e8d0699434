#include "backends/socket/tcp.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace twinbed::backends {
namespace {

constexpr std::size_t kReceiveBytes = 64 * 1024;
constexpr int kAcceptsPerTurn = 16;
constexpr std::int64_t kAcceptRetryNs = 100'000'000;

}  // namespace

TcpStreams::TcpStreams(SocketServices& services)
    : services_(services), reaper_(services.loop), buffer_(kReceiveBytes) {}

TcpStream& TcpStreams::create(StreamId id, const Endpoint& real_peer) {
  const std::uint64_t serial = next_serial_++;
  auto stream =
      std::make_unique<TcpStream>(services_, static_cast<StreamSet&>(*this), serial, id, real_peer);
  TcpStream& result = *stream;
  streams_[serial] = std::move(stream);
  named_[id] = &result;
  return result;
}

TcpStream* TcpStreams::find(StreamId id) {
  const auto found = named_.find(id);
  return found != named_.end() ? found->second : nullptr;
}

void TcpStreams::retire(std::uint64_t serial) {
  auto found = streams_.extract(serial);
  if (found.empty()) return;
  // One of its own callbacks may be running; the object goes in a later turn.
  retired_.push_back(std::move(found.mapped()));
  reaper_.set(0, [this] { retired_.clear(); });
}

void TcpStreams::answer_for(std::uint64_t serial, std::function<void()> callback) {
  services_.answer([this, serial, call = std::move(callback)] {
    if (streams_.contains(serial)) call();
  });
}

void TcpStreams::listen(ListenerId id, const Endpoint& local) {
  listeners_.erase(id);
  const Endpoint real = services_.local_real(local);
  Socket socket = Socket::stream();
  int error = socket.is_open() ? 0 : errno;
  if (error == 0) {
    set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);  // a restarted node meets its old TIME_WAITs
    error = bind_socket(socket, real);
  }
  if (error == 0 && ::listen(socket.number(), SOMAXCONN) != 0) error = errno;
  if (error != 0) {
    services_.owner.fail(services_.bind_failure("listen at", local, real, error));
    return;
  }
  auto& listener = listeners_[id] =
      std::make_unique<Listener>(services_.loop, std::move(socket));
  wait(id, *listener);
}

void TcpStreams::wait(ListenerId id, Listener& listener) {
  listener.watch.when_readable([this, id] { on_acceptable(id); });
}

void TcpStreams::on_acceptable(ListenerId id) {
  for (int i = 0; i < kAcceptsPerTurn; ++i) {
    // Looked up each time: the handler may have replaced the listener.
    const auto found = listeners_.find(id);
    if (found == listeners_.end()) return;
    if (!accept_one(id, *found->second)) return;
  }
  const auto found = listeners_.find(id);
  if (found != listeners_.end()) wait(id, *found->second);
}

/// False when there is nobody left to accept for now.
bool TcpStreams::accept_one(ListenerId id, Listener& listener) {
  sockaddr_in from{};
  socklen_t size = sizeof(from);
  Socket socket(::accept4(listener.socket.number(), reinterpret_cast<sockaddr*>(&from), &size,
                          SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!socket.is_open()) {
    if (errno == EINTR || errno == ECONNABORTED) return true;
    if (errno == EAGAIN) {
      wait(id, listener);
    } else {
      // Out of descriptors or memory: the listener stays ready, so asking at once would spin.
      listener.retry.set(monotonic_now_ns() + kAcceptRetryNs, [this, id] { on_acceptable(id); });
    }
    return false;
  }
  const Endpoint real = from_sockaddr(from);
  const PeerPath* path = services_.paths.find(services_.addresses.node_at_real(real));
  if (path != nullptr && path->is_off()) return true;  // it had called before its power went
  HeldAccept accepted{id, std::move(socket), real};
  if (path != nullptr && (path->is_blocked_in() || path->is_blocked_out())) {
    held_.push_back(std::move(accepted));
  } else {
    admit(std::move(accepted));
  }
  return true;
}

void TcpStreams::admit(HeldAccept accepted) {
  const StreamId id{next_accepted_++};
  TcpStream& stream = create(id, accepted.real_peer);
  stream.adopt(std::move(accepted.socket));
  ++services_.counters.streams_accepted;
  const Endpoint peer = services_.addresses.to_scenario(accepted.real_peer);
  services_.owner.handle(
      StreamEvent{StreamEventKind::kAccepted, id, accepted.listener, peer, {}, {}});
}

void TcpStreams::admit_held() {
  std::vector<HeldAccept> held = std::exchange(held_, {});
  for (HeldAccept& accepted : held) {
    const PeerPath* path =
        services_.paths.find(services_.addresses.node_at_real(accepted.real_peer));
    if (path != nullptr && (path->is_blocked_in() || path->is_blocked_out())) {
      held_.push_back(std::move(accepted));
    } else {
      admit(std::move(accepted));
    }
  }
}

void TcpStreams::open(StreamId id, const Endpoint& to) {
  close(id);
  create(id, services_.addresses.to_real(to, services_.self)).connect(to);
}

void TcpStreams::write(StreamId id, Bytes data) {
  TcpStream* stream = find(id);
  if (stream == nullptr) return;
  stream->write(data);
  if (written_.empty() || written_.back() != stream->serial()) {
    written_.push_back(stream->serial());
  }
}

void TcpStreams::flush_written() {
  for (const std::uint64_t serial : written_) {
    const auto found = streams_.find(serial);
    if (found != streams_.end()) found->second->pump();
  }
  written_.clear();
}

void TcpStreams::close(StreamId id) {
  TcpStream* stream = find(id);
  if (stream == nullptr) return;
  named_.erase(id);
  stream->close();
}

void TcpStreams::on_blocks_changed() {
  std::vector<TcpStream*> streams;
  for (const auto& [serial, stream] : streams_) streams.push_back(stream.get());
  // Those that retire in the course of this live on until a later turn.
  for (TcpStream* stream : streams) stream->on_blocks_changed();
  if (!held_.empty()) services_.answer([this] { admit_held(); });
}

void TcpStreams::lose_peer(const PeerPath& path) {
  std::erase_if(held_, [&](const HeldAccept& accepted) {
    return services_.paths.find(services_.addresses.node_at_real(accepted.real_peer)) == &path;
  });
  std::vector<TcpStream*> streams;
  for (const auto& [serial, stream] : streams_) {
    if (stream->path() == &path) streams.push_back(stream.get());
  }
  for (TcpStream* stream : streams) stream->lose_peer();
}

void TcpStreams::close_all() {
  listeners_.clear();
  held_.clear();
  while (!named_.empty()) close(named_.begin()->first);
}

bool TcpStreams::is_idle() const {
  for (const auto& [serial, stream] : streams_) {
    if (!stream->is_finished()) return false;
  }
  return true;
}

}  // namespace twinbed::backends
