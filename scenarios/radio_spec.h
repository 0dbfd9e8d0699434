// Radios as a scenario describes them: the air, the cards of nodes, how nodes move.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sim/medium/air_options.h"
#include "sim/medium/link_record.h"
#include "sim/faults/plan.h"
#include "sim/network/link_params.h"

namespace twinbed::scenarios {

/// A link that was measured, or is made up, in place of the model (sim/medium/link_record.h).
struct RadioLinkSpec {
  std::string from;
  std::string to;
  bool both_ways = false;
  std::vector<sim::LinkRecordStep> trace;
  sim::GilbertElliott bursts;

  bool operator==(const RadioLinkSpec&) const = default;
};

/// Which implementation carries the frames.
enum class MediumModel : std::uint8_t {
  kTable,  ///< sim/medium/table_medium.h
  kNs3,    ///< sim/ns3/ns3_medium.h: ns-3's own physical layer, one run at a time in a process
};

/// The air between the nodes that have cards.
struct RadioSpec {
  MediumModel medium = MediumModel::kTable;
  sim::AirOptions air;
  std::vector<RadioLinkSpec> links;

  bool operator==(const RadioSpec&) const = default;
};

enum class MobilityModel : std::uint8_t {
  kVelocity,
  kWaypoints,
  kRandomWaypoint,
  kGaussMarkov,
  kNs2,
};

/// How a node moves (sim/medium/mobility.h); it is at its position at the start.
struct MobilitySpec {
  MobilityModel model{};
  sim::Velocity velocity;                 ///< kVelocity
  std::vector<sim::Waypoint> points;      ///< kWaypoints
  sim::Box area;                          ///< kRandomWaypoint, kGaussMarkov
  sim::Range speed_mps = {0.3, 0.7};      ///< kRandomWaypoint
  sim::DurationRange pause = {std::chrono::seconds(2), std::chrono::seconds(2)};
  sim::GaussMarkovOptions gauss_markov;   ///< its start and area are not used
  std::string file;                       ///< kNs2: with movements of ns-2
  std::uint32_t ns2_node = 0;

  bool operator==(const MobilitySpec&) const = default;
};

}  // namespace twinbed::scenarios
