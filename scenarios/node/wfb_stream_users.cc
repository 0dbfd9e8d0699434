#include "scenarios/node/wfb_stream_users.h"

#include "core/protocols/wfb/central_node.h"

namespace twinbed::scenarios {
namespace {

/// Between the name of a stream and its payload, in commands and deliveries of a central node.
constexpr char kSeparator = ' ';

}  // namespace

Result<std::monostate> WfbStreamUsers::open(const std::string& profile,
                                            const StreamConfig& config, std::size_t number,
                                            wfb::StreamOptions& stream) {
  if (stream.kind == wfb::StreamKind::kTunnel) return open_tunnel(config, stream.name);
  const auto opened = open_socket(config, wfb::CentralNode::user_socket(number), stream);
  if (!opened || !WfbTelemetry::is_asked_for(config)) return opened;
  return open_telemetry(profile, config, stream);
}

/// Opens the socket of the stream's user where the file says, which no protocol can.
Result<std::monostate> WfbStreamUsers::open_socket(const StreamConfig& config, SocketId id,
                                                   wfb::StreamOptions& stream) {
  const Peer& peer = *config.peer;
  switch (peer.kind) {
    case Peer::Kind::kConnect:
    case Peer::Kind::kSerial: break;
    case Peer::Kind::kListen: {
      auto socket = open_wfb_udp(peer.endpoint);
      if (!socket) return Error{socket.error()};
      host_.adopt(id, *std::move(socket));
      break;
    }
    case Peer::Kind::kListenUnix: {
      auto socket = open_wfb_local(peer.name);
      if (!socket) return Error{socket.error()};
      stream.input_port = 0;
      host_.adopt(id, *std::move(socket));
      break;
    }
    case Peer::Kind::kConnectUnix:
      // The socket knows where to; any peer makes the stream use it.
      stream.peer = Endpoint{kLoopback, 0};
      host_.adopt(id, backends::Socket::local_datagram(),
                  backends::to_abstract_address(peer.name));
      break;
  }
  return std::monostate{};
}

std::function<void(Bytes)> WfbStreamUsers::commands_to(const std::string& name) {
  return [this, prefix = name + kSeparator](Bytes payload) {
    Buffer command = to_buffer(prefix);
    command.insert(command.end(), payload.begin(), payload.end());
    host_.command(command);
  };
}

Result<std::monostate> WfbStreamUsers::open_tunnel(const StreamConfig& config,
                                                   const std::string& name) {
  WfbTunnel::Options options;
  options.name = *config.ifname;
  options.address = *config.ifaddr;
  options.mtu = static_cast<int>(common_.radio_mtu) - WfbTunnel::kLengthBytes;
  options.is_default_route = config.default_route;
  auto tunnel = WfbTunnel::open(host_.loop(), options, commands_to(name));
  if (!tunnel) return Error{tunnel.error()};
  tunnels_.emplace(name, *std::move(tunnel));
  return std::monostate{};
}

Result<std::monostate> WfbStreamUsers::open_telemetry(const std::string& profile,
                                                      const StreamConfig& config,
                                                      wfb::StreamOptions& stream) {
  WfbTelemetry::Options options;
  options.batch_limit = common_.radio_mtu;
  options.send = commands_to(stream.name);
  options.say = say_;
  options.log = [this, profile](Bytes frame) { log_frame_(profile, frame); };
  auto telemetry = WfbTelemetry::open(host_.loop(), config, std::move(options));
  if (!telemetry) return Error{telemetry.error()};
  stream.copies_to_application = true;
  stream.on_taken = [user = telemetry->get()](Bytes payload) { user->on_sent(payload); };
  telemetry_.emplace(stream.name, *std::move(telemetry));
  return std::monostate{};
}

void WfbStreamUsers::deliver(Bytes message) {
  const std::string_view text = as_text(message);
  const std::size_t length = text.find(kSeparator);
  if (length == text.npos) return;
  const std::string_view name = text.substr(0, length);
  const Bytes payload = message.subspan(length + 1);
  if (const auto tunnel = tunnels_.find(name); tunnel != tunnels_.end()) {
    tunnel->second->send(payload);
  }
  if (const auto user = telemetry_.find(name); user != telemetry_.end()) {
    user->second->deliver(payload);
  }
}

}  // namespace twinbed::scenarios
