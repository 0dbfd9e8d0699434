#include "sim/network/network.h"

#include <algorithm>

#include "core/base/check.h"

namespace twinbed::sim {

Network::Network(World& world, Topology topology)
    : world_(world),
      topology_(std::move(topology)),
      routing_(topology_),
      intact_routing_(topology_),
      tcp_(world, *this),
      link_cuts_(topology_.links.size()) {
  partitions_.resize(topology_.devices.size());
  hosts_.resize(topology_.devices.size());
  for (DeviceIndex device = 0; device < topology_.devices.size(); ++device) {
    const IpAddress address = topology_.devices[device].address;
    if (!address.is_any()) addresses_.emplace_back(address, device);
  }
  std::sort(addresses_.begin(), addresses_.end());
  for (std::uint32_t link = 0; link < topology_.links.size(); ++link) {
    directions_.emplace_back(topology_.links[link].forward);
    directions_.emplace_back(topology_.links[link].backward);
    link_random_.emplace_back(world.seed, "link", std::uint64_t{link} * 2);
    link_random_.emplace_back(world.seed, "link", std::uint64_t{link} * 2 + 1);
    crossings_.resize(directions_.size());
  }
}

void Network::add_node(DeviceIndex host) {
  nodes_.push_back({host, {}});
  tcp_.add_node(host, topology_.devices[host].address);
}

const Network::PortEntry* Network::find_port(DeviceIndex host, Transport transport,
                                             std::uint16_t port) const {
  for (const PortEntry& entry : hosts_[host].ports) {
    if (entry.port == port && entry.transport == transport) return &entry;
  }
  return nullptr;
}

std::string Network::claim_port(NodeId node, Transport transport, const Endpoint& local,
                                std::uint32_t id, std::uint16_t& port) {
  const DeviceIndex host = host_of(node);
  const Device& device = topology_.devices[host];
  if (!local.address.is_any() && local.address != device.address) {
    return "the address " + to_string(local.address) + " is not one of host " + device.name +
           ", which has " + to_string(device.address);
  }
  port = local.port != 0 ? local.port : take_ephemeral_port(host);
  if (const PortEntry* taken = find_port(host, transport, port)) {
    return "port " + std::to_string(port) + " of host " + device.name +
           " is already in use by node number " +
           std::to_string(static_cast<std::uint32_t>(taken->node)) +
           "; give each node of a host a port of its own";
  }
  hosts_[host].ports.push_back({transport, port, node, id});
  return {};
}

std::string Network::bind(NodeId node, SocketId id, const Endpoint& local) {
  std::uint16_t port = 0;
  const std::string problem =
      claim_port(node, Transport::kUdp, local, static_cast<std::uint32_t>(id), port);
  if (problem.empty()) nodes_[static_cast<std::size_t>(node)].sockets.push_back({id, port});
  return problem;
}

std::string Network::listen(NodeId node, ListenerId id, const Endpoint& local) {
  std::uint16_t port = 0;
  return claim_port(node, Transport::kTcp, local, static_cast<std::uint32_t>(id), port);
}

Network::Socket& Network::socket_of(NodeId node, SocketId id) {
  std::vector<Socket>& sockets = nodes_[static_cast<std::size_t>(node)].sockets;
  for (Socket& socket : sockets) {
    if (socket.id == id) return socket;
  }
  // Sending from a socket that was never bound binds it to a free port, as sendto(2) does.
  const std::string problem = bind(node, id, {});
  TWINBED_CHECK(problem.empty(), "a free port was already in use");
  return sockets.back();
}

void Network::close_socket(NodeId node, SocketId id) {
  Node& owner = nodes_[static_cast<std::size_t>(node)];
  std::erase_if(owner.sockets, [&](const Socket& socket) { return socket.id == id; });
  std::erase_if(hosts_[owner.host].ports, [&](const PortEntry& entry) {
    return entry.transport == Transport::kUdp && entry.node == node &&
           entry.id == static_cast<std::uint32_t>(id);
  });
}

void Network::send(NodeId node, SocketId id, const Endpoint& to, Bytes payload) {
  if (payload.size() > kMaxDatagramBytes) {
    ++drops_.too_large;
    return;
  }
  const DeviceIndex source = host_of(node);
  const std::uint16_t port = socket_of(node, id).port;
  DeviceIndex target = 0;
  if (!locate(to.address, target)) {
    ++drops_.no_route;
    return;
  }
  // Written field by field where it will lie: making it elsewhere and copying it costs more than
  // all the rest of this function.
  const std::uint32_t index = take_place();
  Packet& packet = packets_[index];
  packet.from = {topology_.devices[source].address, port};
  packet.to = to;
  packet.source = source;
  packet.target = target;
  packet.payload = world_.payloads.make(payload);
  packet.offset = 0;
  packet.length = static_cast<std::uint32_t>(payload.size());
  packet.sent_at = world_.now;
  packet.transport = Transport::kUdp;
  packet.corrupted = false;
  packet.hops_left = kMostHops;
  packet.tcp = {};
  ++packets_sent_;
  if (tap_ != nullptr) show_sent(index);
  forward(source, index);
}

void Network::send_segment(const Packet& segment) {
  Packet packet = segment;
  packet.sent_at = world_.now;
  ++packets_sent_;
  const std::uint32_t index = store(packet);
  if (!locate(packet.to.address, packets_[index].target)) {
    discard(index, drops_.no_route);
    return;
  }
  if (tap_ != nullptr) show_sent(index);
  forward(packet.source, index);
}

std::uint32_t Network::store(const Packet& packet) {
  const std::uint32_t index = take_place();
  packets_[index] = packet;
  return index;
}

/// A place for a packet; what the last one left there is still in it.
std::uint32_t Network::take_place() {
  if (free_packets_.empty()) {
    packets_.emplace_back();
    free_packets_.reserve(packets_.capacity());
    return static_cast<std::uint32_t>(packets_.size() - 1);
  }
  const std::uint32_t index = free_packets_.back();
  free_packets_.pop_back();
  return index;
}

void Network::discard(std::uint32_t index, std::uint64_t& counter) {
  ++counter;
  world_.payloads.release(packets_[index].payload);
  give_back(index);
}

void Network::give_back(std::uint32_t index) {
  packets_[index].hops_left = 0;
  free_packets_.push_back(index);
}

void Network::forward(DeviceIndex device, std::uint32_t index) {
  const Packet& packet = packets_[index];
  if (packet.target == device) {
    world_.schedule(world_.now, {EventKind::kPacket, device, index, kNoLink});
    return;
  }
  const std::optional<std::uint32_t> link = routing_.next_link(device, packet.target);
  if (links_down_ > 0 && link != intact_routing_.next_link(device, packet.target)) ++reroutes_;
  if (!link) {
    discard(index, drops_.no_route);
    return;
  }
  cross_link(device, *link, index);
}

void Network::cross_link(DeviceIndex device, std::uint32_t link, std::uint32_t index) {
  const Link& edge = topology_.links[link];
  const std::size_t direction = std::size_t{link} * 2 + (edge.a == device ? 0 : 1);
  const DeviceIndex next = edge.a == device ? edge.b : edge.a;
  ++crossings_[direction];
  const Fate fate = directions_[direction].pass(
      world_.now, packets_[index].wire_bytes(), link_random_[direction]);
  if (fate.copies == 0) {
    discard(index, fate.reason == DropReason::kQueue ? drops_.queue : drops_.loss);
    return;
  }
  if (fate.corrupt_bit >= 0) {
    Packet& packet = packets_[index];
    packet.corrupted = true;
    if (packet.transport == Transport::kUdp) {
      const PayloadId damaged = world_.payloads.make_corrupted(
          packet.payload, static_cast<std::uint64_t>(fate.corrupt_bit));
      world_.payloads.release(packet.payload);
      packet.payload = damaged;
    }
  }
  for (std::uint32_t copy = 0; copy < fate.copies; ++copy) {
    std::uint32_t sent = index;
    if (copy > 0) {
      const Packet duplicate = packets_[index];
      if (duplicate.payload != kNoPayload) world_.payloads.retain(duplicate.payload);
      sent = store(duplicate);
    }
    world_.schedule_after(fate.after[copy], {EventKind::kPacket, next, sent, link});
  }
}

void Network::on_packet(DeviceIndex device, std::uint32_t index, std::uint32_t link) {
  if (hosts_[device].is_off) {
    discard(index, drops_.no_power);
    return;
  }
  Packet& packet = packets_[index];
  const bool at_nat = topology_.devices[device].kind == DeviceKind::kNat;
  if (at_nat && !pass_nat(device, link, packet)) {
    discard(index, drops_.nat);
  } else if (packet.target == device) {
    arrive(index);
  } else if (--packet.hops_left == 0) {
    discard(index, drops_.no_route);
  } else {
    forward(device, index);
  }
}

/// Rewrites a packet that crosses a NAT; false when it may not cross.
bool Network::pass_nat(DeviceIndex nat, std::uint32_t link_in, Packet& packet) {
  const bool from_inside = link_in != kNoLink && topology_.links[link_in].nat_inside;
  if (packet.target == nat) return nat_.translate_in(nat, packet, packet.target);
  const std::optional<std::uint32_t> link_out = routing_.next_link(nat, packet.target);
  if (!link_out) return true;  // forwarding will find that there is no route
  const bool to_inside = topology_.links[*link_out].nat_inside;
  if (from_inside && !to_inside) {
    nat_.translate_out(nat, topology_.devices[nat].address, packet);
  }
  return from_inside || !to_inside;
}

void Network::arrive(std::uint32_t index) {
  const Packet& packet = packets_[index];
  if (partitions_.blocked(packet.source, packet.target, packet.sent_at)) {
    ++partition_drops_[{packet.source, packet.target}];
    discard(index, drops_.partition);
    return;
  }
  if (tap_ != nullptr) show_received(packet);
  if (packet.transport == Transport::kTcp) {
    if (packet.corrupted) {
      discard(index, drops_.checksum);
      return;
    }
    const Packet segment = packet;  // the answer may take its place
    give_back(index);
    tcp_.on_segment(segment);
    world_.payloads.release(segment.payload);
    return;
  }
  const PortEntry* entry = find_port(packet.target, Transport::kUdp, packet.to.port);
  if (entry == nullptr) {
    discard(index, drops_.no_socket);
    return;
  }
  Delivery& delivery = deliveries_.add();  // takes over the packet's reference to the payload
  delivery.node = entry->node;
  delivery.socket = SocketId{entry->id};
  delivery.peer = packet.from;
  delivery.payload = packet.payload;
  delivery.length = packet.length;
  give_back(index);
}

void Network::deliver(const Delivery& delivery) { deliveries_.add() = delivery; }

void Network::drop_unread(const Delivery& delivery) {
  ++drops_.receive_buffer;
  world_.payloads.release(delivery.payload);
}

void Network::drop_deliveries(NodeId node, StreamId stream) {
  deliveries_.drop([&](const Delivery& delivery) {
    const bool unwanted =
        delivery.is_stream && delivery.node == node && delivery.stream == stream;
    if (unwanted) world_.payloads.release(delivery.payload);
    return unwanted;
  });
}

void Network::crash(NodeId node) {
  Node& owner = nodes_[static_cast<std::size_t>(node)];
  owner.sockets.clear();
  std::erase_if(hosts_[owner.host].ports,
                [&](const PortEntry& entry) { return entry.node == node; });
  tcp_.close_all(node);
}

void Network::switch_off(DeviceIndex host) {
  hosts_[host].is_off = true;
  hosts_[host].ports.clear();
  for (std::size_t node = 0; node < nodes_.size(); ++node) {
    if (nodes_[node].host != host) continue;
    nodes_[node].sockets.clear();
    tcp_.forget_all(NodeId{static_cast<std::uint32_t>(node)});
  }
}

bool Network::locate(IpAddress address, DeviceIndex& device) const {
  const auto found = std::lower_bound(addresses_.begin(), addresses_.end(),
                                      std::pair{address, DeviceIndex{0}});
  if (found == addresses_.end() || found->first != address) return false;
  device = found->second;
  return true;
}

std::uint16_t Network::take_ephemeral_port(DeviceIndex host) {
  std::uint16_t& next = hosts_[host].next_ephemeral;
  std::uint16_t port = next;
  do {
    port = next;
    next = next == 65535 ? std::uint16_t{49152} : static_cast<std::uint16_t>(next + 1);
  } while (find_port(host, Transport::kUdp, port) != nullptr ||
           find_port(host, Transport::kTcp, port) != nullptr);
  return port;
}

bool Network::find_listener(DeviceIndex host, std::uint16_t port, NodeId& node,
                            ListenerId& listener) const {
  const PortEntry* entry = find_port(host, Transport::kTcp, port);
  if (entry == nullptr) return false;
  node = entry->node;
  listener = ListenerId{entry->id};
  return true;
}

void Network::set_link(std::uint32_t link, const LinkParams& forward, const LinkParams& backward) {
  directions_[std::size_t{link} * 2].set_params(forward);
  directions_[std::size_t{link} * 2 + 1].set_params(backward);
}

void Network::set_link_up(std::uint32_t link, bool up) {
  std::uint32_t& cuts = link_cuts_[link];
  if (up) {
    if (cuts == 0 || --cuts > 0) return;
    --links_down_;
  } else {
    if (cuts++ > 0) return;
    ++links_down_;
  }
  routing_.set_link_up(link, up);
}

std::uint64_t Network::partition_drops(DeviceIndex from, DeviceIndex to) const {
  const auto found = partition_drops_.find({from, to});
  return found == partition_drops_.end() ? 0 : found->second;
}

std::uint64_t Network::under_way(DeviceIndex from, DeviceIndex to) const {
  std::uint64_t count = 0;
  for (const Packet& packet : packets_) {
    if (packet.hops_left > 0 && packet.source == from && packet.target == to) ++count;
  }
  return count;
}

}  // namespace twinbed::sim
