// WFB-NG's forwarder, `wfb_rx -f`: a node of a cluster that sends what its cards hear to the
// aggregator.
//
// With a digest (policy robust) it tells the aggregator, at its start and every second, of which
// configuration the script is that has started it: see init_digests.h.
#pragma once

#include "core/io/protocol.h"
#include "core/protocols/wfb/forwarder.h"
#include "core/protocols/wfb/init_digests.h"

namespace twinbed::wfb {

struct ForwarderOptions {
  ChannelId channel;
  Endpoint aggregator;
  /// Policy robust: of the node's init script, at most kMaxDigestBytes; empty: nothing is told.
  Buffer init_digest{};
};

class ForwarderNode final : public Protocol, private ForwarderOwner {
 public:
  explicit ForwarderNode(const ForwarderOptions& options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_frame(Context& context, const RxFrame& frame) override;

 private:
  void tell_digest(Context& context);
  void on_datagram(Bytes datagram) override;
  using Protocol::on_datagram;

  ForwarderOptions options_;
  Forwarder forwarder_;
  Context* context_ = nullptr;  ///< of the handler that runs
};

}  // namespace twinbed::wfb
