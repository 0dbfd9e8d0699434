// The rows of the result store as C++ sees them; schema.h says what each column means.
//
// Texts are UTF-8; invalid bytes and NULs are replaced by U+FFFD on their way into the file. Times
// are run time in integer nanoseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/ids.h"
#include "core/io/recorder.h"

namespace twinbed::backends {

/// Success, or the sentence that says why not.
using Status = Result<std::monostate>;

/// In a row that is about the run as a whole and not about one node; NULL in the file.
inline constexpr NodeId kWholeRun{0xffff'ffffU};

/// A node of the scenario; its id is its place in RunInfo::nodes.
struct NodeRow {
  std::string name;
  std::string role;
  std::string host;

  bool operator==(const NodeRow&) const = default;
};

/// A file that a run read.
struct FileRow {
  std::string path;  ///< absolute, as in RunInfo::scenario_text
  std::string content;

  bool operator==(const FileRow&) const = default;
};

/// What is known of a run before it starts.
struct RunInfo {
  std::string scenario;       ///< its name
  std::string scenario_text;  ///< the complete resolved scenario
  std::string mode;           ///< "sim", "real" or "virtual-radio"
  std::uint64_t seed = 0;
  std::int64_t replication = 0;
  std::string build_id;
  std::string fault_plan;  ///< the plan as drawn from the seed
  std::string started_at;  ///< UTC, ISO 8601; the caller reads the clock
  std::vector<std::pair<std::string, std::string>> parameters;  ///< path and value, as overridden
  std::vector<NodeRow> nodes;
  std::vector<FileRow> files{};  ///< that the scenario names, by path: a replay needs no others

  bool operator==(const RunInfo&) const = default;
};

/// What is known of a run once it has ended.
struct RunResultRow {
  std::string fingerprint;                   ///< 16 hexadecimal digits; empty: the run has none
  std::optional<std::int64_t> events_count;  ///< simulated events that were executed
  std::optional<std::int64_t> end_ns;        ///< run time at its end
  std::optional<std::int64_t> wall_ns;       ///< how long it took
  std::string failure;                       ///< one sentence; empty: the run finished

  bool operator==(const RunResultRow&) const = default;
};

/// A run as it is read back.
struct RunRow {
  std::int64_t run_id = 0;
  std::string state;  ///< "running", "finished" or "failed"
  RunInfo info;
  RunResultRow result;
};

/// A checker's finding.
struct VerdictRow {
  std::string checker;
  std::string verdict;                  ///< "valid", "invalid", "unknown" or "vacuous"
  std::optional<std::string> expected;  ///< what the scenario expects; absent: "valid"
  std::string explanation;
  std::optional<Time> time;    ///< of the first violation
  std::optional<NodeId> node;  ///< where it was seen

  bool operator==(const VerdictRow&) const = default;
};

/// One input of a live node: the handler call, so that it can be repeated offline.
struct InputRow {
  Time at;
  NodeId node{};
  std::string_view kind;  ///< "start", "timer", "datagram", ...: the live host's words
  Bytes payload;
};

/// An input as it is read back, with its place among the inputs of its node.
struct StoredInput {
  std::int64_t sequence = 0;
  Time at;
  std::string kind;
  Buffer payload;
};

/// A packet of the network, or a frame of the air, as it passed a node.
struct FrameRow {
  Time at;
  NodeId node{};  ///< kWholeRun where no node of the scenario can be named
  std::string_view direction;  ///< "sent" or "received"
  Bytes bytes;  ///< an IPv4 packet; of a card, radiotap's header and the frame
  std::optional<InterfaceId> card = std::nullopt;  ///< nothing: a packet of the network
};

/// A link of the network as the run used it.
struct LinkRow {
  std::uint32_t index = 0;
  std::string a;
  std::string b;
  std::string detail;  ///< its parameters as JSON
};

/// How late a real-time run was, for one node and one kind of deadline.
struct LatenessRow {
  NodeId node{};
  std::string kind;  ///< "timer", "packet", ...
  std::int64_t count = 0;
  std::int64_t missed = 0;  ///< later than the run's bound
  std::int64_t worst_ns = 0;
  std::int64_t sum_ns = 0;
  std::int64_t p50_ns = 0;
  std::int64_t p90_ns = 0;
  std::int64_t p99_ns = 0;
};

/// One bar of a histogram: the values from low (included) to high (excluded).
struct HistogramBin {
  double low = 0;
  double high = 0;
  std::int64_t count = 0;
};

/// An event as it is read back; views are valid during the callback.
struct EventRow {
  std::int64_t sequence = 0;
  Time at;
  NodeId node{};  ///< kWholeRun where the file has NULL
  const EventType& type;
  std::span<const Field> fields;
  std::string_view fields_json;
};

/// A sample as it is read back. A value that was not a number is not a number again.
struct SampleRow {
  Time at;
  NodeId node{};  ///< kWholeRun where the file has NULL
  double value = 0;
};

}  // namespace twinbed::backends
