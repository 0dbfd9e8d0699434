#include "scenarios/node/wfb_telemetry.h"

#include <sys/socket.h>

namespace twinbed::scenarios {
namespace {

/// Of telemetry for one who does not read: a few seconds of it, as older messages help nobody.
constexpr std::size_t kMostPending = 64 * 1024;

WfbTcpPort::Options port_options() {
  WfbTcpPort::Options options;
  options.most_pending = kMostPending;
  options.skips_messages = true;
  return options;
}

template <class Address>
void send_datagram(const backends::Socket& socket, Bytes payload, const Address& to,
                   socklen_t size) {
  // What nobody takes is lost, as on any network.
  (void)!::sendto(socket.number(), payload.data(), payload.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to), size);
}

}  // namespace

bool WfbTelemetry::is_asked_for(const StreamConfig& stream) {
  const bool is_serial = stream.peer && stream.peer->kind == Peer::Kind::kSerial;
  return stream.service_type == ServiceType::kMavlink &&
         (is_serial || stream.osd || stream.osd_tcp || stream.mavlink_tcp_port ||
          stream.log_messages || stream.call_on_arm || stream.call_on_disarm);
}

Result<std::unique_ptr<WfbTelemetry>> WfbTelemetry::open(backends::EventLoop& loop,
                                                         const StreamConfig& stream,
                                                         Options options) {
  auto made = std::unique_ptr<WfbTelemetry>(new WfbTelemetry(loop, std::move(options)));
  Result<std::monostate> opened = std::monostate{};
  if (stream.peer->kind == Peer::Kind::kSerial) opened = made->open_serial(*stream.peer);
  if (opened && stream.mavlink_tcp_port) {
    opened = made->open_tcp(static_cast<std::uint16_t>(*stream.mavlink_tcp_port));
  }
  if (opened && stream.osd) opened = made->open_osd(*stream.osd);
  if (opened && stream.osd_tcp) {
    opened = made->open_osd_tcp(static_cast<std::uint16_t>(*stream.osd_tcp));
  }
  if (!opened) return Error{opened.error()};
  made->is_logged_ = stream.log_messages;
  if (stream.call_on_arm || stream.call_on_disarm) {
    made->arm_calls_ = std::make_unique<WfbArmCalls>(loop, stream.call_on_arm,
                                                     stream.call_on_disarm, made->options_.say);
  }
  return made;
}

Result<std::monostate> WfbTelemetry::open_serial(const Peer& peer) {
  auto line = WfbSerial::open(
      loop_, peer,
      {[this](Bytes bytes) { take(serial_frames_, bytes); }, [this] { serial_frames_.reset(); },
       options_.say});
  if (!line) return Error{line.error()};
  serial_ = *std::move(line);
  return std::monostate{};
}

Result<std::monostate> WfbTelemetry::open_tcp(std::uint16_t port) {
  WfbTcpPort::Options options = port_options();
  options.make_reader = [this] {
    return [this, frames = wfb::MavlinkFrames()](Bytes bytes) mutable { take(frames, bytes); };
  };
  tcp_ = std::make_unique<WfbTcpPort>(loop_, std::move(options));
  return tcp_->listen(port);
}

Result<std::monostate> WfbTelemetry::open_osd(const Peer& peer) {
  if (peer.kind == Peer::Kind::kSerial) {
    auto line = WfbSerial::open(loop_, peer, {[](Bytes) {}, [] {}, options_.say});
    if (!line) return Error{line.error()};
    osd_serial_ = *std::move(line);
    send_to_osd_ = [this](Bytes payload) { osd_serial_->send(payload); };
  } else if (peer.kind == Peer::Kind::kConnectUnix) {
    osd_ = backends::Socket::local_datagram();
    send_to_osd_ = [this, to = backends::to_abstract_address(peer.name)](Bytes payload) {
      send_datagram(osd_, payload, to.address, to.size);
    };
  } else {
    osd_ = backends::Socket::datagram();
    send_to_osd_ = [this, to = backends::to_sockaddr(peer.endpoint)](Bytes payload) {
      send_datagram(osd_, payload, to, sizeof to);
    };
  }
  return std::monostate{};
}

Result<std::monostate> WfbTelemetry::open_osd_tcp(std::uint16_t port) {
  osd_tcp_ = std::make_unique<WfbTcpPort>(loop_, port_options());
  return osd_tcp_->listen(port);
}

void WfbTelemetry::take(wfb::MavlinkFrames& frames, Bytes bytes) {
  Buffer batch;
  frames.feed(bytes, [&](Bytes frame) {
    if (!batch.empty() && batch.size() + frame.size() > options_.batch_limit) {
      options_.send(batch);
      batch.clear();
    }
    batch.insert(batch.end(), frame.begin(), frame.end());
  });
  if (!batch.empty()) options_.send(batch);
}

void WfbTelemetry::deliver(Bytes payload) {
  if (serial_) serial_->send(payload);
  if (tcp_) tcp_->tell(as_text(payload));
  if (send_to_osd_) send_to_osd_(payload);
  if (osd_tcp_) osd_tcp_->tell(as_text(payload));
  look_at(received_, payload);
}

void WfbTelemetry::look_at(wfb::MavlinkFrames& direction, Bytes payload) {
  if (!is_logged_ && !arm_calls_) return;
  direction.feed(payload, [this](Bytes frame) {
    if (is_logged_) options_.log(frame);
    if (arm_calls_) arm_calls_->on_frame(frame);
  });
}

}  // namespace twinbed::scenarios
