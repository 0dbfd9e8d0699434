#include "scenarios/radio_check.h"

#include <algorithm>
#include <set>

#include "scenarios/suggest.h"
#include "scenarios/units.h"
#include "sim/faults/radio_faults.h"
#include "sim/medium/airtime.h"
#include "sim/medium/channel_access.h"
#include "sim/ns3/ns3_limits.h"

namespace twinbed::scenarios {
namespace {

using Path = std::vector<std::string>;
using Found = std::optional<Contradiction>;

Found fault_at(Path path, std::string message) {
  return Contradiction{std::move(path), std::move(message)};
}

Path in(Path path, std::string part) {
  path.push_back(std::move(part));
  return path;
}

const NodeSpec* find_node(const Scenario& scenario, const std::string& name) {
  for (const NodeSpec& node : scenario.nodes) {
    if (node.name == name) return &node;
  }
  return nullptr;
}

Found check_mobility(const NodeSpec& node, const Path& path) {
  const MobilitySpec& spec = *node.mobility;
  std::string_view mistake;
  if (spec.model == MobilityModel::kRandomWaypoint) {
    mistake = sim::mistake_in_random_waypoint(
        {node.position, spec.area, spec.speed_mps,
         {to_seconds(spec.pause.low), to_seconds(spec.pause.high)}});
  }
  if (spec.model == MobilityModel::kGaussMarkov) {
    sim::GaussMarkovOptions options = spec.gauss_markov;
    options.start = node.position;
    options.area = spec.area;
    mistake = sim::mistake_in_gauss_markov(options);
  }
  if (!mistake.empty()) {
    return fault_at(path, "this movement is impossible: " + std::string(mistake));
  }
  for (std::size_t i = 1; i < spec.points.size(); ++i) {
    if (spec.points[i].at >= spec.points[i - 1].at) continue;
    return fault_at(in(in(path, "points"), std::to_string(i)),
                    "this waypoint is before the one above it, put them in order of time");
  }
  return std::nullopt;
}

Found check_node(const Scenario& scenario, std::size_t index) {
  const NodeSpec& node = scenario.nodes[index];
  const Path path{"nodes", std::to_string(index)};
  if (!node.cards.empty() && !scenario.radio) {
    return fault_at(in(path, "cards"), "node " + in_quotes(node.name) +
                                           " has radio cards but the scenario has no air, add a "
                                           "section 'radio'");
  }
  if (node.cards.empty() && node.mobility) {
    return fault_at(in(path, "mobility"), "node " + in_quotes(node.name) +
                                              " moves but has no radio cards, add 'cards' or leave "
                                              "the movement out");
  }
  for (std::size_t i = 0; i < node.cards.size(); ++i) {
    const std::string_view mistake = sim::mistake_in_card(node.cards[i]);
    if (mistake.empty()) continue;
    return fault_at(in(in(path, "cards"), std::to_string(i)),
                    "this card is impossible: " + std::string(mistake));
  }
  return node.mobility ? check_mobility(node, in(path, "mobility")) : std::nullopt;
}

Found check_link(const Scenario& scenario, std::size_t index) {
  const RadioLinkSpec& link = scenario.radio->links[index];
  const Path path{"radio", "links", std::to_string(index)};
  std::vector<std::string> names;
  for (const NodeSpec& node : scenario.nodes) {
    if (!node.cards.empty()) names.push_back(node.name);
  }
  for (const auto& [key, name] : {std::pair("from", link.from), std::pair("to", link.to)}) {
    if (std::find(names.begin(), names.end(), name) != names.end()) continue;
    return fault_at(in(path, key), "there is no node " + in_quotes(name) + " with radio cards" +
                                       suggestion(name, names, "the nodes"));
  }
  if (link.from == link.to) {
    return fault_at(in(path, "to"), "both ends of the link are " + in_quotes(link.to) +
                                        ", name two different ones");
  }
  if (link.trace.empty() && link.bursts == sim::GilbertElliott{}) {
    return fault_at(path, "this link is as the model has it, add a trace or bursts");
  }
  return std::nullopt;
}

/// Of the nodes that a fault names; those that a role will select are not known yet.
Found check_cards(const Scenario& scenario, const sim::FaultSpec& fault, const Path& path) {
  for (const std::string& name : fault.select.nodes) {
    const NodeSpec* node = find_node(scenario, name);
    if (node == nullptr) continue;  // has been refused already
    if (node->cards.empty()) {
      return fault_at(in(path, "select"), "node " + in_quotes(name) + " has no radio cards");
    }
    const std::uint32_t card = fault.radio.interface.value_or(0);
    if (card >= node->cards.size()) {
      return fault_at(in(path, "interface"),
                      "node " + in_quotes(name) + " has no card " + std::to_string(card) +
                          ", its cards are numbered from 0 to " +
                          std::to_string(node->cards.size() - 1));
    }
    const std::size_t antennas = node->cards[card].antenna_gains_dbi.size();
    if (fault.action == sim::FaultAction::kAntennaOff && fault.radio.antenna >= antennas) {
      return fault_at(in(path, "antenna"),
                      "card " + std::to_string(card) + " of node " + in_quotes(name) +
                          " has no antenna " + std::to_string(fault.radio.antenna) +
                          ", its antennas are numbered from 0 to " + std::to_string(antennas - 1));
    }
  }
  return std::nullopt;
}

/// A card that is awake for too short a time never comes to send what has waited for its waking.
Found check_awake(const Scenario& scenario, const sim::FaultSpec& fault, const Path& path) {
  const Duration awake = sim::time_on(fault.radio);
  for (const std::string& name : fault.select.nodes) {
    const NodeSpec* node = find_node(scenario, name);
    for (std::uint32_t i = 0; node != nullptr && i < node->cards.size(); ++i) {
      const sim::CardOptions& card = node->cards[i];
      if (fault.radio.interface.value_or(i) != i || !card.carrier_sense) continue;
      const Duration wait = sim::ChannelAccess::longest_wait(card.contention_window, card.channel);
      if (awake > wait) continue;
      return fault_at(in(path, "duty"),
                      "card " + std::to_string(i) + " of node " + in_quotes(name) +
                          " would be awake for " + format_duration(awake) +
                          " at a time and might never send, as a frame waits for up to " +
                          format_duration(wait) +
                          " of silence (DIFS and back-off); let it be awake for longer than that");
    }
  }
  return std::nullopt;
}

/// What ns-3's own physical layer cannot do, of a scenario without other mistakes.
Found check_ns3(const Scenario& scenario) {
  const std::string_view in_air = sim::mistake_in_ns3_air(scenario.radio->air);
  if (!in_air.empty()) return fault_at({"radio"}, std::string(in_air));
  if (!scenario.radio->links.empty()) {
    return fault_at({"radio", "links"}, "ns-3's medium takes no links as they were measured; leave "
                                        "them out, or use the table medium");
  }
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    for (std::size_t card = 0; card < scenario.nodes[i].cards.size(); ++card) {
      const std::string_view mistake = sim::mistake_in_ns3_card(scenario.nodes[i].cards[card]);
      if (mistake.empty()) continue;
      return fault_at({"nodes", std::to_string(i), "cards", std::to_string(card)},
                      std::string(mistake));
    }
  }
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    const sim::FaultSpec& fault = scenario.faults[i];
    if (fault.action == sim::FaultAction::kJam) {
      return fault_at({"faults", std::to_string(i), "action"},
                      "ns-3's medium knows no jammers; leave it out, or use the table medium");
    }
    if (fault.action == sim::FaultAction::kChannel && !sim::is_ns3_channel(fault.radio.channel)) {
      return fault_at({"faults", std::to_string(i), "channel"},
                      "ns-3 knows no channel 20 MHz wide at this frequency; take one of 802.11's");
    }
  }
  return std::nullopt;
}

