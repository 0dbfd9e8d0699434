#include "backends/testbed/udp_air.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "core/wire/radiotap.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::backends {
namespace {

// The first byte of a datagram; that of a frame is 0, radiotap's version.
constexpr std::byte kAttach{1};
constexpr std::byte kTune{2};

constexpr std::size_t kTuneBytes = 3;
/// More than any frame with any radiotap header has.
constexpr std::size_t kMaxBytes = 65'536;
constexpr int kFramesPerTurn = 64;
/// The kernel gives as much of it as it allows.
constexpr int kBufferBytes = 4 << 20;
constexpr Endpoint kAnyPort{kLoopback, 0};

Result<Socket> open_socket() {
  Socket socket = Socket::datagram();
  const int error = socket.is_open() ? bind_socket(socket, kAnyPort) : errno;
  if (error != 0) {
    return Error{"no UDP port at 127.0.0.1 for a card of the air: " +
                 std::generic_category().message(error)};
  }
  set_option(socket, SOL_SOCKET, SO_RCVBUF, kBufferBytes);
  set_option(socket, SOL_SOCKET, SO_SNDBUF, kBufferBytes);
  return socket;
}

/// Datagrams that found the socket's buffer full.
std::uint64_t dropped_by(const Socket& socket) {
  std::array<std::uint32_t, SK_MEMINFO_VARS> figures{};
  socklen_t size = sizeof figures;
  ::getsockopt(socket.number(), SOL_SOCKET, SO_MEMINFO, figures.data(), &size);
  return figures[SK_MEMINFO_DROPS];
}

}  // namespace

UdpAttachment::UdpAttachment(Socket socket)
    : socket_(std::move(socket)), request_(kMaxBytes) {}

Result<std::unique_ptr<UdpAttachment>> UdpAttachment::open() {
  Result<Socket> socket = open_socket();
  if (!socket) return Error{socket.error()};
  return std::unique_ptr<UdpAttachment>(new UdpAttachment(*std::move(socket)));
}

std::string UdpAttachment::name() const { return to_string(local_endpoint(socket_)); }

std::size_t UdpAttachment::read(CardInput& card, std::size_t most) {
  for (std::size_t count = 0; count < most; ++count) {
    sockaddr_in from{};
    socklen_t from_size = sizeof from;
    const ssize_t got = ::recvfrom(socket_.number(), request_.data(), request_.size(), 0,
                                   reinterpret_cast<sockaddr*>(&from), &from_size);
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return count;
    if (got < 0) continue;  // an earlier deliver() found nobody, or a signal came
    if (hand_over(Bytes(request_).first(static_cast<std::size_t>(got)), card)) {
      program_ = from;
    } else {
      ++malformed_;
    }
  }
  return most;
}

bool UdpAttachment::hand_over(Bytes datagram, CardInput& card) {
  if (datagram.empty()) return false;
  if (datagram[0] == kAttach) return datagram.size() == 1;
  if (datagram[0] == kTune) {
    if (datagram.size() != kTuneBytes) return false;
    Reader reader(datagram.subspan(1));
    card.tune(ChannelMhz{reader.u16be()});
    return true;
  }
  const std::optional<RadiotapTx> header = read_radiotap_tx(datagram);
  if (!header) return false;
  card.transmit(datagram.subspan(header->header_bytes), header->params);
  return true;
}

void UdpAttachment::look_for_program() {
  socklen_t size = sizeof program_;
  ::recvfrom(socket_.number(), nullptr, 0, MSG_PEEK, reinterpret_cast<sockaddr*>(&program_),
             &size);
}

bool UdpAttachment::deliver(const RxFrame& frame) {
  if (program_.sin_port == 0) look_for_program();
  if (program_.sin_port == 0) return true;
  delivery_.clear();
  write_radiotap_rx(frame, delivery_);
  delivery_.insert(delivery_.end(), frame.frame.begin(), frame.frame.end());
  const ssize_t sent =
      ::sendto(socket_.number(), delivery_.data(), delivery_.size(), 0,
               reinterpret_cast<const sockaddr*>(&program_), sizeof program_);
  return sent >= 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS);
}

std::uint64_t UdpAttachment::dropped() const { return dropped_by(socket_); }

Result<std::unique_ptr<UdpRadio>> UdpRadio::open(const std::vector<Endpoint>& cards) {
  std::unique_ptr<UdpRadio> radio(new UdpRadio);
  for (const Endpoint& card : cards) {
    Result<Socket> socket = open_socket();
    if (!socket) return Error{socket.error()};
    const sockaddr_in address = to_sockaddr(card);
    // Connected, so that nobody but the air is heard.
    if (::connect(socket->number(), reinterpret_cast<const sockaddr*>(&address),
                  sizeof address) != 0) {
      return Error{"the card of the air at " + to_string(card) + " cannot be reached: " +
                   std::generic_category().message(errno)};
    }
    radio->sockets_.push_back(*std::move(socket));
    radio->request_.assign(1, kAttach);
    radio->send(radio->sockets_.size() - 1);
  }
  return radio;
}

bool UdpRadio::send(std::size_t card) {
  return ::send(sockets_[card].number(), request_.data(), request_.size(), 0) ==
         static_cast<ssize_t>(request_.size());
}

void UdpRadio::transmit(InterfaceId interface, Bytes frame, const TxParams& params) {
  const auto card = static_cast<std::size_t>(interface);
  if (card >= sockets_.size()) return;
  bool is_sent = false;
  if (mistake_in(params).empty()) {
    request_.clear();
    write_radiotap_tx(params, request_);
    request_.insert(request_.end(), frame.begin(), frame.end());
    is_sent = send(card);
  }
  if (!is_sent) ++counters_.unsent;
}

void UdpRadio::tune(InterfaceId interface, ChannelMhz channel) {
  const auto card = static_cast<std::size_t>(interface);
  if (card >= sockets_.size()) return;
  request_.assign(1, kTune);
  Writer(request_).u16be(static_cast<std::uint16_t>(channel));
  send(card);
}

std::vector<int> UdpRadio::descriptors() const {
  std::vector<int> descriptors;
  for (const Socket& socket : sockets_) descriptors.push_back(socket.number());
  return descriptors;
}

bool UdpRadio::receive(int descriptor, const FrameHandler& handler) {
  std::size_t card = 0;
  while (card < sockets_.size() && sockets_[card].number() != descriptor) ++card;
  if (card == sockets_.size()) return false;
  packet_.resize(kMaxBytes);
  for (int i = 0; i < kFramesPerTurn; ++i) {
    const ssize_t got = ::recv(descriptor, packet_.data(), packet_.size(), 0);
    // Where the air has gone (ECONNREFUSED) there is nothing to hear, as on a quiet channel.
    if (got < 0) return true;
    auto received = read_radiotap_rx(Bytes(packet_).first(static_cast<std::size_t>(got)));
    if (!received || received->is_injected) {
      ++counters_.malformed;
      continue;
    }
    received->frame.interface = InterfaceId{static_cast<std::uint32_t>(card)};
    handler(received->frame);
  }
  return true;
}

std::uint64_t UdpRadio::dropped() const {
  std::uint64_t sum = 0;
  for (const Socket& socket : sockets_) sum += dropped_by(socket);
  return sum;
}

}  // namespace twinbed::backends
