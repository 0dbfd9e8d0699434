// Networks of regular and random shape.
//
// As in Mininet, hosts are end systems that never forward. A star is one switch with its hosts:
//
//     node1 ─┐
//     node2 ─┼─ switch
//     node3 ─┘
//
// In every other shape each position is a router with one host, as in Mininet's linear topology:
//
//     node1     node2     node3
//       │         │         │         the host's own link is perfect: no delay, no limit
//     router1 ─ router2 ─ router3     the links of the shape have the parameters asked for
//
// so that the delay between the hosts of neighbouring positions is that of one link (in a star, of
// two). Positions count from 1. Hosts come first among the devices (node1 is device 0) and, where
// there are routers, the hosts' own links come first among the links (link 0 is node1's). Addresses
// are left to assign_addresses. What cannot be built is refused with one sentence.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/random.h"
#include "core/base/result.h"
#include "sim/network/topology.h"

namespace twinbed::sim {

/// The most hosts that a generator makes, the most that a random geometric network has (its
/// construction looks at each pair of positions), and the most links between the positions of such
/// a network.
inline constexpr std::uint32_t kMaxGeneratedHosts = 100'000;
inline constexpr std::uint32_t kMaxGeometricHosts = 10'000;
inline constexpr std::uint32_t kMaxGeometricLinks = 500'000;

/// `hosts` hosts around one switch.
Result<Topology> make_star(std::uint32_t hosts, const LinkParams& link,
                           std::string_view prefix = "node");

/// Routers in a row.
Result<Topology> make_line(std::uint32_t hosts, const LinkParams& link,
                           std::string_view prefix = "node");

/// Routers in a ring; three at least, as two in a ring are a line.
Result<Topology> make_ring(std::uint32_t hosts, const LinkParams& link,
                           std::string_view prefix = "node");

/// Routers in a grid without wrap-around, numbered row by row.
Result<Topology> make_grid(std::uint32_t rows, std::uint32_t columns, const LinkParams& link,
                           std::string_view prefix = "node");

/// A complete tree, filled level by level from the root, router1: the children of position p are
/// arity * (p - 1) + 2 to arity * p + 1, as far as they exist.
Result<Topology> make_tree(std::uint32_t hosts, std::uint32_t arity, const LinkParams& link,
                           std::string_view prefix = "node");

/// Positions drawn uniformly from the unit square, joined where they are at most `radius` apart
/// (Gilbert, "Random plane networks", 1961). If that leaves the network in pieces, the two pieces
/// that are nearest to each other are joined at their closest pair, until one piece is left.
Result<Topology> make_random_geometric(std::uint32_t hosts, double radius, const LinkParams& link,
                                       Random& random, std::string_view prefix = "node");

}  // namespace twinbed::sim
