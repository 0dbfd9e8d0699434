// What holds between the parts of a scenario, beyond what each value must be by itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/fields_yaml.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

/// The first contradiction and the path to it: a name that nobody bears, a fault after the end.
struct Contradiction {
  std::vector<std::string> path;  ///< keys and indices
  std::string message;
};
std::optional<Contradiction> find_contradiction(const Scenario& scenario);

/// Where a path leads in a document, or the nearest place above it that the document has.
Place find_place(const YamlNode& root, const std::vector<std::string>& path);

}  // namespace twinbed::scenarios
