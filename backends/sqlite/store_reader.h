// Reads a result store: for replays, for checkers over recorded runs, for the native tools.
//
// A reader never changes what is in the file and may read while a run is being written; it sees
// what was committed. A file on which nothing can be written (another user's, a read-only
// medium) is readable if its writer has closed it. The file's bytes are not trusted: garbage, a
// damaged file, another schema or values that make no sense are errors, never a crash and never
// an endless search.
//
// One thread at a time.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/sqlite/rows.h"
#include "core/io/run_sink.h"

namespace twinbed::backends {

class StoreReader {
 public:
  static Result<StoreReader> open(const std::string& path);
  ~StoreReader();
  StoreReader(StoreReader&&) noexcept;
  StoreReader& operator=(StoreReader&&) noexcept;

  /// All runs by run_id, without their long texts (scenario_text, fault_plan), parameters, nodes
  /// and files. Runs whose writer was killed are shown as 'failed', as the next Store::open will
  /// mark them.
  Result<std::vector<RunRow>> runs();
  /// One run with everything that a replay needs.
  Result<RunRow> run(std::int64_t run_id);

  /// The events of a run in time order.
  Status for_each_event(std::int64_t run_id, const std::function<void(const EventRow&)>& visit);

  /// Hands all events, samples and faults of a run to a sink in time order; at equal times events
  /// and faults come in the order in which they were recorded, and samples after them. The metrics
  /// and event types that the sink sees live as long as the reader.
  Status feed(std::int64_t run_id, RunSink& sink);

  /// The captured packets and frames of a run in time order; none where the run was not captured.
  /// Views are valid during the callback.
  Status for_each_frame(std::int64_t run_id, const std::function<void(const FrameRow&)>& visit);

  /// The input log of a node of a real run, in order.
  Result<std::vector<StoredInput>> inputs(std::int64_t run_id, NodeId node);
  /// The samples of a metric, of all nodes, in time order; empty where nothing was sampled.
  Result<std::vector<SampleRow>> samples(std::int64_t run_id, const std::string& metric);
  Result<std::vector<VerdictRow>> verdicts(std::int64_t run_id);

 private:
  struct State;
  explicit StoreReader(std::unique_ptr<State> state);

  std::unique_ptr<State> state_;
};

}  // namespace twinbed::backends
