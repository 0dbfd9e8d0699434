#include "core/protocols/wfb/stream.h"

#include <algorithm>
#include <utility>

#include "core/protocols/wfb/mavlink_frames.h"
#include "core/protocols/wfb/records.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint32_t kReceiverPart = 1;
constexpr std::uint32_t kReporterPart = 3;
constexpr std::uint32_t kListenerPart = 4;
constexpr std::uint32_t kBatchTimer = 0;
constexpr std::uint32_t kKeepalive = 1;
constexpr std::uint32_t kReport = 2;
constexpr std::uint32_t kSilence = 3;
constexpr FecParams kReportFec{1, 2};
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
    if (options_.reporter) make_reporter(log_interval);
  }
  if (!options_.transmit) return;
  TransmitterOptions& transmit = *options_.transmit;
  transmit.first_input_port = 0;
  transmit.log_interval = log_interval;
  if (options_.adaptive) make_listener();
  tx_.emplace(Part(first_part + kTransmitterPart, options_.name + " tx", *this), transmit);
}

void Stream::make_reporter(Duration log_interval) {
  TransmitterOptions& transmit = options_.reporter->transmit;
  transmit.first_input_port = 0;
  transmit.log_interval = log_interval;
  transmit.encoder.channel = report_channel(options_.receive->decoder.channel);
  transmit.encoder.fec = kReportFec;
  transmit.encoder.session_repeat = transmit.encoder.refuse_replay = true;
  rx_->node.aggregator().measure_link();
  reporter_.emplace(Part(first_part_ + kReporterPart, options_.name + " report tx", *this),
                    transmit);
}

void Stream::make_listener() {
  ReceiverOptions& receive = options_.adaptive->receive;
  receive.output.reset();
  receive.log_interval = Duration{};
  receive.decoder.channel = report_channel(options_.transmit->encoder.channel);
  receive.decoder.refuse_replay = true;
  listener_.emplace(Part(first_part_ + kListenerPart, options_.name + " report rx", *this),
                    receive);
  const TransmitterOptions& transmit = *options_.transmit;
  controller_.emplace(LinkController::Options::of(transmit.encoder.fec, transmit.radio));
}

void Stream::start(Context& context) {
  if (options_.input_port || options_.peer) {
    context.datagrams.bind(user_socket(), {kAnyAddress, options_.input_port.value_or(0)});
  }
  const auto start_part = [&](auto& running) {
    if (running) running->part.run(context, [&](Context& c) { running->node.on_start(c); });
  };
  start_part(rx_);
  start_part(tx_);
  start_part(reporter_);
  start_part(listener_);
  counted_at_ = context.now;
  if (tx_ && options_.kind == StreamKind::kTunnel) {
    context.timers.set(timer(kKeepalive), context.now + keepalive_every_);
  }
  if (reporter_) context.timers.set(timer(kReport), context.now + options_.reporter->every);
}

/// False where the number is the stream's own.
template <class Id, class Handler>
bool Stream::hand_to_part(Context& context, Id id, Handler&& handler) {
  const auto hand_to = [&](auto& running) {
    running.part.run(context, [&](Context& inner) {
      handler(static_cast<Protocol&>(running.node), inner, inner_of(id));
    });
    return true;
  };
  switch (part_of(id) - first_part_) {
    case kReceiverPart: return hand_to(*rx_);
    case kTransmitterPart: return hand_to(*tx_);
    case kReporterPart: return hand_to(*reporter_);
    case kListenerPart: return hand_to(*listener_);
    default: return false;
  }
}

void Stream::on_timer(Context& context, TimerId id) {
  const auto hand = [](Protocol& node, Context& c, TimerId inner) { node.on_timer(c, inner); };
  if (hand_to_part(context, id, hand)) return;
  switch (static_cast<std::uint32_t>(inner_of(id))) {
    case kBatchTimer: return send_batch(context);
    case kReport: return send_report(context);
    case kSilence: return on_silence(context);
    default:
      keep_alive(context);
      context.timers.set(id, context.now + keepalive_every_);
  }
}

void Stream::on_datagram(Context& context, const Datagram& datagram) {
  const auto hand = [&](Protocol& node, Context& c, SocketId inner) {
    node.on_datagram(c, {inner, datagram.from, datagram.payload});
  };
  if (hand_to_part(context, datagram.socket, hand)) return;
  if (!options_.peer) peer_ = datagram.from;
  take(context, datagram.payload);
}

void Stream::on_storage(Context& context, const StorageResult& result) {
  hand_to_part(context, result.token, [&](Protocol& node, Context& c, StorageToken inner) {
    node.on_storage(c, {inner, result.status, result.data});
  });
}

void Stream::on_frame(Context& context, const RxFrame& frame) {
  for (auto* running : {&rx_, &listener_}) {
    if (!*running) continue;
    (*running)->part.run(context, [&](Context& c) { (*running)->node.on_frame(c, frame); });
  }
}

// ---- From the user -----------------------------------------------------------------------------

void Stream::take(Context& context, Bytes payload) {
  if (!tx_) return;
  if (options_.on_taken) options_.on_taken(payload);
  if (options_.kind == StreamKind::kPlain) return send(context, payload);
  if (!batch_.empty() && !batch_.fits(payload)) send_batch(context);
  const bool is_first = batch_.empty();
  batch_.add(payload);
  if (batch_timeout_ == Duration{}) return send_batch(context);
  if (!is_first) return;
  context.timers.set(timer(kBatchTimer), context.now + batch_timeout_);
}

