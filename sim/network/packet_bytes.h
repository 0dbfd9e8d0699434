// Packets of the simulated network as the IPv4 packets that a capture would show.
//
// The model knows addresses, ports, flags, 64-bit sequence numbers from 0 and the window; the rest
// is made up so that any reader of captures understands it:
//   - Headers have no options, so that a packet is as long as the links have reckoned
//     (Packet::wire_bytes). Without the option of window scaling, windows above 65,535 are shown as
//     65,535.
//   - The initial sequence number of a connection is a hash of its place and generation in the
//     simulator. SYN takes a number here and none in the model: the byte that the model counts as n
//     is ISN + 1 + n, modulo 2^32.
//   - The model's resets carry no numbers; they get those of RFC 9293 section 3.5.2. A zero-window
//     probe repeats the number before the next, as Linux's do (tcp_xmit_probe_skb).
//   - The time to live is what the model has left of its 64 hops. "Don't fragment" is set, and so
//     the identification is 0 (RFC 6864).
//   - Checksums are right. That of a packet which a link has damaged is wrong in its lowest bit,
//     for the model does not say which bit of a segment was flipped, and checks none in a datagram.
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <utility>

#include "core/base/bytes.h"
#include "sim/network/packet.h"

namespace twinbed::sim {

/// One object for all packets of a run, in the order in which they pass.
class PacketBytes {
 public:
  /// The bytes on the sender's link; valid until the next call.
  Bytes sent(const Packet& packet, Bytes payload);
  /// The same packet as it arrives.
  Bytes received(const Packet& packet, Bytes payload);

 private:
  /// A TCP header as it goes over the wire.
  struct Numbers {
    std::uint32_t sequence = 0;
    std::uint32_t acknowledged = 0;
    bool ack = false;
    std::uint32_t span = 0;  // how many sequence numbers the segment takes up
  };
  using ConnectionKey = std::pair<std::uint32_t, std::uint32_t>;  // index and generation
  using ResetKey = std::tuple<ConnectionKey, ConnectionKey, std::int64_t>;  // and time of sending

  static ConnectionKey key_of(ConnectionRef ref) { return {ref.index, ref.generation}; }
  static ResetKey reset_key(const Packet& packet);
  Numbers numbers_of(const Packet& packet) const;
  Numbers reset_numbers(const Packet& packet) const;
  Bytes write(const Packet& packet, Bytes payload, const Numbers& numbers);

  std::map<ConnectionKey, std::uint32_t> next_;  // the sequence number after all that was sent
  std::map<ResetKey, Numbers> resets_;           // that were sent, for when they arrive
  Numbers last_received_;                        // what a reset without a connection answers
  Buffer bytes_;
};

}  // namespace twinbed::sim
