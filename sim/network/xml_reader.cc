#include "sim/network/xml_reader.h"

#include <algorithm>

namespace twinbed::sim {
namespace {

constexpr std::size_t kMaxDepth = 1000;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

/// Whether a character may stand in a name. Laxer than XML: everything beyond ASCII may.
bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || static_cast<unsigned char>(c) >= 0x80;
}

std::string_view without_prefix(std::string_view name) { return name.substr(name.rfind(':') + 1); }

}  // namespace

std::string_view XmlEvent::attribute(std::string_view attribute_name) const {
  for (const auto& [key, value] : attributes) {
    if (key == attribute_name) return value;
  }
  return {};
}

bool XmlReader::fail(std::size_t offset, std::string_view sentence) {
  error_ = source_.error_at(offset, sentence);
  return false;
}

bool XmlReader::starts_with(std::string_view prefix) const {
  return source_.text.substr(at_, prefix.size()) == prefix;
}

bool XmlReader::skip_past(std::string_view end, std::string_view what) {
  const std::size_t found = source_.text.find(end, at_);
  if (found == std::string_view::npos) {
    return fail(at_, "this " + std::string(what) + " has no end");
  }
  at_ = found + end.size();
  return true;
}

void XmlReader::skip_spaces() {
  while (at_ < source_.text.size() && is_space(source_.text[at_])) ++at_;
}

std::string_view XmlReader::read_name() {
  const std::size_t begin = at_;
  while (at_ < source_.text.size() && is_name_char(source_.text[at_])) ++at_;
  return source_.text.substr(begin, at_ - begin);
}

bool XmlReader::decode(std::size_t begin, std::size_t end, std::string& out) {
  out.clear();
  const auto bad = decode_references(source_.text.substr(begin, end - begin), out);
  if (!bad) return true;
  return fail(begin + *bad, "this '&' begins no known character reference; for the sign itself "
                            "write &amp;");
}

bool XmlReader::next(XmlEvent& event) {
  event.attributes.clear();
  event.text.clear();
  if (end_pending_) {
    end_pending_ = false;
    event.kind = XmlEventKind::kEnd;
    event.name = without_prefix(open_.back());
    open_.pop_back();
    return true;
  }
  for (bool skipped = true; skipped;) {
    skipped = false;
    if (open_.empty()) skip_spaces();
    event.offset = at_;
    if (at_ == source_.text.size()) {
      if (!open_.empty()) {
        return fail(at_, "the file ends inside the element <" + std::string(open_.back()) + ">");
      }
      if (!root_seen_) return fail(at_, "this XML file holds no element");
      event.kind = XmlEventKind::kEndOfFile;
      return true;
    }
    if (source_.text[at_] != '<') {
      if (!open_.empty()) return read_text(event);
      return fail(at_, "text outside of the root element");
    }
    if (!read_markup(event, skipped)) return false;
  }
  return true;
}

bool XmlReader::read_markup(XmlEvent& event, bool& skipped) {
  if (starts_with("</")) return read_end(event);
  if (starts_with("<![CDATA[") && !open_.empty()) return read_cdata(event);
  if (starts_with("<?") || starts_with("<!")) {
    skipped = true;
    if (starts_with("<?")) return skip_past("?>", "processing instruction");
    if (starts_with("<!--")) {
      at_ += 4;
      return skip_past("-->", "comment");
    }
    const std::size_t begin = at_;
    if (!starts_with("<!DOCTYPE")) return fail(at_, "this '<!' begins nothing that XML knows");
    if (!skip_past(">", "document type")) return false;
    const std::string_view type = source_.text.substr(begin, at_ - begin);
    return type.find('[') == std::string_view::npos ||
           fail(begin, "a document type with declarations of its own is not read; remove it");
  }
  return read_start(event);
}

bool XmlReader::read_text(XmlEvent& event) {
  const std::size_t end = std::min(source_.text.find('<', at_), source_.text.size());
  event.kind = XmlEventKind::kText;
  if (!decode(at_, end, event.text)) return false;
  at_ = end;
  return true;
}

bool XmlReader::read_cdata(XmlEvent& event) {
  constexpr std::string_view kOpen = "<![CDATA[";
  constexpr std::string_view kClose = "]]>";
  const std::size_t begin = at_ + kOpen.size();
  if (!skip_past(kClose, "CDATA section")) return false;
  event.kind = XmlEventKind::kText;
  event.text = source_.text.substr(begin, at_ - kClose.size() - begin);
  return true;
}

bool XmlReader::read_start(XmlEvent& event) {
  const std::size_t begin = at_;
  if (open_.empty() && root_seen_) return fail(begin, "a second root element begins here");
  ++at_;
  const std::string_view name = read_name();
  if (name.empty()) return fail(begin, "this '<' begins no element; for the sign write &lt;");
  if (open_.size() == kMaxDepth) return fail(begin, "elements are nested more than 1000 deep");
  event.kind = XmlEventKind::kStart;
  event.name = without_prefix(name);
  for (;;) {
    skip_spaces();
    if (starts_with("/>") || starts_with(">")) break;
    if (at_ == source_.text.size()) {
      return fail(begin, "the tag <" + std::string(name) + " has no end");
    }
    if (!read_attribute(event)) return false;
  }
  end_pending_ = source_.text[at_] == '/';
  at_ += end_pending_ ? 2 : 1;
  open_.push_back(name);
  root_seen_ = true;
  return true;
}

bool XmlReader::read_attribute(XmlEvent& event) {
  const std::size_t begin = at_;
  const std::string_view name = read_name();
  if (name.empty()) return fail(begin, "an attribute, '>' or '/>' was expected here");
  skip_spaces();
  const bool equals = starts_with("=");
  if (equals) ++at_;
  skip_spaces();
  if (!equals || !(starts_with("\"") || starts_with("'"))) {
    return fail(begin, "the attribute '" + std::string(name.substr(0, 40)) +
                           "' needs a value in quotation marks");
  }
  const std::size_t end = source_.text.find(source_.text[at_], at_ + 1);
  if (end == std::string_view::npos) return fail(at_, "this attribute value has no end");
  event.attributes.emplace_back(name, std::string{});
  if (!decode(at_ + 1, end, event.attributes.back().second)) return false;
  at_ = end + 1;
  return true;
}

bool XmlReader::read_end(XmlEvent& event) {
  const std::size_t begin = at_;
  at_ += 2;
  const std::string_view name = read_name();
  skip_spaces();
  if (!starts_with(">")) return fail(begin, "this end tag has no '>'");
  ++at_;
  if (open_.empty() || open_.back() != name) {
    return fail(begin, "</" + std::string(name.substr(0, 40)) + "> does not close " +
                           (open_.empty() ? "any element"
                                          : "<" + std::string(open_.back().substr(0, 40)) + ">"));
  }
  event.kind = XmlEventKind::kEnd;
  event.name = without_prefix(name);
  open_.pop_back();
  return true;
}

}  // namespace twinbed::sim