void Stream::send_batch(Context& context) {
  context.timers.cancel(timer(kBatchTimer));
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

void Stream::on_part_delivery(Context& context, std::uint32_t part, Bytes message) {
  if (part == first_part_ + kListenerPart) return take_report(context, message);
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
  if (peer_) send_to_peer(context, payload);
  const bool has_datagrams = peer_ || options_.input_port;
  if (has_datagrams && !options_.copies_to_application) return;
  message_.clear();
  Writer writer(message_);
  writer.text(options_.name);
  writer.text(" ");
  writer.bytes(payload);
  context.application.deliver(message_);
}

void Stream::send_to_peer(Context& context, Bytes payload) {
  const auto send = [&](Bytes datagram) {
    context.datagrams.send(user_socket(), *peer_, datagram);
  };
  while (options_.kind == StreamKind::kMavlink) {
    const std::optional<std::size_t> length = mavlink_frame_length(payload);
    if (!length || *length == 0 || *length >= payload.size()) break;
    send(payload.first(*length));
    payload = payload.subspan(*length);
  }
  send(payload);
}

// ---- Reports of the link -----------------------------------------------------------------------

void Stream::send_report(Context& context) {
  message_.clear();
  write_link_report(rx_->node.aggregator().take_link_report(), message_);
  reporter_->part.run(context, [&](Context& c) { reporter_->node.on_command(c, message_); });
  context.timers.set(timer(kReport), context.now + options_.reporter->every);
}

void Stream::take_report(Context& context, Bytes message) {
  const std::optional<LinkReport> report = read_link_report(message);
  if (!report) return;
  context.timers.set(timer(kSilence), context.now + options_.adaptive->silence);
  // All copies of the announcement were lost, or came too late for this report.
  const bool hears_another = report->epoch != 0 && report->epoch != tx_->node.epoch();
  if (hears_another && options_.transmit->encoder.refuse_replay) {
    tx_->part.run(context, [&](Context& inner) { tx_->node.announce_again(inner); });
  }
  const bool has_changed = controller_->on_report(*report, take_sent(context));
  context.recorder.sample(kLinkLoss, controller_->loss());
  follow(context, has_changed, "report");
}

void Stream::on_silence(Context& context) {
  context.timers.set(timer(kSilence), context.now + options_.adaptive->silence);
  follow(context, controller_->on_silence(take_sent(context)), "silence");
}

/// What was sent since this was asked the last time.
SentPackets Stream::take_sent(Context& context) {
  const SentPackets sent{tx_->node.sent() - counted_.packets,
                         tx_->node.sent_bytes() - counted_.bytes, context.now - counted_at_};
  counted_ = {tx_->node.sent(), tx_->node.sent_bytes(), {}};
  counted_at_ = context.now;
  return sent;
}

/// Has the transmitter follow the controller's choice; also where it could not do so before.
void Stream::follow(Context& context, bool has_changed, std::string_view reason) {
  const LinkChoice choice = controller_->choice();
  if (has_changed) {
    context.recorder.event(
        kLinkEvent, {{"stream", options_.name},
                     {"k", std::int64_t{choice.fec.k}},
                     {"n", std::int64_t{choice.fec.n}},
                     {"mcs", std::int64_t{choice.mcs}},
                     {"loss_ppm", static_cast<std::int64_t>(controller_->loss() * 1'000'000)},
                     {"reason", reason}});
  }
  tx_->part.run(context, [&](Context& inner) {
    ControlTarget& target = tx_->node.control(inner);
    const RadioSettings before = target.radio();
    controller_->set_radio(before);
    RadioSettings radio = before;
    radio.mcs = choice.mcs;
    // A request may have changed to a modulation that has no such MCS.
    if (!tx_params_of(radio)) radio = before;
    // A new session is announced at the more robust of the two rates.
    if (radio.mcs < before.mcs) target.set_radio(radio);
    if (target.fec() != choice.fec && target.can_set_fec()) target.set_fec(choice.fec);
    target.set_radio(radio);
  });
}

// ---- Of the profile ----------------------------------------------------------------------------

void Stream::select(WlanId wlan) {
  const auto card = std::ranges::find(options_.cards, wlan);
  if (card == options_.cards.end()) return;
  const auto output = static_cast<std::size_t>(card - options_.cards.begin());
  if (tx_) tx_->node.select(output);
  if (reporter_) reporter_->node.select(output);
}

void Stream::add_antennas(std::vector<const AntennaTable*>& tables) const {
  if (rx_) tables.push_back(&rx_->node.aggregator().antennas());
  if (listener_) tables.push_back(&listener_->node.aggregator().antennas());
}

void Stream::add_status(RadioStatus& status) const {
  if (rx_) status.add(rx_->node.aggregator());
}

void Stream::tell_status(Context& context, const RadioStatus& status) {
  if (!options_.status_sender) return;
  Buffer packet;
  write_radio_status(status, *options_.status_sender, status_number_++, packet);
  hand_out(context, packet);
}

void Stream::end_interval(Context& context) {
  for (auto* running : {&rx_, &listener_}) {
    if (!*running) continue;
    (*running)->part.run(context, [&](Context& c) { (*running)->node.report(c); });
  }
}

}  // namespace twinbed::wfb
