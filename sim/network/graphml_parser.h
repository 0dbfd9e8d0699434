// Reader for GraphML (Brandes et al., "GraphML progress report", 2001; graphml.graphdrawing.org).
#pragma once

#include "core/base/result.h"
#include "sim/network/graph_text.h"

namespace twinbed::sim {

/// The undirected graph of a GraphML text. Keys are found by their attr.name, and their defaults
/// count. Ports and the data of other programs are skipped. Refused with a sentence and its place:
/// what is not well-formed, directed graphs and edges, hyperedges, graphs within nodes, several
/// graphs, nodes without id, edges without ends, data of undeclared keys.
///
/// It does not use boost::read_graphml: that reports no place for an error of meaning, and both it
/// and Boost's property tree recurse on the depth of the elements, so that a hostile file of
/// unclosed tags overflows the stack.
Result<GraphText> parse_graphml(const SourceText& source);

}  // namespace twinbed::sim
