// Where the rows of a run go: the result store, the checkers, a test.
//
// A host stamps what protocols record with the node and with run time: the simulator's true time,
// or in mode real the machine's monotonic clock from the common start of the run. A sink receives
// rows in time order and must not change the run.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/io/ids.h"
#include "core/io/recorder.h"

namespace twinbed {

enum class FaultPhase : std::uint8_t {
  kBegin,  ///< the fault takes effect
  kEnd,    ///< it is lifted, or the run ends with it; `touched` is final
};

/// A fault as it really happened, its selectors resolved.
struct FaultRow {
  std::uint32_t index = 0;      ///< its place in the drawn plan, from 0
  FaultPhase phase = FaultPhase::kBegin;
  std::string_view action;      ///< "crash", "partition", ...
  std::string_view target;      ///< the nodes or links it hit: "node3", "node1 | node2 node3"
  std::string_view detail;      ///< its parameters as JSON
  std::uint64_t touched = 0;    ///< how much it changed: packets dropped, processes stopped, ...
};

class RunSink {
 public:
  virtual ~RunSink() = default;

  virtual void sample(Time at, NodeId node, const Metric& metric, double value) = 0;
  virtual void event(Time at, NodeId node, const EventType& type,
                     std::span<const Field> fields) = 0;
  virtual void fault(Time at, const FaultRow& fault) = 0;
};

/// Hands every row on to several sinks, in the order in which they were added.
class TeeSink final : public RunSink {
 public:
  void add(RunSink& sink) { sinks_.push_back(&sink); }

  void sample(Time at, NodeId node, const Metric& metric, double value) override {
    for (RunSink* sink : sinks_) sink->sample(at, node, metric, value);
  }
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override {
    for (RunSink* sink : sinks_) sink->event(at, node, type, fields);
  }
  void fault(Time at, const FaultRow& fault) override {
    for (RunSink* sink : sinks_) sink->fault(at, fault);
  }

 private:
  std::vector<RunSink*> sinks_;
};

/// Finds a field of an event by its key; null when there is none.
const Field* find_field(std::span<const Field> fields, std::string_view key);
/// The integer value of a field, or `missing` when it is absent or not an integer.
std::int64_t int_field(std::span<const Field> fields, std::string_view key, std::int64_t missing);
/// The text of a field, empty when it is absent or not text.
std::string_view text_field(std::span<const Field> fields, std::string_view key);

}  // namespace twinbed
