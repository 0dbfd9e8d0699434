// Checkers and measures of a run, whatever its mode.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "backends/sqlite/store.h"
#include "core/io/run_sink.h"
#include "scenarios/files.h"
#include "scenarios/run.h"
#include "scenarios/scenario.h"
#include "sim/checkers/checker.h"
#include "sim/checkers/measures.h"

namespace twinbed::scenarios {

class Judge {
 public:
  /// The scenario's checkers; the error names one that does not exist or a wrong option.
  static Result<std::unique_ptr<Judge>> make(const Scenario& scenario);

  /// Feed it all rows of the run in time order.
  RunSink& sink() { return tee_; }

  /// Adds the verdicts and the measures to the store's current run, and the verdicts to the
  /// summary.
  void finish(Time end, backends::Store& store, RunSummary& summary);

 private:
  explicit Judge(const Scenario& scenario);

  const Scenario& scenario_;
  sim::CheckerSet checkers_;
  sim::RunMeasures measure_;
  TeeSink tee_;
};

/// What the store keeps of a run before it starts.
backends::RunInfo run_info(const Scenario& scenario, const ScenarioFiles& files,
                           const RunOptions& options, const std::string& mode,
                           const sim::FaultPlan& drawn);

/// Judges the store's current run, whose rows are all there, and ends it with what the summary says
/// so far. `wall_start` is when the making of the run began.
Result<RunSummary> end_run(Judge& judge, backends::Store& store, RunSummary summary, Time ended_at,
                           std::chrono::steady_clock::time_point wall_start);

/// Compiler, its version and the build type: part of every recorded run.
std::string build_id();

}  // namespace twinbed::scenarios
