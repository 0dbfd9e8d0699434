// YAML documents as trees that know where each of their parts stands in the file.
//
// yaml-cpp parses; the tree is ours, since yaml-cpp's own forgets duplicate keys, expands aliases
// without limit and cannot say which override a value came from.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace twinbed::scenarios {

/// Where something was written: a line and column, both from 1, of the file or of the override with
/// the index `setting`. Line 0 is no place.
struct Place {
  int line = 0;
  int column = 0;
  int setting = -1;  ///< index into the overrides; -1 is the file
};

enum class NodeType : std::uint8_t { kNull, kScalar, kList, kMap };

enum class ScalarStyle : std::uint8_t {
  kPlain,   ///< read by its form: 5 is a number, true is a truth value
  kQuoted,  ///< text, unless it has the form of a duration
  kText,    ///< tagged !!str: text whatever its form
};

struct YamlEntry;

struct YamlNode {
  NodeType type = NodeType::kNull;
  ScalarStyle style = ScalarStyle::kPlain;
  std::string text;                ///< kScalar
  std::vector<YamlNode> items;     ///< kList
  std::vector<YamlEntry> entries;  ///< kMap, in the order of the document
  Place place;

  /// The value of a key of a map; null where there is none.
  const YamlNode* find(std::string_view key) const;
  YamlNode* find(std::string_view key);
};

/// A key of a map and its value.
struct YamlEntry {
  std::string key;
  Place place;
  YamlNode value;
};

YamlNode scalar_node(std::string text, ScalarStyle style = ScalarStyle::kPlain);
YamlNode list_node(std::vector<YamlNode> items = {});
YamlNode map_node(std::vector<YamlEntry> entries = {});

/// What is wrong, and where: by place for readers of a file, by path ("faults.0.at") for programs.
struct Problem {
  Place place;
  std::string path;
  std::string message;
};

/// Either a document or the first problem with it.
struct Parsed {
  YamlNode root;
  Problem problem;
  bool ok = false;
};

/// Parses one document. Refused: text over 4 MiB or not in UTF-8, control characters, tabs in the
/// indentation, duplicate keys, keys that are not scalars, tags other than !!str, merge keys, more
/// than 32 levels, more than 250,000 values, aliases that add more than 4 MiB, a second document.
Parsed parse_yaml(std::string_view text);

/// The document as YAML: one line for what fits into 100 columns, block style for the rest.
std::string emit_yaml(const YamlNode& root);

/// "a list", "a mapping", "empty" or "text", for messages about a value of the wrong type.
std::string_view describe(const YamlNode& node);

}  // namespace twinbed::scenarios