Found check_fault(const Scenario& scenario, std::size_t index) {
  const sim::FaultSpec& fault = scenario.faults[index];
  if (!sim::is_radio_fault(fault.action)) return std::nullopt;
  const Path path{"faults", std::to_string(index)};
  if (!scenario.radio) {
    return fault_at(in(path, "action"), "a fault of radios needs radios, add a section 'radio'");
  }
  const sim::RadioFault& radio = fault.radio;
  if (fault.action == sim::FaultAction::kFade && !(radio.loss_db > 0 && radio.loss_db <= 200)) {
    return fault_at(in(path, "loss"), "a fade takes some strength away, write '1 dB' to '200 dB'");
  }
  if (radio.duty < 1 && radio.period <= Duration{}) {
    return fault_at(in(path, "duty"), "a duty below 100 % needs a period, add for example 'period: "
                                      "100 ms'");
  }
  if (fault.action == sim::FaultAction::kDutyCycle && radio.duty >= 1) {
    return fault_at(in(path, "action"), "a card that is awake all the time is as before, add a "
                                        "duty below 100 %");
  }
  if (Found found = check_cards(scenario, fault, path)) return found;
  return fault.action == sim::FaultAction::kDutyCycle ? check_awake(scenario, fault, path)
                                                      : std::nullopt;
}

}  // namespace

std::optional<Contradiction> find_radio_contradiction(const Scenario& scenario) {
  if (scenario.radio) {
    const std::string_view mistake = sim::mistake_in_air(scenario.radio->air);
    if (!mistake.empty()) {
      return fault_at({"radio"}, "this air is impossible: " + std::string(mistake));
    }
    for (std::size_t i = 0; i < scenario.radio->links.size(); ++i) {
      if (Found found = check_link(scenario, i)) return found;
    }
  }
  for (std::size_t i = 0; i < scenario.nodes.size(); ++i) {
    if (Found found = check_node(scenario, i)) return found;
  }
  for (std::size_t i = 0; i < scenario.faults.size(); ++i) {
    if (Found found = check_fault(scenario, i)) return found;
  }
  const bool has_ns3 = scenario.radio && scenario.radio->medium == MediumModel::kNs3;
  return has_ns3 ? check_ns3(scenario) : std::nullopt;
}

std::optional<Error> real_time_problem(const Scenario& scenario) {
  if (!scenario.radio || scenario.radio->medium != MediumModel::kNs3) return std::nullopt;
  return Error{"scenario " + scenario.name + " runs on ns-3's medium, which cannot keep up with "
               "real time; take 'medium: table', or mode sim"};
}

std::string mistake_in_rate(const Scenario& scenario, const TxParams& params) {
  const std::string_view mistake = sim::mistake_in_rate(params);
  if (!mistake.empty()) return std::string(mistake);
  if (!scenario.radio || scenario.radio->medium != MediumModel::kNs3) return "";
  std::string_view limit;
  for (const NodeSpec& node : scenario.nodes) {
    for (const sim::CardOptions& card : node.cards) {
      limit = sim::mistake_in_ns3_rate(params, card.channel);
      if (limit.empty()) return "";
    }
  }
  return limit.empty() ? "" : std::string(limit) + "; use the table medium";
}

}  // namespace twinbed::scenarios
