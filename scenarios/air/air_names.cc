#include "scenarios/air/air_names.h"

#include <net/if.h>

#include <algorithm>
#include <set>

namespace twinbed::scenarios {
namespace {

constexpr std::size_t kMaxName = IFNAMSIZ - 1;

/// What the kernel allows in the name of an interface, and no shell minds.
char allowed(char letter) {
  const bool is_plain = (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') ||
                        (letter >= '0' && letter <= '9') || letter == '_';
  return is_plain ? letter : '-';
}

std::string after_node(std::string name, const std::string& suffix) {
  std::transform(name.begin(), name.end(), name.begin(), allowed);
  return name.substr(0, kMaxName - suffix.size()) + suffix;
}

}  // namespace

std::vector<AirCard> air_cards(const Scenario& scenario, const std::string& prefix) {
  std::vector<AirCard> cards;
  std::set<std::string> taken;
  for (std::uint32_t node = 0; node < scenario.nodes.size(); ++node) {
    const NodeSpec& spec = scenario.nodes[node];
    for (std::uint32_t card = 0; card < spec.cards.size(); ++card) {
      const std::string numbers = "n" + std::to_string(node) + "c" + std::to_string(card);
      std::string name = prefix + numbers;
      if (prefix.empty()) {
        name = after_node(spec.name, "-" + std::to_string(card));
        if (taken.contains(name)) name = after_node(spec.name, numbers);
      }
      taken.insert(name);
      cards.push_back({{NodeId{node}, InterfaceId{card}}, spec.cards[card], name, {}});
    }
  }
  return cards;
}

}  // namespace twinbed::scenarios
