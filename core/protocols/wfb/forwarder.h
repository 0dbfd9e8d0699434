// A node of WFB-NG's cluster: sends on to the aggregator what its cards hear. It has no key, and
// does not know what is in a packet.
//
// A data packet that another card has just heard is not sent again. It goes into a batch of
// duplicates, which tells the aggregator the antennas that heard it, too.
#pragma once

#include "core/base/time.h"
#include "core/protocols/wfb/packet_set.h"
#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

class ForwarderOwner {
 public:
  virtual ~ForwarderOwner() = default;
  /// For the aggregator; the bytes are valid during the call.
  virtual void on_datagram(Bytes datagram) = 0;
};

class Forwarder {
 public:
  /// How long a batch waits, and how long at least a packet is remembered.
  static constexpr Duration kPeriod = std::chrono::milliseconds(100);

  /// The owner outlives the forwarder.
  Forwarder(ChannelId channel, ForwarderOwner& owner) : channel_(channel), owner_(owner) {}

  /// A frame as a card heard it. Those of other channels and those that were heard wrongly are
  /// passed over.
  void receive(Time now, std::uint8_t wlan, const RxFrame& frame);

  /// Whether a batch waits to be sent, kPeriod after its first record.
  bool has_batch() const { return !batch_.empty(); }
  void send_batch();

 private:
  bool is_duplicate(Time now, Bytes packet);
  void add_record(const ShortHash& hash, const Reception& reception);

  ChannelId channel_;
  ForwarderOwner& owner_;
  RecentPackets recent_;
  Time turned_{};
  ShortHash hash_{};  ///< of the packet that is looked at
  Buffer datagram_;
  Buffer batch_;
};

}  // namespace twinbed::wfb
