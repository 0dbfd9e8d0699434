// The published description of scenario files.
#pragma once

#include <string>

namespace twinbed::scenarios {

/// A JSON Schema (draft 2020-12) of scenario files: every key with its kind, unit, default and one
/// sentence of documentation. Editors complete and check scenario files with it. References between
/// parts of a scenario are beyond a schema; load_scenario checks them.
std::string scenario_schema();

}  // namespace twinbed::scenarios
