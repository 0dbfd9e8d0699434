#include "scenarios/protocol_parts.h"

#include <algorithm>

namespace twinbed::scenarios {

Options merged_options(const Scenario& scenario, const NodeSpec& node) {
  Options options = node.options;
  options.insert(scenario.protocol.options.begin(), scenario.protocol.options.end());
  return options;
}

Error unknown_role(const NodeSpec& node, const std::string& protocol, const std::string& roles) {
  return Error{"node " + node.name + ": the protocol " + protocol + " has no role '" + node.role +
               "'; its roles are " + roles};
}

std::int64_t server_number(const Scenario& scenario, std::size_t index) {
  const NodeSpec& node = scenario.nodes[index];
  if (node.role != "server") return 0;
  const auto found = node.options.find("id");
  if (found != node.options.end()) {
    if (const auto* id = std::get_if<std::int64_t>(&found->second)) return *id;
  }
  return 1 + std::count_if(scenario.nodes.begin(),
                           scenario.nodes.begin() + static_cast<std::ptrdiff_t>(index),
                           [](const NodeSpec& other) { return other.role == "server"; });
}

}  // namespace twinbed::scenarios
