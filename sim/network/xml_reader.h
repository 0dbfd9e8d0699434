// A small pull reader for XML 1.0, as much of it as GraphML files use.
//
// Read: elements, attributes, text, CDATA sections, character references; skipped: comments,
// processing instructions and a document type without declarations of its own. Declarations of
// entities are refused, which is also what keeps a small file from growing into a huge one.
// Namespaces are not resolved: a prefix is cut off. The text must be UTF-8.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/network/graph_text.h"

namespace twinbed::sim {

enum class XmlEventKind { kStart, kEnd, kText, kEndOfFile };

struct XmlEvent {
  XmlEventKind kind = XmlEventKind::kEndOfFile;
  std::string_view name;  ///< kStart and kEnd: of the element, without prefix
  std::vector<std::pair<std::string_view, std::string>> attributes;  ///< kStart, values decoded
  std::string text;       ///< kText, decoded
  std::size_t offset = 0;

  /// The value of an attribute (named with its prefix), empty when it is absent.
  std::string_view attribute(std::string_view attribute_name) const;
};

class XmlReader {
 public:
  explicit XmlReader(const SourceText& source) : source_(source) {}

  /// The next event; false when the text is not well-formed, see error(). An empty element is a
  /// start and an end. There is one root element, and every start has its end.
  bool next(XmlEvent& event);

  /// What was wrong; set once next() has returned false.
  const std::optional<Error>& error() const { return error_; }

 private:
  bool fail(std::size_t offset, std::string_view sentence);
  bool starts_with(std::string_view prefix) const;
  bool skip_past(std::string_view end, std::string_view what);
  void skip_spaces();
  std::string_view read_name();
  bool read_markup(XmlEvent& event, bool& skipped);
  bool read_text(XmlEvent& event);
  bool read_cdata(XmlEvent& event);
  bool read_start(XmlEvent& event);
  bool read_attribute(XmlEvent& event);
  bool read_end(XmlEvent& event);
  bool decode(std::size_t begin, std::size_t end, std::string& out);

  const SourceText& source_;
  std::size_t at_ = 0;
  std::vector<std::string_view> open_;  // names with prefix
  bool root_seen_ = false;
  bool end_pending_ = false;            // the element just reported was empty
  std::optional<Error> error_;
};

}  // namespace twinbed::sim
