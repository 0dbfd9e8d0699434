// Shortest paths through a topology whose links go up and down.
//
// The length of a path is the sum of its links' delays in their direction, plus one nanosecond for
// each link, so that among paths of equal delay the one with fewer links counts as shorter. Of
// paths that are still equal, each device takes the link with the lowest index: routes are a
// function of the topology and of which links are up. Jitter, bandwidth and load do not move them,
// nor does a fault that changes the parameters of a link, as with a routing protocol of fixed link
// costs.
//
// Hosts are end systems: a path begins or ends at a host and never leads through one.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "sim/network/topology.h"

namespace twinbed::sim {

class Routing {
 public:
  /// Copies what it needs of the topology; all links are up.
  explicit Routing(const Topology& topology);

  /// Takes a link out of service or back in. Routes are computed anew where they are next asked
  /// for.
  void set_link_up(std::uint32_t link, bool up);
  bool link_up(std::uint32_t link) const { return links_[link].up; }

  /// The link to take at a device towards another one; nothing when there is no way, or when the
  /// packet is there already. An array look-up, but for the first call towards a destination since
  /// links changed, which runs Dijkstra's algorithm from that destination.
  std::optional<std::uint32_t> next_link(DeviceIndex at, DeviceIndex to) {
    if (tables_[to].version != version_) compute(to);
    const std::uint32_t link = tables_[to].next_link[at];
    if (link == kNoLink) return std::nullopt;
    return link;
  }

  /// Whether packets from one device get to the other; each device reaches itself.
  bool reachable(DeviceIndex from, DeviceIndex to) {
    return from == to || next_link(from, to).has_value();
  }

  /// For each device the number of the piece of the network that it lies in, links that are down
  /// left out. Pieces are numbered from 0 in the order of their first devices. A host on two pieces
  /// joins them here, although it forwards nothing between them; ask reachable() for the way of
  /// packets.
  std::vector<std::uint32_t> components() const;

 private:
  struct LinkState {
    DeviceIndex a = 0;
    DeviceIndex b = 0;
    std::uint64_t forward_cost = 0;
    std::uint64_t backward_cost = 0;
    bool up = true;
  };
  struct Table {
    std::uint64_t version = 0;  // of the links for which it was computed, 0 for none
    std::vector<std::uint32_t> next_link;
  };
  static constexpr std::uint32_t kNoLink = 0xffff'ffff;

  void compute(DeviceIndex to);
  std::vector<std::uint64_t> distances(DeviceIndex to) const;
  void offer(std::uint32_t link, DeviceIndex at, DeviceIndex next, std::uint64_t cost,
             DeviceIndex to, const std::vector<std::uint64_t>& distance);

  std::vector<bool> forwards_;    // by device
  std::vector<LinkState> links_;
  std::vector<Table> tables_;     // by destination
  std::uint64_t version_ = 1;     // counts the changes of links
};

}  // namespace twinbed::sim
