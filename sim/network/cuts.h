// Where a network is weak: minimum cuts, articulation points, and the ring of majorities.
//
// As everywhere in the network, hosts are end systems: no path leads through one.
#pragma once

#include <cstdint>
#include <vector>

#include "sim/network/topology.h"

namespace twinbed::sim {

/// The fewest links without which no packet gets from `a` to `b` or back, in ascending order; by
/// Menger's theorem as many as there are paths without a common link. Parallel links count each. Of
/// several such sets it is the one nearest to `a`, and so a function of the topology alone. Empty
/// when nothing joins the two, or when they are the same device.
///
/// A host that hangs on one link is cut off there. To cut the network between two hosts, ask for
/// the cut between the devices that they hang on: min_cut(t, attachment(t, a), attachment(t, b)).
std::vector<std::uint32_t> min_cut(const Topology& topology, DeviceIndex a, DeviceIndex b);

/// The device that a host hangs on, when all its links lead to that one device; otherwise, and for
/// every device that forwards, the device itself.
DeviceIndex attachment(const Topology& topology, DeviceIndex device);

/// The devices whose failure alone cuts others off from each other, in ascending order. Hosts are
/// never among them, and those with links to several devices are taken out of the network first, as
/// they neither carry packets for others nor hang on one device alone.
std::vector<DeviceIndex> articulation_points(const Topology& topology);

/// Which of n nodes may talk in a ring of majorities (after Jepsen's nemesis of that name): every
/// node can talk to a majority of all, itself included, and for n of 3 and more no two nodes to the
/// same one. Element [i][j] says whether i and j may talk; it equals [j][i], so that requests and
/// answers pass alike.
///
/// Node i sees its nearest neighbours on the ring, as many on each side, and where a majority needs
/// one more node, the one opposite. (For 3 nodes that is a chain, whose middle sees both others.)
std::vector<std::vector<bool>> majorities_ring(std::uint32_t n);

}  // namespace twinbed::sim
