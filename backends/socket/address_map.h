// Scenario addresses and real ones.
//
// A scenario says 10.0.0.1:7001; the run may have put that node at 127.3.0.1:7001 of this machine
// or at 192.168.1.17:7001 of another. The map translates both ways at the edge of the live host, so
// that a protocol sees the scenario's addresses only and its messages read the same in every world.
//
// Nodes that share a machine each get a loopback address of their own (loopback_address), from
// which they also send and dial: the source address of a packet then tells which node it came from,
// even where its port is a random one.
#pragma once

#include <optional>
#include <set>
#include <vector>

#include "core/io/endpoint.h"
#include "core/io/ids.h"

namespace twinbed::backends {

/// One endpoint of a node. A node with several ports may be listed once for each; port 0 on both
/// sides stands for a node without a port of its own.
struct NodeAddress {
  NodeId node{};
  Endpoint scenario;
  Endpoint real;
  /// It listens at ports that are not listed, too. Where nodes share a scenario address, the ports
  /// that nobody has listed are those of the first such node.
  bool has_other_ports = false;
};

class AddressMap {
 public:
  void add(const NodeAddress& entry) { entries_.push_back(entry); }
  bool empty() const { return entries_.empty(); }

  /// Where `sender` sends to: the real endpoint of an entry with this endpoint, else the address of
  /// an entry with this address (has_other_ports) and the port unchanged, else the endpoint as it
  /// is. Where that leaves several nodes, the sender wins.
  Endpoint to_real(const Endpoint& scenario, NodeId sender) const;
  /// Where `node` listens: its own real endpoint, else its own real address and the port unchanged.
  /// At an address that is not its own this is to_real.
  Endpoint to_own_real(const Endpoint& scenario, NodeId node) const;
  /// The other way round; a real address that belongs to several scenario addresses stays as it is.
  Endpoint to_scenario(const Endpoint& real) const;
  /// The node behind a real endpoint, or nothing for a stranger.
  std::optional<NodeId> node_at_real(const Endpoint& real) const;
  /// The node behind a scenario endpoint.
  std::optional<NodeId> node_at(const Endpoint& scenario) const;
  /// The scenario address and the real address of a node; nothing where it is not listed.
  std::optional<NodeAddress> of(NodeId node) const;
  /// All nodes that are listed.
  std::set<NodeId> nodes() const;

 private:
  std::vector<NodeAddress> entries_;
};

/// A node's address on this machine: 127.R.H.L, with R from 1 to 254 by the run and H.L by the
/// node, so that runs side by side may use the same ports.
IpAddress loopback_address(std::uint32_t run, NodeId node);

}  // namespace twinbed::backends
