// WFB-NG's injector, `wfb_tx -I`: a node of a cluster that sends on its cards what the distributor
// asks for. The card is that of the port.
#pragma once

#include <vector>

#include "core/io/protocol.h"

namespace twinbed::wfb {

struct InjectorOptions {
  std::uint16_t first_port = 0;         ///< of the first card; the others' follow
  std::vector<InterfaceId> interfaces;
};

class InjectorNode final : public Protocol {
 public:
  explicit InjectorNode(InjectorOptions options) : options_(std::move(options)) {}

  void on_start(Context& context) override;
  void on_timer(Context&, TimerId) override {}
  void on_datagram(Context& context, const Datagram& datagram) override;

  /// Datagrams that were no request: too short, too long, or without a rate.
  std::uint64_t refused() const { return refused_; }

 private:
  InjectorOptions options_;
  std::uint64_t refused_ = 0;
};

}  // namespace twinbed::wfb
