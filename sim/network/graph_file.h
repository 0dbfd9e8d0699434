// Networks from graph files: GraphML and GML, such as those of the Internet Topology Zoo (Knight,
// Nguyen, Falkner, Bowden, Roughan: "The Internet Topology Zoo", IEEE JSAC 29(9), 2011).
//
// Every node becomes a router, as the Zoo's nodes are points of presence; hosts are added by the
// scenario. Every edge becomes a link, parallel ones and those from a node to itself included (no
// packet takes the latter). From the file come
//     the name        label, else id; trimmed, references such as &#8211; decoded; where several
//                     nodes share a name, the second is called NAME#2, the third NAME#3
//     the delay       where both ends have Latitude and Longitude: light in fibre over the great
//                     circle (sim/network/great_circle.h), instead of the default link's delay
//     the bandwidth   LinkSpeedRaw in bit/s, where it is above 0
// and everything else of a link from the default link. Other attributes are ignored.
#pragma once

#include <string_view>

#include "core/base/result.h"
#include "sim/network/topology.h"

namespace twinbed::sim {

/// The largest graph file that is read, 64 MiB: several hundred thousand nodes.
inline constexpr std::size_t kMaxGraphFileBytes = std::size_t{64} << 20;

/// Reads a network from the content of a file, which errors call `name`. One that begins with '<'
/// is GraphML, any other GML. Errors say file:line:column where a place is to blame.
Result<Topology> parse_graph(std::string_view name, std::string_view text,
                             const LinkParams& default_link);

}  // namespace twinbed::sim
