// What the readers of graph files have in common: characters, attributes.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "core/base/source_text.h"

namespace twinbed::sim {

/// A graph as its file tells it. Offsets are places in the text, for errors that show later.
struct GraphText {
  struct Node {
    std::string id;
    std::string label;                 ///< may be empty
    std::optional<double> latitude;    ///< degrees
    std::optional<double> longitude;   ///< degrees
    std::size_t offset = 0;
  };
  struct Edge {
    std::string source;                ///< id of a node
    std::string target;
    double speed_bps = 0;              ///< LinkSpeedRaw, 0 where it is not known
    std::size_t offset = 0;
  };
  std::vector<Node> nodes;
  std::vector<Edge> edges;
};

/// Sets a node's attribute if it is one that counts here (label, Latitude, Longitude); an empty
/// value counts as absent. The error tells what is wrong with the value.
std::optional<Error> set_attribute(const SourceText& source, GraphText::Node& node,
                                   std::string_view key, std::string_view value,
                                   std::size_t offset);
/// The same for an edge (LinkSpeedRaw).
std::optional<Error> set_attribute(const SourceText& source, GraphText::Edge& edge,
                                   std::string_view key, std::string_view value,
                                   std::size_t offset);

/// Where a text stops being UTF-8 (RFC 3629); nothing if it is.
std::optional<std::size_t> find_bad_utf8(std::string_view text);

/// Appends a text with its character references (&#8211; &#x2013; &ouml; &amp;) decoded to UTF-8:
/// numbers, the names of ISO 8859-1 and XML, and common punctuation. A reference that means nothing
/// stays as it is; the answer is the offset of the first such one.
std::optional<std::size_t> decode_references(std::string_view text, std::string& out);

/// A label on one line: without control characters, with single spaces and none at the ends.
std::string clean_label(std::string_view text);

}  // namespace twinbed::sim
