#include "scenarios/node/wfb_cmd.h"

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <system_error>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "backends/system_random.h"

namespace twinbed::scenarios {
namespace {

constexpr Duration kPatience = std::chrono::seconds(3);
constexpr std::size_t kMaxReplyBytes = 64;

Buffer body_of(const WfbRequest& request) {
  switch (request.command) {
    case wfb::ControlCommand::kSetFec: return wfb::control_body(request.fec);
    case wfb::ControlCommand::kSetRadio: return wfb::control_body(request.radio);
    case wfb::ControlCommand::kGetFec:
    case wfb::ControlCommand::kGetRadio: break;
  }
  return {};
}

std::string text_of(const wfb::ControlReply& reply) {
  std::string text;
  const auto add = [&](const char* name, int value) {
    text += std::string(name) + "=" + std::to_string(value) + "\n";
  };
  if (reply.fec) {
    add("k", reply.fec->k);
    add("n", reply.fec->n);
  }
  if (reply.radio) {
    add("stbc", reply.radio->stbc);
    add("ldpc", reply.radio->ldpc);
    add("short_gi", reply.radio->short_guard_interval);
    add("bandwidth", reply.radio->bandwidth_mhz);
    add("mcs_index", reply.radio->mcs);
    add("vht_mode", reply.radio->vht_mode);
    add("vht_nss", reply.radio->spatial_streams);
  }
  return text;
}

/// The reply to the request with this number, if it comes in time.
std::optional<wfb::ControlReply> wait_for_reply(const backends::Socket& socket,
                                                std::uint32_t number) {
  const std::int64_t limit = backends::monotonic_now_ns() + kPatience.count();
  Buffer bytes(kMaxReplyBytes);
  for (;;) {
    const std::int64_t left_ms = (limit - backends::monotonic_now_ns()) / 1'000'000;
    pollfd wait{socket.number(), POLLIN, 0};
    if (left_ms <= 0 || ::poll(&wait, 1, static_cast<int>(left_ms)) <= 0) return std::nullopt;
    const ssize_t got = ::recv(socket.number(), bytes.data(), bytes.size(), 0);
    if (got < 0) return std::nullopt;  // the port is closed
    const auto reply = wfb::read_control_reply(Bytes(bytes).first(static_cast<std::size_t>(got)));
    if (reply && reply->number == number) return reply;
  }
}

}  // namespace

Result<std::string> ask_wfb_transmitter(std::uint16_t port, const WfbRequest& request) {
  const backends::Socket socket = backends::Socket::datagram();
  const Endpoint transmitter{kLoopback, port};
  const sockaddr_in address = backends::to_sockaddr(transmitter);
  backends::SystemRandom random;
  const auto number = static_cast<std::uint32_t>(random.next());
  const Buffer bytes = wfb::control_request(number, request.command, body_of(request));
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) !=
          0 ||
      ::send(socket.number(), bytes.data(), bytes.size(), 0) < 0) {
    return Error{"cannot send to " + to_string(transmitter) + ": " +
                 std::generic_category().message(errno)};
  }
  const auto reply = wait_for_reply(socket, number);
  if (!reply) {
    return Error{"no transmitter answers at " + to_string(transmitter) +
                 "; its port is that of wfb-tx -C, or of its line LISTEN_UDP_CONTROL"};
  }
  if (reply->error != 0) {
    return Error{"the transmitter refuses: " +
                 std::generic_category().message(static_cast<int>(reply->error))};
  }
  return text_of(*reply);
}

}  // namespace twinbed::scenarios
