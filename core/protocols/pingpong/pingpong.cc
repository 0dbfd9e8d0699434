#include "core/protocols/pingpong/pingpong.h"

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::pingpong {
namespace {

constexpr SocketId kSocket{0};
constexpr TimerId kNextPing{0};

}  // namespace

void Pinger::on_start(Context& context) {
  context.datagrams.bind(kSocket, local_);
  context.timers.set(kNextPing, context.now + interval_);
}

void Pinger::on_timer(Context& context, TimerId) {
  Buffer ping;
  Writer(ping).u64be(sent_at_.size());
  context.datagrams.send(kSocket, peer_, ping);
  sent_at_.push_back(context.now);
  echoed_.push_back(false);
  context.timers.set(kNextPing, context.now + interval_);
}

void Pinger::on_datagram(Context& context, const Datagram& datagram) {
  Reader reader(datagram.payload);
  const std::uint64_t number = reader.u64be();
  if (!reader.ok() || number >= sent_at_.size() || echoed_[number]) return;
  echoed_[number] = true;
  context.recorder.sample(kRoundTrip, to_seconds(context.now - sent_at_[number]));
  context.recorder.event(kEcho, {{"number", static_cast<std::int64_t>(number)}});
}

void Ponger::on_start(Context& context) { context.datagrams.bind(kSocket, local_); }

void Ponger::on_datagram(Context& context, const Datagram& datagram) {
  context.datagrams.send(kSocket, datagram.from, datagram.payload);
}

}  // namespace twinbed::pingpong
