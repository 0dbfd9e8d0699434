#include "backends/socket/tcp_stream.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace twinbed::backends {
namespace {

/// As much as a kernel's send buffer: below this, bytes that wait for the link count as drained.
constexpr std::size_t kSendBufferBytes = 256 * 1024;
/// How long a closed stream waits for the peer's end, so that no reset destroys what is under way.
constexpr std::int64_t kLingerNs = 2'000'000'000;

StreamFailure failure_of(int error) {
  switch (error) {
    case ECONNREFUSED:
    case ECONNRESET: return StreamFailure::kRefused;
    case ETIMEDOUT: return StreamFailure::kTimedOut;
    default: return StreamFailure::kUnreachable;
  }
}

}  // namespace

TcpStream::TcpStream(SocketServices& services, StreamSet& set, std::uint64_t serial, StreamId id,
                     const Endpoint& real_peer)
    : services_(services),
      set_(set),
      serial_(serial),
      id_(id),
      real_peer_(real_peer),
      path_(nullptr),
      alarm_(services.loop) {
  const std::optional<NodeId> peer = services.addresses.node_at_real(real_peer);
  if (peer != services.self) path_ = services.paths.find(peer);
  was_blocked_out_ = path_ != nullptr && path_->is_blocked_out();
}

bool TcpStream::is_blocked() const {
  return path_ != nullptr && (path_->is_blocked_out() || path_->is_blocked_in());
}

bool TcpStream::needs_shaper() const {
  return path_ != nullptr && (!path_->is_perfect() || path_->is_blocked_out());
}

// Connecting

void TcpStream::connect(const Endpoint& scenario_peer) {
  scenario_peer_ = scenario_peer;
  connect_started_ = services_.clock.run_now();
  try_connect();
}

/// Sends a SYN, as far as the protocol's network is concerned.
void TcpStream::try_connect() {
  if (is_blocked()) {
    ++services_.counters.connects_held;
    connect_later();
    return;
  }
  if (!needs_shaper()) {
    connect_now();
    return;
  }
  const Time now = services_.clock.run_now();
  const PeerPath::Arrival arrival = path_->pass(now, sim::kTcpOverheadBytes);
  if (arrival.copies == 0 || arrival.corrupt_bit >= 0) {
    connect_later();
    return;
  }
  one_way_ = arrival.at[0] - now;
  alarm_.set(services_.clock.monotonic_at_run(arrival.at[0]), [this] { connect_now(); });
}

/// The SYN was lost: waits for the next, or for the end of all patience.
void TcpStream::connect_later() {
  ++syns_;
  const bool is_last = syns_ >= kSynSeconds.size();
  const std::chrono::seconds after(is_last ? kConnectTimeoutSeconds : kSynSeconds[syns_]);
  alarm_.set(services_.clock.monotonic_at_run(connect_started_ + after), [this, is_last] {
    if (is_last) {
      end_with(StreamEventKind::kFailed, StreamFailure::kTimedOut);
    } else {
      try_connect();
    }
  });
}

