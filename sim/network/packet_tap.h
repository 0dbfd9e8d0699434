// An observer of the packets at the interfaces of all hosts, as tcpdump is on a real one.
//
// A packet is `sent` when it enters the first link of its way, or the loopback of its host; a
// packet for which the host has no route is not. It is `received` when it comes to the interface of
// the host that it is for: also when that host then drops it (a wrong checksum, no socket), and
// once for each copy. So a packet that links, queues, NATs or partitions have lost, or that comes
// to a host without power, is sent and never received. Addresses are those at the interface: behind
// a NAT they differ between the two ends.
#pragma once

#include <optional>

#include "core/base/time.h"
#include "core/io/ids.h"
#include "sim/network/packet.h"

namespace twinbed::sim {

/// A packet as it passes; views are valid during the call.
struct TappedPacket {
  Time at{};
  /// Whose socket it is; where there is none (a refusal, a stray), the only node of the host.
  std::optional<NodeId> node;
  const Packet& packet;
  Bytes payload;  ///< that this packet carries
};

/// Must not change the run.
class PacketTap {
 public:
  virtual ~PacketTap() = default;
  virtual void sent(const TappedPacket& packet) = 0;
  virtual void received(const TappedPacket& packet) = 0;
};

}  // namespace twinbed::sim
