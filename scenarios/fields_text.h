// Kinds of values that are one plain text.
#pragma once

#include <string>
#include <utility>

#include "scenarios/fields_kinds.h"

namespace twinbed::scenarios {

inline constexpr const char* kNumberPattern = "[0-9]+(\\.[0-9]+)?";
inline constexpr const char* kTimeUnitPattern = " ?(ns|us|ms|s|min|h)";

/// The schema of a text of this form.
inline Json pattern(const std::string& regex) {
  return {{"type", "string"}, {"pattern", "^" + regex + "$"}};
}

/// A leaf that is read from and written as plain text.
template <class T, class ParseText, class FormatText>
LeafKind<T> text_leaf(std::string what, ParseText parse, FormatText format, Json schema) {
  return {std::move(what), [parse](const YamlNode& node) -> Result<T> { return parse(node.text); },
          [format](const T& value) { return scalar_node(format(value)); }, std::move(schema)};
}

}  // namespace twinbed::scenarios
