// Movement traces of ns-2, as its setdest, BonnMotion and SUMO write them:
//
//     $node_(0) set X_ 10.5                          where a node is at the start: X_, Y_ or Z_
//     $ns_ at 3.5 "$node_(0) setdest 40 20 1.5"      from then on towards x y, at so many m/s
//     $ns_ at 9 "$node_(0) set X_ 12"                a jump, which ends the movement
//
// A movement that is still under way at the next setdest ends where it is; a speed of 0 stops it.
// Heights stay as they are set. Positions at the start may stand anywhere in the file. Lines with
// $god_ (distances in hops) and comments (#) mean nothing here.
#pragma once

#include <map>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "sim/medium/mobility.h"

namespace twinbed::sim {

/// The ways of all nodes of a trace, by their numbers, each for Waypoints. Errors say
/// file:line:column and what is expected there; `name` is what they call the file.
Result<std::map<int, std::vector<Waypoint>>> parse_ns2_trace(std::string_view name,
                                                             std::string_view text);

}  // namespace twinbed::sim
