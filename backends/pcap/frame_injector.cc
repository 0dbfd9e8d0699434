#include "backends/pcap/frame_injector.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/wire/radiotap.h"

namespace twinbed::backends {
namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kMostQueuedBytes = std::size_t{2} << 20;

/// "frames cannot be sent on the interface wlan0: it is down; ip link set wlan0 up".
Error injection_error(const std::string& interface, int error) {
  std::string sentence = "frames cannot be sent on the interface " + interface;
  switch (error) {
    case EPERM:
    case EACCES:
      return {sentence + " without the privilege CAP_NET_RAW; run as root (sudo), or give the "
                         "program this privilege: setcap cap_net_raw+ep PROGRAM"};
    case ENODEV:
    case ENXIO: return {sentence + ": there is no such interface; ip link lists them"};
    case ENETDOWN: return {sentence + ": it is down; ip link set " + interface + " up"};
    default: return {sentence + ": " + std::generic_category().message(error)};
  }
}

}  // namespace

FrameInjector::FrameInjector(EventLoop& loop, std::string interface, InterfaceId id,
                             const InjectionOptions& options, Events events, Socket socket)
    : interface_(std::move(interface)),
      id_(id),
      options_(options),
      events_(std::move(events)),
      socket_(std::move(socket)),
      watch_(loop, socket_.number()),
      alarm_(loop),
      later_(loop) {}

Result<std::unique_ptr<FrameInjector>> FrameInjector::open(EventLoop& loop,
                                                           const std::string& interface,
                                                           InterfaceId id,
                                                           const InjectionOptions& options,
                                                           Events events) {
  // With no protocol the socket receives nothing.
  Socket socket(::socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return injection_error(interface, errno);
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (::bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return injection_error(interface, errno);
  }
  if (!options.uses_qdisc) set_option(socket, SOL_PACKET, PACKET_QDISC_BYPASS, 1);
  return std::unique_ptr<FrameInjector>(
      new FrameInjector(loop, interface, id, options, std::move(events), std::move(socket)));
}

void FrameInjector::transmit(Bytes frame, const TxParams& params) {
  if (has_failed_) return;
  if (is_waiting_ && bytes_.size() + frame.size() > kMostQueuedBytes) {
    report(frame, false, {});
    return;
  }
  const std::size_t offset = bytes_.size();
  write_radiotap_tx(params, bytes_);
  bytes_.insert(bytes_.end(), frame.begin(), frame.end());
  queue_.push_back({offset, bytes_.size() - offset, frame.size(), monotonic_now_ns(), params.mark});
  if (is_flush_due_ || is_waiting_) return;
  is_flush_due_ = true;
  later_.push([this] {
    is_flush_due_ = false;
    flush();
  });
}

void FrameInjector::flush() {
  while (!is_waiting_ && !has_failed_ && front_ < queue_.size()) {
    const int sent = send_batch();
    const std::int64_t now_ns = monotonic_now_ns();
    for (int i = 0; i < sent; ++i) finish_front(true, now_ns);
    if (sent < 0) carry_on_after(-sent);
  }
  drop_sent();
}

int FrameInjector::send_batch() {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> parts{};
  struct alignas(cmsghdr) Control {
    std::array<char, CMSG_SPACE(sizeof(std::uint32_t))> bytes{};
  };
  std::array<Control, kBatch> controls;
  const std::size_t count = std::min(kBatch, queue_.size() - front_);
  for (std::size_t i = 0; i < count; ++i) {
    const Queued& frame = queue_[front_ + i];
    parts[i] = {bytes_.data() + frame.offset, frame.size};
    msghdr& message = messages[i].msg_hdr;
    message.msg_iov = &parts[i];
    message.msg_iovlen = 1;
    if (!options_.uses_qdisc || frame.mark == 0) continue;
    message.msg_control = controls[i].bytes.data();
    message.msg_controllen = controls[i].bytes.size();
    cmsghdr* const mark = CMSG_FIRSTHDR(&message);
    mark->cmsg_level = SOL_SOCKET;
    mark->cmsg_type = SO_MARK;
    mark->cmsg_len = CMSG_LEN(sizeof frame.mark);
    std::memcpy(CMSG_DATA(mark), &frame.mark, sizeof frame.mark);
  }
  const int sent = ::sendmmsg(socket_.number(), messages.data(),
                              static_cast<unsigned>(count), MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

void FrameInjector::carry_on_after(int error) {
  switch (error) {
    case EINTR: return;
    case ENOBUFS:
      if (tries_++ < options_.retries) return wait_to_retry();
      return finish_front(false, monotonic_now_ns());
    case EAGAIN:  // too much is on its way already; the kernel says when there is room
      is_waiting_ = true;
      watch_.when_writable([this] { go_on(); });
      return;
    case EMSGSIZE: return finish_front(false, monotonic_now_ns());  // more than the interface's MTU
    default:
      has_failed_ = true;
      if (events_.on_error) events_.on_error(injection_error(interface_, error).message);
  }
}

void FrameInjector::wait_to_retry() {
  is_waiting_ = true;
  alarm_.set(monotonic_now_ns() + options_.retry_delay.count(), [this] { go_on(); });
}

void FrameInjector::go_on() {
  is_waiting_ = false;
  flush();
}

void FrameInjector::finish_front(bool is_sent, std::int64_t now_ns) {
  const Queued& frame = queue_[front_++];
  tries_ = 0;
  const Bytes queued = Bytes(bytes_).subspan(frame.offset, frame.size);
  report(queued.last(frame.frame_bytes), is_sent, Duration{now_ns - frame.queued_ns});
}

void FrameInjector::report(Bytes frame, bool is_sent, Duration latency) const {
  if (events_.on_frame) events_.on_frame({id_, frame, is_sent, latency});
}

void FrameInjector::drop_sent() {
  const std::size_t sent_bytes = front_ < queue_.size() ? queue_[front_].offset : bytes_.size();
  bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(sent_bytes));
  queue_.erase(queue_.begin(), queue_.begin() + static_cast<std::ptrdiff_t>(front_));
  for (Queued& frame : queue_) frame.offset -= sent_bytes;
  front_ = 0;
}

}  // namespace twinbed::backends
