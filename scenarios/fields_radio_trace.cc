// The kind of a radio link's trace: read from a CSV file, from the same text within the scenario,
// or from a capture, and written as text, so that a scenario in the result store needs no file.
#include "scenarios/fields.h"
#include "scenarios/fields_leaves.h"
#include "scenarios/fields_trace_source.h"
#include "scenarios/radio_capture_trace.h"
#include "scenarios/radio_trace.h"

namespace twinbed::scenarios {
namespace {

using Steps = std::vector<sim::LinkRecordStep>;

/// A trace of a radio link as it stands in a scenario file.
struct RadioTraceSpec {
  std::string file;
  std::string csv;
  std::string filter;
  std::optional<Duration> average;
  CaptureSignal signal = CaptureSignal::kMean;
  CaptureLosses losses = CaptureLosses::kNone;
};

const RecordKind<RadioTraceSpec>& radio_trace_record() {
  using T = RadioTraceSpec;
  static const OptionalKind<Duration> average(positive_duration_kind());
  static const auto signal = enum_kind<CaptureSignal>(
      "the signals of a capture", {{"mean", CaptureSignal::kMean}, {"none", CaptureSignal::kNone}});
  static const auto losses = enum_kind<CaptureLosses>(
      "the losses of a capture", {{"none", CaptureLosses::kNone}, {"gaps", CaptureLosses::kGaps}});
  static const RecordKind<T> kind = [] {
    RecordKind<T> record("radio_trace",
                         "What was measured of a link: where it has signals they replace path "
                         "loss, shadowing and fading; losses come on top");
    record.add("file", &T::file, text_kind(),
               "a CSV file, relative to the scenario file, with a column time (seconds from the "
               "start of the run), and signal (dBm at the receiver), loss (probability), or both; "
               "or a capture (.pcap, .pcapng) of the receiver's card in monitor mode, whose "
               "signals count from its first frame on and hold while nothing is heard");
    record.add("csv", &T::csv, text_kind(), "the same as text, instead of a file");
    record.add("filter", &T::filter, text_kind(),
               "which frames of the capture, in libpcap's language: wlan addr2 57:42:75:05:d6:00; "
               "without it, all are of one sender");
    record.add("average", &T::average, average,
               "a step is the mean power of the capture's frames, and of their antennas, in so "
               "long a time, and the part of them that is missing; without it 100 ms");
    record.add("signal", &T::signal, signal,
               "whether a capture gives signals: mean, or none, where losses alone are wanted");
    record.add("losses", &T::losses, losses,
               "whether a capture gives losses: none, as signals make them, or gaps, which counts "
               "the frames that are missing by WFB-NG's nonces or, of other senders, by 802.11's "
               "sequence numbers; with both, what a weak signal lost is lost twice");
    return record;
  }();
  return kind;
}

class RadioTraceKind final : public Kind<Steps> {
 public:
  bool read(Reader& reader, const YamlNode& node, Steps& out) const override {
    RadioTraceSpec spec;
    if (!radio_trace_record().read(reader, node, spec)) return false;
    if (spec.csv.empty() && is_capture_name(spec.file)) {
      return read_capture(reader, node, spec, out);
    }
    for (const char* key : {"filter", "average", "signal", "losses"}) {
      if (const YamlNode* given = node.find(key)) {
        return reader.fail(given->place, "key '" + std::string(key) + "' goes with a capture "
                                         "(.pcap, .pcapng) alone, leave it out");
      }
    }
    TraceSource source;
    if (!read_trace_source(reader, node, spec.file, spec.csv, source)) return false;
    Result<Steps> steps = parse_radio_trace(source.csv);
    if (!steps) return reader.fail(*source.place, source.name + steps.error());
    out = *std::move(steps);
    return true;
  }
  YamlNode write(const Steps& steps) const override {
    RadioTraceSpec spec;
    spec.csv = format_radio_trace(steps);
    return radio_trace_record().write(spec);
  }
  Json schema(Json& definitions) const override { return radio_trace_record().schema(definitions); }
  std::string what() const override { return "a mapping such as {file: trace.csv}"; }

 private:
  static bool read_capture(Reader& reader, const YamlNode& node, const RadioTraceSpec& spec,
                           Steps& out) {
    if (spec.signal == CaptureSignal::kNone && spec.losses == CaptureLosses::kNone) {
      return reader.fail(node.find("signal")->place, "of this capture nothing would count, add "
                                                     "'losses: gaps', or leave 'signal' out");
    }
    CaptureTraceOptions options;
    options.filter = spec.filter;
    options.average = spec.average.value_or(options.average);
    options.signal = spec.signal;
    options.losses = spec.losses;
    Result<Steps> steps = read_radio_capture(reader.resolve(spec.file), options);
    if (!steps) return reader.fail(node.find("file")->place, spec.file + ": " + steps.error());
    out = *std::move(steps);
    return true;
  }
};

}  // namespace

const Kind<Steps>& radio_trace_kind() {
  static const RadioTraceKind kind;
  return kind;
}

}  // namespace twinbed::scenarios
