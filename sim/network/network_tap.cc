// What the network shows to an observer.
#include "sim/network/network.h"

namespace twinbed::sim {

std::optional<NodeId> Tcp::node_of(ConnectionRef ref) const {
  if (ref.index >= connections_.size()) return std::nullopt;
  const Connection& connection = connections_[ref.index];
  if (connection.generation != ref.generation || connection.state == State::kFree) {
    return std::nullopt;
  }
  return connection.node;
}

/// The node of a connection, else of a bound port, else the only one of the host.
std::optional<NodeId> Network::owner_of(DeviceIndex host, const Packet& packet,
                                        ConnectionRef connection, std::uint16_t port) const {
  if (packet.transport == Transport::kTcp) {
    if (const auto node = tcp_.node_of(connection)) return node;
  }
  if (const PortEntry* entry = find_port(host, packet.transport, port)) return entry->node;
  std::optional<NodeId> only;
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (nodes_[node].host != host) continue;
    if (only) return std::nullopt;
    only = NodeId{static_cast<std::uint32_t>(node)};
  }
  return only;
}

void Network::show_sent(std::uint32_t index) {
  const Packet& packet = packets_[index];
  const bool leaves = packet.target == packet.source ||
                      routing_.next_link(packet.source, packet.target).has_value();
  if (!leaves) return;
  tap_->sent({world_.now, owner_of(packet.source, packet, packet.tcp.from, packet.from.port),
              packet,
              world_.payloads.view(packet.payload).subspan(packet.offset, packet.length)});
}

void Network::show_received(const Packet& packet) {
  tap_->received({world_.now, owner_of(packet.target, packet, packet.tcp.to, packet.to.port),
                  packet,
                  world_.payloads.view(packet.payload).subspan(packet.offset, packet.length)});
}

}  // namespace twinbed::sim
