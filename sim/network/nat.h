// Network address translation: hosts inside can dial out, nobody outside can dial in.
//
// Endpoint-independent mapping with address- and port-dependent filtering (RFC 4787 section 4.1 and
// 5): one outside port for each inside endpoint, open only to those whom the inside has addressed.
// Mappings last until the outside ports have come round to theirs.
#pragma once

#include <map>
#include <set>

#include "sim/network/packet.h"

namespace twinbed::sim {

class Nat {
 public:
  /// Rewrites the source of a packet that leaves through this NAT device.
  void translate_out(DeviceIndex nat, IpAddress outside, Packet& packet);

  /// Rewrites the destination of a packet that came to the NAT's outside address and says which
  /// host it is for; false when no mapping admits it.
  bool translate_in(DeviceIndex nat, Packet& packet, DeviceIndex& inside_host) const;

 private:
  struct Inside {
    Endpoint endpoint;
    DeviceIndex host = 0;
    std::set<Endpoint> contacted;
  };
  using Key = std::pair<DeviceIndex, Transport>;

  std::map<std::pair<Key, Endpoint>, std::uint16_t> ports_;    // inside endpoint to outside port
  std::map<std::pair<Key, std::uint16_t>, Inside> mappings_;   // outside port to inside endpoint
  std::map<Key, std::uint16_t> next_port_;
};

}  // namespace twinbed::sim
