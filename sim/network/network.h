// The simulated network: packets from host to host over links, with sockets at both ends.
//
// Modelled: store-and-forward over shortest paths, one queue a link direction, all effects of
// LinkParams, NAT, partitions, UDP, and TCP as far as sim/network/tcp.h says. Not modelled: ARP,
// fragmentation (a datagram of 60 kB is one packet), ICMP, IPv6, checksums of UDP (a corrupted
// datagram arrives with a flipped bit, as with the checksum off, RFC 768).
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random_stream.h"
#include "sim/network/delivery_queue.h"
#include "sim/network/link_effects.h"
#include "sim/network/nat.h"
#include "sim/network/packet.h"
#include "sim/network/packet_tap.h"
#include "sim/network/partition.h"
#include "sim/network/routing.h"
#include "sim/network/tcp.h"
#include "sim/world.h"

namespace twinbed::sim {

class Network final : public TcpLower {
 public:
  Network(World& world, Topology topology);

  /// Says on which host a node runs; nodes are added in order of their NodeId.
  void add_node(DeviceIndex host);

  // Requests of nodes. A sentence comes back when the scenario is at fault.
  [[nodiscard]] std::string bind(NodeId node, SocketId id, const Endpoint& local);
  void send(NodeId node, SocketId id, const Endpoint& to, Bytes payload);
  void close_socket(NodeId node, SocketId id);
  [[nodiscard]] std::string listen(NodeId node, ListenerId id, const Endpoint& local);
  Tcp& tcp() { return tcp_; }

  /// Shows all packets to an observer from here on; null: to nobody. It outlives the last event.
  void set_tap(PacketTap* tap) { tap_ = tap; }

  /// The node's process is gone: its sockets close as the kernel closes them.
  void crash(NodeId node);
  /// The host has lost its power: the sockets and connections of its nodes are gone without a word,
  /// and whatever comes to it is dropped in silence until it is switched on. What has left it is
  /// under way all the same. Once it is on, it resets the connections that it no longer knows.
  void switch_off(DeviceIndex host);
  void switch_on(DeviceIndex host) { hosts_[host].is_off = false; }

  /// A packet comes to a device over a link; kNoLink where it never left its host.
  void on_packet(DeviceIndex device, std::uint32_t packet, std::uint32_t link);
  void on_tcp_timer(std::uint32_t index, std::uint32_t generation) {
    tcp_.on_timer({index, generation});
  }
  /// The next thing for a node's handlers, null when there is none; valid until the next call. The
  /// caller releases the payload.
  const Delivery* next_delivery() { return deliveries_.next(); }
  /// A datagram found the receive buffer of a process that does not read full.
  void drop_unread(const Delivery& delivery);
  /// The node has closed this stream and wants nothing more from it, not even what has arrived.
  void drop_deliveries(NodeId node, StreamId stream);

  const Topology& topology() const { return topology_; }
  Routing& routing() { return routing_; }
  Partitions& partitions() { return partitions_; }
  const DropCounts& drops() const { return drops_; }
  std::uint64_t packets_sent() const { return packets_sent_; }
  DeviceIndex host_of(NodeId node) const { return nodes_[static_cast<std::size_t>(node)].host; }
  /// Both directions of a link get other parameters, in place of the topology's.
  void set_link(std::uint32_t link, const LinkParams& forward, const LinkParams& backward);
  /// A link that is down carries nothing; what is under way on it still arrives. Taken down several
  /// times, it is up again when it was put up as often.
  void set_link_up(std::uint32_t link, bool up);
  /// How often a packet took another link, or found none, because of links that were down.
  std::uint64_t reroutes() const { return reroutes_; }
  /// Packets from one host to another that partitions have dropped so far.
  std::uint64_t partition_drops(DeviceIndex from, DeviceIndex to) const;
  /// Packets from one host to another that are under way.
  std::uint64_t under_way(DeviceIndex from, DeviceIndex to) const;
  const Packet& packet(std::uint32_t index) const { return packets_[index]; }
  /// Packets that have entered a link so far, both directions.
  std::uint64_t crossings(std::uint32_t link) const {
    return crossings_[std::size_t{link} * 2] + crossings_[std::size_t{link} * 2 + 1];
  }

  // TcpLower: what TCP needs from the network below it.
  void send_segment(const Packet& segment) override;
  void deliver(const Delivery& delivery) override;
  bool locate(IpAddress address, DeviceIndex& device) const override;
  std::uint16_t take_ephemeral_port(DeviceIndex host) override;
  bool find_listener(DeviceIndex host, std::uint16_t port, NodeId& node,
                     ListenerId& listener) const override;

 private:
  struct Socket {
    SocketId id{};
    std::uint16_t port = 0;
  };
  struct Node {
    DeviceIndex host = 0;
    std::vector<Socket> sockets;
  };
  struct PortEntry {
    Transport transport = Transport::kUdp;
    std::uint16_t port = 0;
    NodeId node{};
    std::uint32_t id = 0;  // SocketId or ListenerId
  };
  struct Host {
    std::vector<PortEntry> ports;
    std::uint16_t next_ephemeral = 49152;
    bool is_off = false;  // without power
  };

  const PortEntry* find_port(DeviceIndex host, Transport transport, std::uint16_t port) const;
  [[nodiscard]] std::string claim_port(NodeId node, Transport transport, const Endpoint& local,
                                       std::uint32_t id, std::uint16_t& port);
  Socket& socket_of(NodeId node, SocketId id);
  std::uint32_t store(const Packet& packet);
  std::uint32_t take_place();
  void discard(std::uint32_t index, std::uint64_t& counter);
  void give_back(std::uint32_t index);
  void forward(DeviceIndex device, std::uint32_t index);
  void cross_link(DeviceIndex device, std::uint32_t link, std::uint32_t index);
  void arrive(std::uint32_t index);
  bool pass_nat(DeviceIndex nat, std::uint32_t link_in, Packet& packet);
  void show_sent(std::uint32_t index);
  void show_received(const Packet& packet);
  std::optional<NodeId> owner_of(DeviceIndex host, const Packet& packet, ConnectionRef connection,
                                 std::uint16_t port) const;

  World& world_;
  Topology topology_;
  Routing routing_;
  Routing intact_routing_;                  // as if no link were down
  Partitions partitions_;
  Nat nat_;
  Tcp tcp_;
  std::vector<LinkDirection> directions_;   // 2 * link + (1 for b to a)
  std::vector<RandomStream> link_random_;   // one for each direction
  std::vector<std::uint64_t> crossings_;    // packets that entered each direction
  std::vector<std::pair<IpAddress, DeviceIndex>> addresses_;  // sorted
  std::vector<Host> hosts_;                 // by device
  std::vector<Node> nodes_;
  std::vector<Packet> packets_;             // hops_left is 0 where free
  std::vector<std::uint32_t> free_packets_;
  DeliveryQueue deliveries_;
  DropCounts drops_;
  std::map<std::pair<DeviceIndex, DeviceIndex>, std::uint64_t> partition_drops_;
  std::uint64_t packets_sent_ = 0;
  PacketTap* tap_ = nullptr;
  std::vector<std::uint32_t> link_cuts_;    // how often each link was taken down
  std::uint32_t links_down_ = 0;
  std::uint64_t reroutes_ = 0;
};

}  // namespace twinbed::sim
