#include "backends/socket/address_map.h"

namespace twinbed::backends {

Endpoint AddressMap::to_real(const Endpoint& scenario, NodeId sender) const {
  const NodeAddress* by_address = nullptr;
  const NodeAddress* exact = nullptr;
  const auto wins = [sender](const NodeAddress& entry, const NodeAddress* over) {
    if (over == nullptr) return true;
    if (entry.has_other_ports != over->has_other_ports) return entry.has_other_ports;
    return entry.node == sender;
  };
  for (const NodeAddress& entry : entries_) {
    if (entry.scenario.address != scenario.address) continue;
    if (wins(entry, by_address)) by_address = &entry;
    const bool matches = entry.scenario.port == scenario.port;
    if (matches && (exact == nullptr || entry.node == sender)) exact = &entry;
  }
  if (exact != nullptr) return exact->real;
  if (by_address != nullptr) return {by_address->real.address, scenario.port};
  return scenario;
}

Endpoint AddressMap::to_own_real(const Endpoint& scenario, NodeId node) const {
  const NodeAddress* by_address = nullptr;
  for (const NodeAddress& entry : entries_) {
    if (entry.node != node || entry.scenario.address != scenario.address) continue;
    if (entry.scenario.port == scenario.port) return entry.real;
    by_address = &entry;
  }
  if (by_address != nullptr) return {by_address->real.address, scenario.port};
  return to_real(scenario, node);
}

Endpoint AddressMap::to_scenario(const Endpoint& real) const {
  std::optional<IpAddress> address;
  bool is_ambiguous = false;
  for (const NodeAddress& entry : entries_) {
    if (entry.real.address != real.address) continue;
    if (entry.real.port == real.port && real.port != 0) return entry.scenario;
    is_ambiguous = is_ambiguous || (address && *address != entry.scenario.address);
    address = entry.scenario.address;
  }
  if (!address || is_ambiguous) return real;
  return {*address, real.port};
}

namespace {

/// The node with this endpoint on one side of the map, or the only node with its address.
std::optional<NodeId> find_node(const std::vector<NodeAddress>& entries,
                                Endpoint NodeAddress::*side, const Endpoint& wanted) {
  std::optional<NodeId> by_address;
  bool is_ambiguous = false;
  for (const NodeAddress& entry : entries) {
    const Endpoint& endpoint = entry.*side;
    if (endpoint.address != wanted.address) continue;
    if (endpoint.port == wanted.port && wanted.port != 0) return entry.node;
    is_ambiguous = is_ambiguous || (by_address && *by_address != entry.node);
    by_address = entry.node;
  }
  return is_ambiguous ? std::nullopt : by_address;
}

}  // namespace

std::optional<NodeId> AddressMap::node_at_real(const Endpoint& real) const {
  return find_node(entries_, &NodeAddress::real, real);
}

std::optional<NodeId> AddressMap::node_at(const Endpoint& scenario) const {
  return find_node(entries_, &NodeAddress::scenario, scenario);
}

std::optional<NodeAddress> AddressMap::of(NodeId node) const {
  for (const NodeAddress& entry : entries_) {
    if (entry.node == node) return entry;
  }
  return std::nullopt;
}

std::set<NodeId> AddressMap::nodes() const {
  std::set<NodeId> nodes;
  for (const NodeAddress& entry : entries_) nodes.insert(entry.node);
  return nodes;
}

IpAddress loopback_address(std::uint32_t run, NodeId node) {
  const std::uint32_t network = 1 + run % 254;
  const std::uint32_t host = 1 + static_cast<std::uint32_t>(node) % 0xfffeU;
  return IpAddress{127U << 24 | network << 16 | host};
}

}  // namespace twinbed::backends
