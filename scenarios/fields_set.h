// Overrides of single values of a scenario document.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "scenarios/fields_yaml.h"

namespace twinbed::scenarios {

/// Applies "path=value" settings in their order, as scenarios/load.h describes them, and writes out
/// what stands for several (scenarios/fields_expand.h). What settings put into the document bears
/// their index as its place, so that what is wrong with it (an unknown key, say) is found when the
/// document is read and still names the setting. A key that the document lacks is added; an element
/// that a list lacks is a problem.
std::optional<Problem> apply_settings(YamlNode& root, const std::vector<std::string>& settings);

}  // namespace twinbed::scenarios
