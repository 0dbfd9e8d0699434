// Several observers of one network and one air.
#pragma once

#include <vector>

#include "sim/network/packet_tap.h"
#include "sim/radio_medium.h"

namespace twinbed::sim {

/// Hands all on to each, in the order in which they were added.
class TapTee final : public PacketTap, public RadioTap {
 public:
  template <class Tap>
  void add(Tap& tap) {
    packets_.push_back(&tap);
    frames_.push_back(&tap);
  }
  bool empty() const { return packets_.empty(); }

  void sent(const TappedPacket& packet) override {
    for (PacketTap* tap : packets_) tap->sent(packet);
  }
  void received(const TappedPacket& packet) override {
    for (PacketTap* tap : packets_) tap->received(packet);
  }
  void sent(Time at, CardAddress card, ChannelMhz channel, const TxParams& params,
            Bytes frame) override {
    for (RadioTap* tap : frames_) tap->sent(at, card, channel, params, frame);
  }
  void received(Time at, NodeId node, const RxFrame& frame) override {
    for (RadioTap* tap : frames_) tap->received(at, node, frame);
  }

 private:
  std::vector<PacketTap*> packets_;
  std::vector<RadioTap*> frames_;
};

}  // namespace twinbed::sim
