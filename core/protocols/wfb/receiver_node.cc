#include "core/protocols/wfb/receiver_node.h"

#include <algorithm>

#include "core/protocols/wfb/epoch_reserve.h"
#include "core/protocols/wfb/records.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr SocketId kInput{1};
constexpr SocketId kOutput = kReceiverOutput;
constexpr TimerId kReport{1};
constexpr TimerId kForget{2};
constexpr TimerId kRing{3};
constexpr std::uint64_t kAdoptedTokens = 1;
constexpr Duration kForgetEvery = std::chrono::seconds(1);

std::int64_t milliseconds_of(Time time) { return to_ns(time) / 1'000'000; }

Buffer record_of(const AdoptedSession& adopted) {
  Buffer record;
  Writer writer(record);
  writer.u64be(adopted.epoch);
  writer.bytes(adopted.hash);
  return record;
}

std::optional<AdoptedSession> adopted_of(Bytes record) {
  Reader reader(record);
  AdoptedSession adopted;
  adopted.epoch = reader.u64be();
  const Bytes hash = reader.bytes(adopted.hash.size());
  if (!reader.done()) return std::nullopt;
  std::ranges::copy(hash, adopted.hash.begin());
  return adopted;
}

}  // namespace

ReceiverNode::ReceiverNode(const ReceiverOptions& options)
    : options_(options),
      aggregator_(options.decoder, *this),
      digests_(options.init_digests) {
  if (options.decoder.refuse_replay) {
    adopted_file_.emplace(epoch_file_name("rx", options.decoder.channel), kAdoptedTokens);
  }
}

void ReceiverNode::on_start(Context& context) {
  if (options_.listen_port) context.datagrams.bind(kInput, {kAnyAddress, *options_.listen_port});
  if (options_.output) context.datagrams.bind(kOutput, {kAnyAddress, 0});
  if (options_.log_interval > Duration{}) {
    context.timers.set(
        kReport, context.now + (options_.reports_at_start ? Duration{} : options_.log_interval));
  }
  context.timers.set(kForget, context.now + kForgetEvery);
  if (!adopted_file_) return;
  is_loading_ = true;
  adopted_file_->load(context);
}

void ReceiverNode::on_storage(Context& context, const StorageResult& result) {
  if (!adopted_file_) return;
  const StateFile::Outcome outcome = adopted_file_->on_storage(context, result);
  if (outcome == StateFile::Outcome::kDamaged) {
    is_loading_ = false;
    context.recorder.log(adopted_file_->name() +
                         " is damaged: replays of sessions that it knew are not refused");
  } else if (outcome == StateFile::Outcome::kLoaded) {
    is_loading_ = false;
    const auto adopted = adopted_of(adopted_file_->record());
    if (adopted) aggregator_.restore(*adopted);
  } else if (outcome == StateFile::Outcome::kFailed) {
    context.recorder.log("the epoch of the session cannot be kept: " +
                         std::string(to_string(result.status)) +
                         "; make room in the node's storage, or a restart opens it to replays");
  }
}

void ReceiverNode::on_timer(Context& context, TimerId id) {
  context_ = &context;
  if (id == kRing) {
    armed_ = kNever;
    aggregator_.expire(context.now);
    return arm_ring();
  }
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
  if (options_.listen_port || frame.bad_fcs || !packet || is_loading_) return;
  context_ = &context;
  constexpr std::uint32_t kThisHost = 0;
  const auto wlan = static_cast<std::uint8_t>(frame.interface);
  aggregator_.receive(kThisHost, reception_of(frame, wlan), *packet, context.now);
  arm_ring();
}

void ReceiverNode::on_datagram(Context& context, const Datagram& datagram) {
  context_ = &context;
  if (!digests_.admit(context, datagram) || is_loading_) return;
  const auto address = datagram.from.address.value;
  aggregator_.receive_datagram(address, datagram.payload, context.now);
  arm_ring();
}

/// The timer may be early, for a block that has gone out since: it is set anew when it fires.
void ReceiverNode::arm_ring() {
  const Time wake_at = aggregator_.wake_at();
  if (wake_at >= armed_) return;
  armed_ = wake_at;
  context_->timers.set(kRing, wake_at);
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
  if (adopted_file_) adopted_file_->save(*context_, record_of(*aggregator_.adopted()));
}

void ReceiverNode::on_refused(const Session& session, Refusal refusal) {
  context_->recorder.event(
      kRefusedEvent,
      {{"epoch", static_cast<std::int64_t>(session.epoch)},
       {"reason", refusal == Refusal::kReflected ? std::string_view("reflected") : "old"}});
}

void ReceiverNode::report(Context& context) {
  if (options_.before_report) options_.before_report(aggregator_);
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
  if (options_.decoder.refuse_replay) {
    context.recorder.sample(kRxRefused, static_cast<double>(counters.refused));
  }
  if (options_.decoder.ring_timeout > Duration{}) {
    context.recorder.sample(kRxExpired, static_cast<double>(counters.expired));
  }
  if (!options_.init_digests.empty()) {
    context.recorder.sample(kRxStrangers, static_cast<double>(digests_.take_refused()));
  }
  context.recorder.log(packet_line(now_ms, counters));
  aggregator_.end_interval();
}

}  // namespace twinbed::wfb
