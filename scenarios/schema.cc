#include "scenarios/schema.h"

#include <utility>

#include "scenarios/fields.h"

namespace twinbed::scenarios {

std::string scenario_schema() {
  Json schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", "twinbed scenario"}};
  Json definitions = Json::object();
  schema.update(scenario_kind().object_schema(definitions));
  schema["$defs"] = std::move(definitions);
  return schema.dump(2) + "\n";
}

}  // namespace twinbed::scenarios
