#include "scenarios/build_radio.h"

#include <algorithm>
#include <mutex>

#include "sim/medium/ns2_trace.h"
#include "sim/medium/table_medium.h"
#include "sim/ns3/ns3_medium.h"

namespace twinbed::scenarios {
namespace {

NodeId node_named(const Scenario& scenario, const std::string& name) {
  const auto found = std::find_if(scenario.nodes.begin(), scenario.nodes.end(),
                                  [&](const NodeSpec& node) { return node.name == name; });
  return NodeId{static_cast<std::uint32_t>(found - scenario.nodes.begin())};
}

sim::RandomWaypointOptions random_waypoint(const NodeSpec& node) {
  const MobilitySpec& spec = *node.mobility;
  return {node.position, spec.area, spec.speed_mps,
          {to_seconds(spec.pause.low), to_seconds(spec.pause.high)}};
}

sim::GaussMarkovOptions gauss_markov(const NodeSpec& node) {
  sim::GaussMarkovOptions options = node.mobility->gauss_markov;
  options.start = node.position;
  options.area = node.mobility->area;
  return options;
}

/// The ways of nodes that move as an ns-2 trace says, by the scenario's nodes.
using Ways = std::map<std::size_t, std::vector<sim::Waypoint>>;

Result<Ways> read_ways(const Scenario& scenario, const ScenarioFiles& files) {
  Ways ways;
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const NodeSpec& node = scenario.nodes[i];
    if (!node.mobility || node.mobility->model != MobilityModel::kNs2) continue;
    const Result<std::string_view> text = files.content(scenario, node.mobility->file);
    if (!text) return Error{text.error()};
    const auto parsed = sim::parse_ns2_trace(node.mobility->file, *text);
    if (!parsed) return Error{parsed.error()};
    const auto way = parsed->find(static_cast<int>(node.mobility->ns2_node));
    if (way == parsed->end()) {
      return Error{"node " + node.name + ": " + node.mobility->file + " has no node " +
                   std::to_string(node.mobility->ns2_node) + ", name one that it has"};
    }
    ways[i] = way->second;
  }
  return ways;
}

std::unique_ptr<sim::Mobility> make_mobility(const NodeSpec& node, std::size_t index,
                                             const Ways& ways, std::uint64_t seed) {
  if (!node.mobility) return std::make_unique<sim::FixedPosition>(node.position);
  const RandomStream random(seed, "mobility", index);
  switch (node.mobility->model) {
    case MobilityModel::kVelocity:
      return std::make_unique<sim::ConstantVelocity>(node.position, node.mobility->velocity);
    case MobilityModel::kWaypoints: {
      std::vector<sim::Waypoint> points = node.mobility->points;
      if (points.front().at > Time{}) points.insert(points.begin(), {Time{}, node.position});
      return std::make_unique<sim::Waypoints>(std::move(points));
    }
    case MobilityModel::kRandomWaypoint:
      return std::make_unique<sim::RandomWaypoint>(random_waypoint(node), random);
    case MobilityModel::kGaussMarkov:
      return std::make_unique<sim::GaussMarkov>(gauss_markov(node), random);
    case MobilityModel::kNs2: return std::make_unique<sim::Waypoints>(ways.at(index));
  }
  TWINBED_CHECK(false, "a mobility model that does not exist");
}

template <class Medium>
void add_nodes(const Scenario& scenario, const Ways& ways, std::uint64_t seed, Medium& medium) {
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    const NodeSpec& node = scenario.nodes[i];
    if (node.cards.empty()) continue;
    sim::RadioNode radio;
    radio.mobility = make_mobility(node, i, ways, seed);
    radio.is_moving = node.mobility.has_value();
    radio.cards = node.cards;
    medium.add_node(NodeId{static_cast<std::uint32_t>(i)}, std::move(radio));
  }
}

std::unique_ptr<sim::RadioMedium> make_table_medium(const Scenario& scenario, const Ways& ways,
                                                    sim::World& world) {
  auto medium = std::make_unique<sim::TableMedium>(world, scenario.radio->air);
  add_nodes(scenario, ways, world.seed, *medium);
  for (const RadioLinkSpec& link : scenario.radio->links) {
    const NodeId from = node_named(scenario, link.from), to = node_named(scenario, link.to);
    medium->set_record(from, to, sim::LinkRecord(link.trace, link.bursts));
    if (link.both_ways) medium->set_record(to, from, sim::LinkRecord(link.trace, link.bursts));
  }
  return medium;
}

std::unique_ptr<sim::RadioMedium> make_ns3_medium(const Scenario& scenario, const Ways& ways,
                                                  sim::World& world) {
  // Of two threads that ask at a time one gets it.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  if (sim::Ns3Simulator::is_in_use()) return nullptr;
  auto medium = std::make_unique<sim::Ns3Medium>(world, scenario.radio->air);
  add_nodes(scenario, ways, world.seed, *medium);
  return medium;
}

}  // namespace

Result<MediumFactory> build_radio(const Scenario& scenario, const ScenarioFiles& files) {
  if (!scenario.radio) return MediumFactory{};
  Result<Ways> ways = read_ways(scenario, files);
  if (!ways) return Error{ways.error()};
  const auto make =
      scenario.radio->medium == MediumModel::kNs3 ? make_ns3_medium : make_table_medium;
  return MediumFactory([&scenario, make, ways = *std::move(ways)](sim::World& world) {
    return make(scenario, ways, world);
  });
}

}  // namespace twinbed::scenarios
