#include "sim/network/graphml_parser.h"

#include <map>

#include "sim/network/xml_reader.h"

namespace twinbed::sim {
namespace {

struct Key {
  std::string name;    // attr.name
  std::string domain;  // for: node, edge, all, ...
  std::optional<std::string> default_value;
};

class GraphmlParser {
 public:
  explicit GraphmlParser(const SourceText& source) : source_(source), reader_(source) {}

  Result<GraphText> parse() {
    if (!read_file()) return error_ ? *error_ : *reader_.error();
    return std::move(graph_);
  }

 private:
  bool fail(std::size_t offset, std::string_view sentence) {
    error_ = source_.error_at(offset, sentence);
    return false;
  }
  bool check(std::optional<Error> error) {
    if (error) error_ = std::move(error);
    return !error_;
  }

  /// Calls `on_child` at the start of each child of the element that has just begun; it reads the
  /// child to its end. False when something failed.
  template <class OnChild>
  bool read_children(OnChild on_child);
  bool skip_element();
  bool read_file();
  bool read_key();
  bool read_graph();
  bool read_node();
  bool read_edge();
  bool read_text(std::string& out);
  template <class Item>
  bool read_data(Item& item);
  template <class Item>
  bool apply_defaults(Item& item, std::string_view domain);

  const SourceText& source_;
  XmlReader reader_;
  XmlEvent event_;
  std::map<std::string, Key, std::less<>> keys_;
  bool graph_seen_ = false;
  GraphText graph_;
  std::optional<Error> error_;
};

template <class OnChild>
bool GraphmlParser::read_children(OnChild on_child) {
  while (reader_.next(event_)) {
    if (event_.kind == XmlEventKind::kEnd) return true;
    if (event_.kind == XmlEventKind::kStart && !on_child()) return false;
  }
  return false;
}

bool GraphmlParser::skip_element() {
  for (std::size_t depth = 1; depth > 0;) {
    if (!reader_.next(event_)) return false;
    if (event_.kind == XmlEventKind::kStart) ++depth;
    if (event_.kind == XmlEventKind::kEnd) --depth;
  }
  return true;
}

bool GraphmlParser::read_file() {
  if (!reader_.next(event_)) return false;
  if (event_.name != "graphml") {
    return fail(event_.offset, "this is no GraphML: the root element is <" +
                                   std::string(event_.name.substr(0, 40)) + ">, not <graphml>");
  }
  const bool read = read_children([this] {
    if (event_.name == "key") return read_key();
    if (event_.name == "graph") return read_graph();
    return skip_element();
  });
  if (!read || !reader_.next(event_)) return false;
  return graph_seen_ || fail(0, "this GraphML file holds no graph");
}

bool GraphmlParser::read_key() {
  const std::string id(event_.attribute("id"));
  if (id.empty()) return fail(event_.offset, "this key has no id");
  Key& key = keys_[id];
  key.name = event_.attribute("attr.name");
  key.domain = event_.attribute("for");
  return read_children([&] {
    if (event_.name != "default") return skip_element();
    return read_text(key.default_value.emplace());
  });
}

bool GraphmlParser::read_graph() {
  if (graph_seen_) {
    return fail(event_.offset, "this is a second graph; a file may hold only one");
  }
  graph_seen_ = true;
  if (event_.attribute("edgedefault") == "directed") {
    return fail(event_.offset,
                "the graph is directed, but links carry packets both ways; if the direction means "
                "nothing, write edgedefault=\"undirected\"");
  }
  return read_children([this] {
    if (event_.name == "node") return read_node();
    if (event_.name == "edge") return read_edge();
    if (event_.name != "hyperedge") return skip_element();
    return fail(event_.offset, "hyperedges are not read; put a node in the middle of it");
  });
}

bool GraphmlParser::read_node() {
  GraphText::Node node;
  node.offset = event_.offset;
  node.id = event_.attribute("id");
  if (node.id.empty()) return fail(node.offset, "this node has no id");
  if (!apply_defaults(node, "node")) return false;
  const bool read = read_children([&] {
    if (event_.name == "data") return read_data(node);
    if (event_.name != "graph") return skip_element();
    return fail(event_.offset, "a graph within a node is not read");
  });
  if (read) graph_.nodes.push_back(std::move(node));
  return read;
}

bool GraphmlParser::read_edge() {
  GraphText::Edge edge;
  edge.offset = event_.offset;
  edge.source = event_.attribute("source");
  edge.target = event_.attribute("target");
  if (edge.source.empty() || edge.target.empty()) {
    return fail(edge.offset, "this edge needs a source and a target");
  }
  if (event_.attribute("directed") == "true") {
    return fail(edge.offset, "this edge is directed, but links carry packets both ways");
  }
  if (!apply_defaults(edge, "edge")) return false;
  const bool read = read_children([&] {
    return event_.name == "data" ? read_data(edge) : skip_element();
  });
  if (read) graph_.edges.push_back(std::move(edge));
  return read;
}

/// The text of the element that has just begun, without that of elements within.
bool GraphmlParser::read_text(std::string& out) {
  out.clear();
  while (reader_.next(event_)) {
    if (event_.kind == XmlEventKind::kEnd) return true;
    if (event_.kind == XmlEventKind::kText) out += event_.text;
    if (event_.kind == XmlEventKind::kStart && !skip_element()) return false;
  }
  return false;
}

template <class Item>
bool GraphmlParser::read_data(Item& item) {
  const std::size_t offset = event_.offset;
  const auto key = keys_.find(event_.attribute("key"));
  if (key == keys_.end()) {
    return fail(offset, "no <key> with the id '" +
                            std::string(event_.attribute("key").substr(0, 40)) +
                            "' was declared before this data");
  }
  std::string text;
  if (!read_text(text)) return false;
  return check(set_attribute(source_, item, key->second.name, text, offset));
}

template <class Item>
bool GraphmlParser::apply_defaults(Item& item, std::string_view domain) {
  for (const auto& [id, key] : keys_) {
    if (!key.default_value || (key.domain != domain && key.domain != "all")) continue;
    if (!check(set_attribute(source_, item, key.name, *key.default_value, item.offset))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<GraphText> parse_graphml(const SourceText& source) { return GraphmlParser(source).parse(); }

}  // namespace twinbed::sim
