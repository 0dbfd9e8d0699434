#include "core/protocols/wfb/transmitter_node.h"

#include <utility>

#include "core/protocols/wfb/records.h"
#include "core/wire/radiotap.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr SocketId kControl = kTransmitterControl;
constexpr SocketId kOut = kTransmitterOut;
constexpr TimerId kReport{1};
constexpr TimerId kFecTimeout{2};
constexpr TimerId kFecDelay{3};
constexpr TimerId kAnnounce{4};
constexpr TimerId kRetryEpoch{5};
constexpr std::uint64_t kEpochTokens = 1;
constexpr std::size_t kAllOutputs = ~std::size_t{0};
constexpr Duration kRetryAfter = std::chrono::seconds(1);
/// What a socket would hold while the transmitter sleeps (SO_RCVBUF of WFB-NG's servers).
constexpr std::size_t kMostWaitingBytes = 2'097'152;

/// What wfb_tx -D claims of a reception that there was not; antennas alternate at random there.
Reception made_up_reception() {
  Reception reception;
  reception.readings.fill(kUnknownReading);
  reception.readings[0] = {0, -42, -70};
  reception.mhz = 4321;
  reception.mcs = 1;
  return reception;
}

}  // namespace

TransmitterNode::TransmitterNode(TransmitterOptions options)
    : options_(std::move(options)), mark_(options_.fwmark) {
  if (options_.encoder.refuse_replay) epochs_.emplace(options_.encoder.channel, kEpochTokens);
}

void TransmitterNode::on_start(Context& context) {
  context_ = &context;
  if (!epochs_) encoder_.emplace(options_.encoder, context.random, encoder_owner());
  for (std::size_t i = 0; i < options_.outputs.size() && options_.first_input_port != 0; ++i) {
    const auto port = static_cast<std::uint16_t>(options_.first_input_port + i);
    context.datagrams.bind(SocketId{static_cast<std::uint32_t>(i)}, {kAnyAddress, port});
  }
  if (options_.control) context.datagrams.bind(kControl, *options_.control);
  context.datagrams.bind(kOut, {kAnyAddress, 0});
  context.timers.set(
      kReport, context.now + (options_.reports_at_start ? Duration{} : options_.log_interval));
  if (epochs_) return epochs_->start(context);
  if (options_.encoder.session_repeat) announce();
}

void TransmitterNode::on_storage(Context& context, const StorageResult& result) {
  context_ = &context;
  if (!epochs_) return;
  switch (epochs_->on_storage(context, result, options_.encoder.epoch)) {
    case EpochReserve::Outcome::kNotMine:
    case EpochReserve::Outcome::kPending: return;
    case EpochReserve::Outcome::kFailed:
      context.recorder.log("the epoch of the next session cannot be kept: " +
                           std::string(to_string(result.status)) +
                           "; make room in the node's storage; trying again every second");
      context.timers.set(kRetryEpoch, context.now + kRetryAfter);
      return;
    case EpochReserve::Outcome::kReady:
      if (!encoder_) begin(context);
  }
}

void TransmitterNode::begin(Context& context) {
  options_.encoder.epoch = epochs_->first();
  encoder_.emplace(options_.encoder, context.random, encoder_owner());
  if (options_.encoder.session_repeat) announce();
  encode_waiting();
}

void TransmitterNode::announce() {
  encoder_->announce_if_due(context_->now);
  context_->timers.set(kAnnounce, encoder_->next_announcement());
}

void TransmitterNode::on_timer(Context& context, TimerId id) {
  context_ = &context;
  if (id == kFecDelay) return send_waiting();
  if (id == kAnnounce) return announce();
  if (id == kRetryEpoch) return epochs_->retry(context);
  if (id == kReport) {
    report(context);
    context.timers.set(kReport, context.now + options_.log_interval);
  } else if (encoder_->has_open_block()) {
    ++counters_.fec_timeouts;
    do encoder_->fill(context.random);
    while (options_.close_block && encoder_->has_open_block());
    restart_fec_timer();
  }
}

void TransmitterNode::on_datagram(Context& context, const Datagram& datagram) {
  context_ = &context;
  if (datagram.socket == kControl) {
    const std::optional<Buffer> reply = answer_control(datagram.payload, *this);
    if (reply) context.datagrams.send(kControl, datagram.from, *reply);
  } else if (datagram.socket != kOut) {
    take(static_cast<std::uint32_t>(datagram.socket), datagram.payload);
  }
}

void TransmitterNode::on_command(Context& context, Bytes payload) {
  context_ = &context;
  take(selected_, payload);
}

ControlTarget& TransmitterNode::control(Context& context) {
  context_ = &context;
  return *this;
}

void TransmitterNode::announce_again(Context& context) {
  context_ = &context;
  if (encoder_) encoder_->announce_again(context.now);
}

void TransmitterNode::submit_to_all(Context& context, Bytes payload) {
  context_ = &context;
  take(kAllOutputs, payload);
}

void TransmitterNode::take(std::size_t output, Bytes payload) {
  ++counters_.incoming;
  counters_.incoming_bytes += payload.size();
  if (!encoder_ || !packets_.empty()) {
    if (payload_bytes_ + payload.size() > kMostWaitingBytes) return;
    payload_bytes_ += payload.size();
    payloads_.push_back({output, to_buffer(payload)});
    return;
  }
  encode(output, payload);
}