void TcpStream::connect_now() {
  if (is_blocked()) {
    connect_later();
    return;
  }
  socket_ = Socket::stream();
  int error = socket_.is_open() ? 0 : errno;
  const std::optional<NodeAddress> own = services_.addresses.of(services_.self);
  if (error == 0 && own && !services_.bind_address) {
    // From the node's own address, by which the other side knows who is calling.
    set_option(socket_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    error = bind_socket(socket_, {own->real.address, 0});
  }
  if (error == 0) {
    set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
    const sockaddr_in address = to_sockaddr(real_peer_);
    const int result = ::connect(socket_.number(), reinterpret_cast<const sockaddr*>(&address),
                                 sizeof(address));
    if (result != 0 && errno != EINPROGRESS) error = errno;
  }
  if (error != 0) {
    set_.answer_for(serial_, [this, error] { report_connect(error); });
    return;
  }
  watch_ = std::make_unique<Watch>(services_.loop, socket_.number());
  watch_->when_writable([this] { on_connect_done(); });
}

void TcpStream::on_connect_done() {
  const int error = take_error(socket_);
  if (one_way_ == Duration{}) {
    report_connect(error);
    return;
  }
  // The answer's way back is taken to be as long as the SYN's way out.
  alarm_.set(services_.clock.monotonic_at_run(services_.clock.run_now() + one_way_),
             [this, error] { report_connect(error); });
}

void TcpStream::report_connect(int error) {
  connect_result_ = error;
  if (is_blocked()) return;  // reported at the heal
  connect_result_.reset();
  if (error != 0) {
    end_with(StreamEventKind::kFailed, failure_of(error));
    return;
  }
  ++services_.counters.streams_opened;
  start_open();
  if (!is_owned_) return;
  services_.owner.handle(StreamEvent{StreamEventKind::kOpened, id_, {}, scenario_peer_, {}, {}});
}

void TcpStream::adopt(Socket socket) {
  socket_ = std::move(socket);
  set_option(socket_, IPPROTO_TCP, TCP_NODELAY, 1);
  watch_ = std::make_unique<Watch>(services_.loop, socket_.number());
  start_open();
}

void TcpStream::start_open() {
  phase_ = Phase::kOpen;
  route(std::exchange(early_, {}));
  wait_readable();
  if (!is_owned_) finish();
  pump();
}

// Receiving

void TcpStream::wait_readable() {
  if (phase_ != Phase::kOpen || is_read_ended_ || is_peer_lost_) return;
  if (path_ != nullptr && path_->is_blocked_in()) return;  // asked again at the heal
  watch_->when_readable([this] { on_readable(); });
}

void TcpStream::on_readable() {
  if (phase_ != Phase::kOpen || is_peer_lost_) return;
  if (path_ == nullptr || !path_->is_blocked_in()) receive();
}

/// Reads once; false when there was nothing, or nothing will come any more.
bool TcpStream::receive() {
  const std::span<std::byte> buffer = set_.receive_buffer();
  const ssize_t got = ::recv(socket_.number(), buffer.data(), buffer.size(), 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
    wait_readable();
    return false;
  }
  if (got < 0 || (got == 0 && is_write_broken_)) {
    end_with(StreamEventKind::kReset);
    return false;
  }
  if (got == 0) {
    is_read_ended_ = true;
    end_with(StreamEventKind::kClosed);
    return false;
  }
  wait_readable();
  if (!is_owned_) return true;  // closed here: what still comes is of no interest
  services_.counters.stream_bytes_received += static_cast<std::uint64_t>(got);
  StreamEvent event{StreamEventKind::kData, id_, {}, {}, {}, {}};
  event.data = buffer.first(static_cast<std::size_t>(got));
  services_.owner.handle(event);
  return true;
}

void TcpStream::lose_peer() {
  if (phase_ == Phase::kConnecting && socket_.is_open()) {
    // Its answer will never come, nor one to the SYNs that follow while it is off.
    watch_.reset();
    socket_ = Socket();
    connect_result_.reset();
    connect_later();
  }
  if (phase_ != Phase::kOpen) return;
  const bool is_readable = path_ == nullptr || !path_->is_blocked_in();
  while (is_readable && phase_ == Phase::kOpen && !is_read_ended_ && receive()) {
  }
  is_peer_lost_ = true;
  if (watch_ != nullptr) watch_->ignore_readable();
}

/// The stream has ended for the protocol. The handler call is the last thing that happens here.
void TcpStream::end_with(StreamEventKind kind, StreamFailure failure) {
  const bool was_owned = std::exchange(is_owned_, false);
  if (was_owned) set_.release_name(id_);
  if (kind == StreamEventKind::kClosed) {
    finish();  // what the protocol has written is still sent
    pump();
    if (is_fin_sent_) done();
  } else {
    if (kind == StreamEventKind::kFailed) ++services_.counters.streams_failed;
    if (kind == StreamEventKind::kReset) ++services_.counters.streams_reset;
    done();
  }
  if (was_owned) services_.owner.handle(StreamEvent{kind, id_, {}, {}, failure, {}});
}

void TcpStream::done() {
  if (phase_ == Phase::kDone) return;
  phase_ = Phase::kDone;
  alarm_.cancel();
  watch_.reset();
  socket_ = Socket();
  set_.retire(serial_);
}

// Sending

void TcpStream::write(Bytes data) {
  if (data.empty() || is_finishing_) return;
  wants_drained_ = true;
  if (phase_ == Phase::kConnecting) {
    early_.insert(early_.end(), data.begin(), data.end());
  } else {
    route(data);
  }
}

void TcpStream::route(Bytes data) {
  if (data.empty() || is_write_broken_) return;
  if (path_ != nullptr && path_->is_blocked_out()) {
    services_.counters.stream_bytes_held += data.size();
  }
  if (needs_shaper() || !shaper_.empty()) {
    shaper_.write(services_.clock.run_now(), data);
  } else {
    out_.insert(out_.end(), data.begin(), data.end());
  }
}

void TcpStream::close() {
  is_owned_ = false;
  if (phase_ == Phase::kOpen) {
    finish();
    pump();
  } else if (early_.empty()) {
    done();
  }
}

void TcpStream::finish() {
  if (std::exchange(is_finishing_, true)) return;
  is_fin_shaped_ = needs_shaper() || !shaper_.empty();
  if (is_fin_shaped_) shaper_.finish(services_.clock.run_now());
}

void TcpStream::pump() {
  if (phase_ != Phase::kOpen) return;
  shape();
  send_to_kernel();
  if (phase_ != Phase::kOpen || out_at_ < out_.size()) return;
  if (wants_drained_ && is_owned_ && shaper_.waiting_bytes() <= kSendBufferBytes) {
    wants_drained_ = false;
    set_.answer_for(serial_, [this] { announce_drained(); });
  }
  const bool has_ended = is_fin_shaped_ ? shaper_.has_ended() : is_finishing_;
  if (has_ended) send_fin();
}

/// Passes bytes over the emulated link, where there is one or was one when they were written.
void TcpStream::shape() {
  if (path_ == nullptr || shaper_.empty()) return;
  const std::optional<Duration> late =
      shaper_.advance(services_.clock.run_now(), *path_, out_);
  if (late) services_.lateness.add(LatenessKind::kRelease, *late);
  if (shaper_.has_given_up()) {
    set_.answer_for(serial_, [this] { end_with(StreamEventKind::kReset); });
    return;
  }
  arm();
}

void TcpStream::arm() {
  const Time wake = shaper_.next_wake();
  if (wake == kNever) return;
  alarm_.set(services_.clock.monotonic_at_run(wake), [this] { pump(); });
}

void TcpStream::send_to_kernel() {
  if (is_peer_lost_ && out_at_ < out_.size()) {
    on_write_error();
    set_.answer_for(serial_, [this] { end_with(StreamEventKind::kReset); });
    return;
  }
  while (out_at_ < out_.size()) {
    const ssize_t sent = ::send(socket_.number(), out_.data() + out_at_, out_.size() - out_at_,
                                MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno == EAGAIN) {
      watch_->when_writable([this] { pump(); });
      break;
    }
    if (sent < 0) {
      on_write_error();
      return;
    }
    services_.counters.stream_bytes_sent += static_cast<std::uint64_t>(sent);
    out_at_ += static_cast<std::size_t>(sent);
  }
  if (out_at_ * 2 >= out_.size()) {
    out_.erase(out_.begin(), out_.begin() + static_cast<std::ptrdiff_t>(out_at_));
    out_at_ = 0;
  }
}

/// The connection is broken. What has arrived before is still read; the end that follows it is a
/// reset, whatever the kernel says then.
void TcpStream::on_write_error() {
  is_write_broken_ = true;
  wants_drained_ = false;
  out_.clear();
  out_at_ = 0;
  shaper_ = StreamShaper();
  alarm_.cancel();
  if (!is_owned_) done();
}

void TcpStream::announce_drained() {
  const bool has_more = !out_.empty() || shaper_.waiting_bytes() > kSendBufferBytes;
  if (!is_owned_ || has_more || is_write_broken_) return;
  services_.owner.handle(StreamEvent{StreamEventKind::kDrained, id_, {}, {}, {}, {}});
}

void TcpStream::send_fin() {
  if (std::exchange(is_fin_sent_, true)) return;
  ::shutdown(socket_.number(), SHUT_WR);
  if (is_read_ended_) {
    done();
    return;
  }
  alarm_.set(monotonic_now_ns() + kLingerNs, [this] { done(); });
}

void TcpStream::on_blocks_changed() {
  if (path_ == nullptr || phase_ == Phase::kDone) return;
  if (connect_result_ && !is_blocked()) {
    set_.answer_for(serial_, [this, error = *connect_result_] { report_connect(error); });
    connect_result_.reset();
  }
  if (phase_ != Phase::kOpen) return;
  const bool was_blocked = std::exchange(was_blocked_out_, path_->is_blocked_out());
  if (was_blocked_out_ && !was_blocked && !is_fin_sent_) {
    shaper_.cut(Bytes(out_).subspan(out_at_));
    services_.counters.stream_bytes_held += shaper_.waiting_bytes();
    out_.clear();
    out_at_ = 0;
    if (is_finishing_ && !is_fin_shaped_) {
      is_fin_shaped_ = true;
      shaper_.finish(services_.clock.run_now());
    }
  }
  wait_readable();
  pump();
}

}  // namespace twinbed::backends
