// Reader for GML, the graph modelling language (Himsolt, "GML: A portable graph file format",
// 1997).
//
//     list  = { key value }            key    = letter { letter | digit | "_" }
//     value = number | string | "[" list "]"
//
// Strings hold character references (&#233; &eacute;); the file is ASCII or UTF-8. A '#' between
// tokens begins a comment to the end of the line. Keys that do not count are skipped whole, however
// deep their lists are, and the depth of lists costs no memory.
#pragma once

#include "core/base/result.h"
#include "sim/network/graph_text.h"

namespace twinbed::sim {

/// The undirected graph of a GML text. Refused with a sentence and its place: what is not GML, a
/// directed graph, a file without a graph or with several, nodes without id, edges without ends.
Result<GraphText> parse_gml(const SourceText& source);

}  // namespace twinbed::sim
