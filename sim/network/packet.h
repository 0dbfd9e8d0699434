// A packet on its way through the simulated network, and what the network hands to a node.
#pragma once

#include "core/io/datagrams.h"
#include "core/io/streams.h"
#include "sim/network/topology.h"
#include "sim/payload_pool.h"

namespace twinbed::sim {

/// Stands for the link of a packet that never left its host.
inline constexpr std::uint32_t kNoLink = 0xffff'ffffU;

enum class Transport : std::uint8_t { kUdp, kTcp };

/// Sizes in bytes on the link: IPv4 (20) and UDP (8) or TCP (20) headers without options.
inline constexpr std::uint32_t kUdpOverheadBytes = 28;
inline constexpr std::uint32_t kTcpOverheadBytes = 40;

/// Links that a packet may cross (Linux's initial time to live).
inline constexpr std::uint8_t kMostHops = 64;

/// Names a TCP connection; the generation tells a reused slot from the one that was meant.
struct ConnectionRef {
  static constexpr std::uint32_t kNone = 0xffff'ffffU;
  std::uint32_t index = kNone;
  std::uint32_t generation = 0;

  bool operator==(const ConnectionRef&) const = default;
};

/// The part of a TCP header that the model uses. Sequence numbers count bytes from 0 in 64 bits.
struct TcpHeader {
  bool syn = false;
  bool ack = false;
  bool fin = false;
  bool rst = false;
  bool probe = false;            ///< asks for an acknowledgement (zero-window probe)
  std::uint32_t window = 0;      ///< free receive buffer in bytes
  std::uint64_t sequence = 0;
  std::uint64_t acknowledged = 0;
  ConnectionRef from;
  ConnectionRef to;              ///< kNone on the first SYN
};

struct Packet {
  Endpoint from;
  Endpoint to;
  DeviceIndex source = 0;        ///< host that sent it
  DeviceIndex target = 0;        ///< device that `to` leads to; a NAT changes it
  PayloadId payload{};
  std::uint32_t offset = 0;      ///< the part of the payload that it carries
  std::uint32_t length = 0;
  Time sent_at{};
  Transport transport = Transport::kUdp;
  bool corrupted = false;        ///< TCP: the checksum will fail
  std::uint8_t hops_left = kMostHops;
  TcpHeader tcp;

  std::uint32_t wire_bytes() const {
    return length + (transport == Transport::kUdp ? kUdpOverheadBytes : kTcpOverheadBytes);
  }
};

/// Something for a node's handlers. It holds one reference to its payload.
struct Delivery {
  NodeId node{};
  bool is_stream = false;
  SocketId socket{};            ///< datagrams
  StreamEventKind kind{};       ///< streams, like the rest
  StreamId stream{};
  ListenerId listener{};
  StreamFailure failure = StreamFailure::kNone;
  Endpoint peer;
  PayloadId payload{};
  std::uint32_t offset = 0;
  std::uint32_t length = 0;
  ConnectionRef connection;     ///< whose receive buffer is freed when the node has read it
};

/// Why packets did not arrive, counted over the run.
struct DropCounts {
  std::uint64_t loss = 0;
  std::uint64_t queue = 0;
  std::uint64_t partition = 0;
  std::uint64_t no_route = 0;
  std::uint64_t nat = 0;
  std::uint64_t no_socket = 0;
  std::uint64_t checksum = 0;
  std::uint64_t too_large = 0;
  std::uint64_t receive_buffer = 0;
  std::uint64_t no_power = 0;
};

}  // namespace twinbed::sim
