#include "core/protocols/wfb/stream.h"

#include <algorithm>
#include <utility>

#include "core/protocols/wfb/records.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint32_t kReceiverPart = 1;
constexpr std::uint32_t kTransmitterPart = 2;
constexpr std::uint32_t kUser = 0;        // socket
constexpr std::uint32_t kBatchTimer = 0;
constexpr std::uint32_t kKeepalive = 1;
constexpr int kSilentPeriods = 2;

Duration default_timeout(StreamKind kind) {
  switch (kind) {
    case StreamKind::kPlain: return Duration{};
    case StreamKind::kMavlink: return std::chrono::milliseconds(100);
    case StreamKind::kTunnel: return std::chrono::milliseconds(5);
  }
  return Duration{};
}

}  // namespace

Stream::Stream(StreamOptions options, std::uint32_t first_part, Duration log_interval)
    : options_(std::move(options)),
      first_part_(first_part),
      keepalive_every_(log_interval / 2),
      batch_timeout_(options_.batch_timeout.value_or(default_timeout(options_.kind))),
      batch_(options_.kind == StreamKind::kTunnel ? Framing::kLengths : Framing::kNone,
             options_.batch_limit),
      peer_(options_.peer) {
  if (options_.receive) {
    options_.receive->output.reset();
    options_.receive->log_interval = Duration{};
    rx_.emplace(Part(first_part + kReceiverPart, options_.name + " rx", *this),
                *options_.receive);
  }
  if (options_.transmit) {
    options_.transmit->first_input_port = 0;
    options_.transmit->log_interval = log_interval;
    tx_.emplace(Part(first_part + kTransmitterPart, options_.name + " tx", *this),
                *options_.transmit);
  }
}

void Stream::start(Context& context) {
  if (options_.input_port || options_.peer) {
    context.datagrams.bind(SocketId{first_part_ << Part::kBits | kUser},
                           {kAnyAddress, options_.input_port.value_or(0)});
  }
  if (rx_) rx_->part.run(context, [&](Context& inner) { rx_->node.on_start(inner); });
  if (tx_) tx_->part.run(context, [&](Context& inner) { tx_->node.on_start(inner); });
  if (tx_ && options_.kind == StreamKind::kTunnel) {
    context.timers.set(TimerId{first_part_ << Part::kBits | kKeepalive},
                       context.now + keepalive_every_);
  }
}

void Stream::on_timer(Context& context, TimerId id) {
  const TimerId inner_id = inner_of(id);
  switch (part_of(id) - first_part_) {
    case kReceiverPart:
      return rx_->part.run(context, [&](Context& c) { rx_->node.on_timer(c, inner_id); });
    case kTransmitterPart:
      return tx_->part.run(context, [&](Context& c) { tx_->node.on_timer(c, inner_id); });
    default: break;
  }
  if (inner_id == TimerId{kBatchTimer}) return send_batch(context);
  keep_alive(context);
  context.timers.set(id, context.now + keepalive_every_);
}

void Stream::on_datagram(Context& context, const Datagram& datagram) {
  const Datagram inner{inner_of(datagram.socket), datagram.from, datagram.payload};
  switch (part_of(datagram.socket) - first_part_) {
    case kReceiverPart:
      return rx_->part.run(context, [&](Context& c) { rx_->node.on_datagram(c, inner); });
    case kTransmitterPart:
      return tx_->part.run(context, [&](Context& c) { tx_->node.on_datagram(c, inner); });
    default: break;
  }
  if (!options_.peer) peer_ = datagram.from;
  take(context, datagram.payload);
}

void Stream::on_storage(Context& context, const StorageResult& result) {
  const StorageResult inner{inner_of(result.token), result.status, result.data};
  if (part_of(result.token) - first_part_ == kReceiverPart) {
    rx_->part.run(context, [&](Context& c) { rx_->node.on_storage(c, inner); });
  } else {
    tx_->part.run(context, [&](Context& c) { tx_->node.on_storage(c, inner); });
  }
}

void Stream::on_frame(Context& context, const RxFrame& frame) {
  if (rx_) rx_->part.run(context, [&](Context& c) { rx_->node.on_frame(c, frame); });
}

// ---- From the user -----------------------------------------------------------------------------

void Stream::take(Context& context, Bytes payload) {
  if (!tx_) return;
  if (options_.kind == StreamKind::kPlain) return send(context, payload);
  if (!batch_.empty() && !batch_.fits(payload)) send_batch(context);
  const bool is_first = batch_.empty();
  batch_.add(payload);
  if (batch_timeout_ == Duration{}) return send_batch(context);
  if (!is_first) return;
  context.timers.set(TimerId{first_part_ << Part::kBits | kBatchTimer},
                     context.now + batch_timeout_);
}

void Stream::send_batch(Context& context) {
  context.timers.cancel(TimerId{first_part_ << Part::kBits | kBatchTimer});
  if (batch_.empty()) return;
  send(context, batch_.payload());
  batch_.clear();
}

void Stream::send(Context& context, Bytes payload) {
  has_sent_ = true;
  tx_->part.run(context, [&](Context& inner) { tx_->node.on_command(inner, payload); });
}

void Stream::keep_alive(Context& context) {
  silent_periods_ = std::exchange(has_received_, false) ? 0 : silent_periods_ + 1;
  const bool was_idle = !std::exchange(has_sent_, false);
  if (silent_periods_ >= kSilentPeriods) {
    tx_->part.run(context, [&](Context& inner) { tx_->node.submit_to_all(inner, {}); });
  } else if (was_idle) {
    tx_->part.run(context, [&](Context& inner) { tx_->node.on_command(inner, {}); });
  }
}

// ---- To the user -------------------------------------------------------------------------------

void Stream::on_part_delivery(Context& context, Bytes message) {
  has_received_ = true;
  if (options_.kind != StreamKind::kTunnel) return hand_out(context, message);
  if (!split_batch(message, packets_)) {
    context.recorder.event(kBadBatchEvent, {{"stream", options_.name},
                                            {"bytes", static_cast<std::int64_t>(message.size())}});
    return;
  }
  for (const Bytes packet : packets_) hand_out(context, packet);
}

void Stream::hand_out(Context& context, Bytes payload) {
  if (peer_) {
    context.datagrams.send(SocketId{first_part_ << Part::kBits | kUser}, *peer_, payload);
  } else if (!options_.input_port) {
    message_.clear();
    Writer writer(message_);
    writer.text(options_.name);
    writer.text(" ");
    writer.bytes(payload);
    context.application.deliver(message_);
  }
}

// ---- Of the profile ----------------------------------------------------------------------------

void Stream::select(WlanId wlan) {
  const auto card = std::ranges::find(options_.cards, wlan);
  if (tx_ && card != options_.cards.end()) {
    tx_->node.select(static_cast<std::size_t>(card - options_.cards.begin()));
  }
}

const AntennaTable* Stream::antennas() const {
  return rx_ ? &rx_->node.aggregator().antennas() : nullptr;
}

void Stream::end_interval(Context& context) {
  if (rx_) rx_->part.run(context, [&](Context& inner) { rx_->node.report(inner); });
}

}  // namespace twinbed::wfb
