#include "core/protocols/wfb/forwarder_node.h"

namespace twinbed::wfb {
namespace {

constexpr SocketId kSocket{1};
constexpr TimerId kBatch{1};
constexpr TimerId kDigestTimer{2};

}  // namespace

ForwarderNode::ForwarderNode(const ForwarderOptions& options)
    : options_(options), forwarder_(options.channel, *this) {}

void ForwarderNode::on_start(Context& context) {
  context.datagrams.bind(kSocket, {kAnyAddress, 0});
  if (!options_.init_digest.empty()) tell_digest(context);
}

void ForwarderNode::tell_digest(Context& context) {
  context.datagrams.send(kSocket, options_.aggregator, digest_datagram(options_.init_digest));
  context.timers.set(kDigestTimer, context.now + kDigestEvery);
}

void ForwarderNode::on_timer(Context& context, TimerId id) {
  if (id == kDigestTimer) return tell_digest(context);
  context_ = &context;
  forwarder_.send_batch();
}

void ForwarderNode::on_frame(Context& context, const RxFrame& frame) {
  context_ = &context;
  const bool had_batch = forwarder_.has_batch();
  forwarder_.receive(context.now, static_cast<std::uint8_t>(frame.interface), frame);
  if (!had_batch && forwarder_.has_batch()) {
    context.timers.set(kBatch, context.now + Forwarder::kPeriod);
  }
}

void ForwarderNode::on_datagram(Bytes datagram) {
  context_->datagrams.send(kSocket, options_.aggregator, datagram);
}

}  // namespace twinbed::wfb
