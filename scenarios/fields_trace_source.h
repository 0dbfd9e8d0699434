// Where the text of a trace comes from: a file, or the scenario itself.
#pragma once

#include <string>

#include "scenarios/fields_kinds.h"

namespace twinbed::scenarios {

struct TraceSource {
  std::string csv;
  std::string name;              ///< for messages, with a colon: "trace.csv:" or "csv:"
  const Place* place = nullptr;  ///< of the key that names it
};

/// Exactly one of `file` and `csv`, as they stand in the mapping `node`, is not empty. False after
/// a problem, which the reader then holds.
bool read_trace_source(Reader& reader, const YamlNode& node, const std::string& file,
                       const std::string& csv, TraceSource& out);

}  // namespace twinbed::scenarios
