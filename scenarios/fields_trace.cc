// The kind of a link's traces: read from a CSV file or from the same text within the scenario, and
// written as text, so that a scenario in the result store needs no file.
#include <filesystem>

#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"
#include "scenarios/fields_trace_source.h"
#include "scenarios/link_trace.h"
#include "scenarios/trace_text.h"

namespace twinbed::scenarios {
namespace {

using sim::LinkTrace;

/// A trace as it stands in a scenario file.
struct TraceSpec {
  std::string file;
  std::string csv;
  std::optional<Duration> repeat;
};

const RecordKind<TraceSpec>& trace_record() {
  using T = TraceSpec;
  static const OptionalKind<Duration> repeat(positive_duration_kind());
  static const RecordKind<T> kind = [] {
    RecordKind<T> record("link_trace",
                         "What changes on the link with time, in steps, on top of what the link "
                         "does otherwise");
    record.add("file", &T::file, text_kind(),
               "a CSV file, relative to the scenario file, with a column time (seconds from the "
               "start of the run) and one or more of loss (probability), delay (milliseconds, one "
               "way) and bandwidth (bit/s); values may have units");
    record.add("csv", &T::csv, text_kind(), "the same as text, instead of a file");
    record.add("repeat", &T::repeat, repeat,
               "the trace begins again after this time, and then every time; without it, its last "
               "row holds to the end of the run");
    return record;
  }();
  return kind;
}

/// A mapping, or a list of them, which all act together.
class TracesKind final : public Kind<std::vector<LinkTrace>> {
 public:
  bool read(Reader& reader, const YamlNode& node, std::vector<LinkTrace>& out) const override {
    out.clear();
    if (node.type != NodeType::kList) return read_one(reader, node, out);
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      reader.enter(std::to_string(i));
      if (!read_one(reader, node.items[i], out)) return false;
      reader.leave();
    }
    return true;
  }

  YamlNode write(const std::vector<LinkTrace>& traces) const override {
    YamlNode list = list_node();
    for (const LinkTrace& trace : traces) {
      list.items.push_back(trace_record().write({"", format_trace(trace), trace.repeat()}));
    }
    return list.items.size() == 1 ? list.items.front() : list;
  }

  Json schema(Json& definitions) const override {
    const Json one = trace_record().schema(definitions);
    return {{"anyOf", Json::array({one, Json{{"type", "array"}, {"items", one}}})}};
  }

  std::string what() const override { return "a mapping such as {file: trace.csv}"; }

 private:
  static bool read_one(Reader& reader, const YamlNode& node, std::vector<LinkTrace>& out) {
    TraceSpec spec;
    if (!trace_record().read(reader, node, spec)) return false;
    TraceSource source;
    if (!read_trace_source(reader, node, spec.file, spec.csv, source)) return false;
    const Result<LinkTrace> trace = parse_trace(source.csv, spec.repeat);
    if (!trace) return reader.fail(*source.place, source.name + trace.error());
    const Duration last = trace->steps().back().at;
    if (spec.repeat && *spec.repeat <= last) {
      return reader.fail(node.find("repeat")->place,
                         "the trace cannot repeat after " + format_duration(*spec.repeat) +
                             ", its last row begins at " + format_duration(last) +
                             "; write a longer time");
    }
    out.push_back(*trace);
    return true;
  }
};

}  // namespace

bool read_trace_source(Reader& reader, const YamlNode& node, const std::string& file,
                       const std::string& csv, TraceSource& out) {
  if (file.empty() == csv.empty()) {
    return reader.fail(node.place, "a trace is either a 'file' or the text 'csv', write one of "
                                   "the two");
  }
  const std::string key = file.empty() ? "csv" : "file";
  out = {csv, key + ":", &node.find(key)->place};
  if (file.empty()) return true;
  out.name = file + ":";
  Result<std::string> text = read_trace_file(reader.resolve(file));
  if (!text) return reader.fail(*out.place, out.name + " " + text.error());
  out.csv = *std::move(text);
  return true;
}

const Kind<std::vector<LinkTrace>>& traces_kind() {
  static const TracesKind kind;
  return kind;
}

}  // namespace twinbed::scenarios