void TransmitterNode::encode(std::size_t output, Bytes payload) {
  if (payload.size() > kMaxPayloadBytes) ++counters_.truncated;
  output_ = output;
  encoder_->send(context_->now, payload, context_->random);
  restart_fec_timer();
}

void TransmitterNode::restart_fec_timer() {
  if (options_.fec_timeout > Duration{} && encoder_->has_open_block()) {
    context_->timers.set(kFecTimeout, context_->now + options_.fec_timeout);
  } else {
    context_->timers.cancel(kFecTimeout);
  }
}

bool TransmitterNode::can_set_fec() const {
  return !encoder_ || !epochs_ || epochs_->allows(encoder_->epoch() + 1);
}

void TransmitterNode::set_fec(FecParams fec) {
  options_.encoder.fec = fec;
  if (!encoder_) return;
  encoder_->set_fec(context_->now, fec, context_->random);
  if (epochs_) epochs_->note(*context_, encoder_->epoch());
  restart_fec_timer();
}

void TransmitterNode::on_packet(PacketKind kind, Bytes packet) {
  const bool waits = kind == PacketKind::kParity && options_.fec_delay > Duration{};
  if (!waits && packets_.empty()) return send(kind, output_, packet);
  if (packets_.empty()) context_->timers.set(kFecDelay, context_->now + options_.fec_delay);
  packets_.push_back({kind, output_, to_buffer(packet)});
}

void TransmitterNode::send_waiting() {
  // The parity whose time has come, and what only waits behind it.
  do {
    const Waiting packet = std::move(packets_.front());
    packets_.pop_front();
    send(packet.kind, packet.output, packet.bytes);
  } while (!packets_.empty() && packets_.front().kind != PacketKind::kParity);
  if (!packets_.empty()) {
    context_->timers.set(kFecDelay, context_->now + options_.fec_delay);
  }
  encode_waiting();
}

void TransmitterNode::encode_waiting() {
  while (packets_.empty() && !payloads_.empty()) {
    const Payload payload = std::move(payloads_.front());
    payloads_.pop_front();
    payload_bytes_ -= payload.bytes.size();
    encode(payload.output, payload.bytes);
  }
}

void TransmitterNode::send(PacketKind kind, std::size_t output, Bytes packet) {
  if (kind != PacketKind::kSession) {
    ++sent_;
    sent_bytes_ += packet.size();
  }
  // Sessions bear the mark of whatever was sent last.
  if (options_.fwmark != 0 && kind != PacketKind::kSession) {
    mark_ = options_.fwmark + (kind == PacketKind::kParity ? 1 : 0);
  }
  const ChannelId channel = options_.encoder.channel;
  const MacHeader header = frame_header(channel, options_.frame_type, frame_number_++);
  const bool goes_to_all = options_.mirror || output == kAllOutputs;
  const std::size_t first = goes_to_all ? 0 : output;
  const std::size_t last = goes_to_all ? options_.outputs.size() : output + 1;
  for (std::size_t i = first; i < last; ++i) {
    ++counters_.injected;
    counters_.injected_bytes += packet.size();
    send_to(options_.outputs[i], header, packet);
  }
}

void TransmitterNode::send_to(const TxOutput& output, const MacHeader& header, Bytes packet) {
  frame_.clear();
  Writer writer(frame_);
  if (const auto* interface = std::get_if<InterfaceId>(&output)) {
    TxParams params = *tx_params_of(options_.radio);
    params.mark = mark_;
    write_mac_header(header, frame_);
    writer.bytes(packet);
    context_->radio.transmit(*interface, frame_, params);
  } else if (const auto* injector = std::get_if<InjectorAddress>(&output)) {
    writer.u32be(mark_);
    write_radiotap_tx(*tx_params_of(options_.radio), frame_);
    write_mac_header(header, frame_);
    writer.bytes(packet);
    context_->datagrams.send(kOut, injector->endpoint, frame_);
  } else {
    write_reception(made_up_reception(), frame_);
    writer.bytes(packet);
    context_->datagrams.send(kOut, std::get<AggregatorAddress>(output).endpoint, frame_);
  }
}

void TransmitterNode::report(Context& context) {
  if (options_.before_report) options_.before_report(context.now, counters_);
  for (const auto& [metric, value] :
       {std::pair{&kTxIncoming, counters_.incoming}, {&kTxInjected, counters_.injected},
        {&kTxInjectedBytes, counters_.injected_bytes}, {&kTxTruncated, counters_.truncated},
        {&kTxFecTimeouts, counters_.fec_timeouts}}) {
    context.recorder.sample(*metric, static_cast<double>(value));
  }
  std::string line = std::to_string(to_ns(context.now) / 1'000'000) + "\tPKT\t";
  const char* separator = "";
  for (const std::uint64_t value :
       {counters_.fec_timeouts, counters_.incoming, counters_.incoming_bytes, counters_.injected,
        counters_.injected_bytes, counters_.dropped, counters_.truncated}) {
    line += std::exchange(separator, ":") + std::to_string(value);
  }
  context.recorder.log(line);
  counters_ = {};
}

}  // namespace twinbed::wfb
