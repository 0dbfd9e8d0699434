#include "core/protocols/wfb/receiver_node.h"

#include "core/protocols/wfb/records.h"

namespace twinbed::wfb {
namespace {

constexpr SocketId kInput{1};
constexpr SocketId kOutput = kReceiverOutput;
constexpr TimerId kReport{1};
constexpr TimerId kForget{2};
constexpr Duration kForgetEvery = std::chrono::seconds(1);

std::int64_t milliseconds_of(Time time) { return to_ns(time) / 1'000'000; }

}  // namespace

ReceiverNode::ReceiverNode(const ReceiverOptions& options)
    : options_(options), aggregator_(options.decoder, *this) {}

void ReceiverNode::on_start(Context& context) {
  if (options_.listen_port) context.datagrams.bind(kInput, {kAnyAddress, *options_.listen_port});
  if (options_.output) context.datagrams.bind(kOutput, {kAnyAddress, 0});
  context.timers.set(
      kReport, context.now + (options_.reports_at_start ? Duration{} : options_.log_interval));
  context.timers.set(kForget, context.now + kForgetEvery);
}

void ReceiverNode::on_timer(Context& context, TimerId id) {
  if (id == kForget) {
    aggregator_.forget_old();
    context.timers.set(kForget, context.now + kForgetEvery);
    return;
  }
  report(context);
  context.timers.set(kReport, context.now + options_.log_interval);
}

void ReceiverNode::on_frame(Context& context, const RxFrame& frame) {
  const std::optional<Bytes> packet = packet_in_frame(frame.frame, options_.decoder.channel);
  if (options_.listen_port || frame.bad_fcs || !packet) return;
  context_ = &context;
  constexpr std::uint32_t kThisHost = 0;
  const auto wlan = static_cast<std::uint8_t>(frame.interface);
  aggregator_.receive(kThisHost, reception_of(frame, wlan), *packet);
}

void ReceiverNode::on_datagram(Context& context, const Datagram& datagram) {
  context_ = &context;
  const auto address = datagram.from.address.value;
  aggregator_.receive_datagram(address, datagram.payload);
}

void ReceiverNode::on_payload(Bytes payload) {
  if (options_.output) {
    context_->datagrams.send(kOutput, *options_.output, payload);
  } else {
    context_->application.deliver(payload);
  }
}

void ReceiverNode::on_session(const Session& session) {
  context_->recorder.event(kSessionEvent, {{"epoch", static_cast<std::int64_t>(session.epoch)},
                                           {"k", std::int64_t{session.fec.k}},
                                           {"n", std::int64_t{session.fec.n}}});
  context_->recorder.log(session_line(milliseconds_of(context_->now), session));
}

void ReceiverNode::report(Context& context) {
  const std::int64_t now_ms = milliseconds_of(context.now);
  for (const auto& [key, stats] : aggregator_.antennas().rows()) {
    if (stats.count == 0) continue;
    context.recorder.event(kAntennaEvent,
                           {{"antenna", static_cast<std::int64_t>(key.antenna.value)},
                            {"mhz", std::int64_t{key.mhz}},
                            {"mcs", std::int64_t{key.mcs}},
                            {"bandwidth", std::int64_t{key.bandwidth_mhz}},
                            {"packets", static_cast<std::int64_t>(stats.count)},
                            {"signal_dbm", std::int64_t{stats.signal_dbm.mean()}},
                            {"snr_db", std::int64_t{stats.snr_db.mean()}}});
    context.recorder.log(antenna_line(now_ms, key, stats));
  }
  const ReceiverCounters counters = aggregator_.counters();
  for (const auto& [metric, value] :
       {std::pair{&kRxAll, counters.all}, {&kRxUndecryptable, counters.dec_err},
        {&kRxData, counters.data}, {&kRxUnique, counters.uniq}, {&kRxRecovered, counters.fec_rec},
        {&kRxLost, counters.lost}, {&kRxBad, counters.bad}, {&kRxOut, counters.out},
        {&kRxOverrides, counters.overrides}}) {
    context.recorder.sample(*metric, static_cast<double>(value));
  }
  context.recorder.log(packet_line(now_ms, counters));
  aggregator_.end_interval();
}

}  // namespace twinbed::wfb
