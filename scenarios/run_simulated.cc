#include <chrono>

#include "scenarios/judge.h"
#include "scenarios/run.h"
#include "scenarios/simulation.h"

namespace twinbed::scenarios {
namespace {

constexpr int kProgressSteps = 100;

/// Runs to the end in steps, between which the caller may stop it.
std::string execute(sim::Simulator& simulator, Duration total, const ProgressCallback& progress) {
  for (int step = 1; step <= kProgressSteps; ++step) {
    simulator.run_until(Time{total / kProgressSteps * step +
                             (step == kProgressSteps ? total % kProgressSteps : Duration{})});
    if (simulator.failure()) return *simulator.failure();
    if (progress && !progress(simulator.now().time_since_epoch(), total)) {
      return "stopped before its end";
    }
  }
  return {};
}

}  // namespace

Result<RunSummary> run_simulated(const Scenario& scenario, const RunOptions& options,
                                 backends::Store& store) {
  const auto wall_start = std::chrono::steady_clock::now();
  Result<std::unique_ptr<Judge>> judge = Judge::make(scenario);
  if (!judge) return Error{judge.error()};
  TeeSink rows;
  rows.add(store.sink());
  rows.add((*judge)->sink());
  auto built = build_simulation(scenario, options.seed, rows, options.factory);
  if (!built) return Error{built.error()};
  sim::Simulator& simulator = **built;

  Result<std::int64_t> run_id =
      store.begin_run(run_info(scenario, options, "sim", simulator.drawn_faults()));
  if (!run_id) return Error{run_id.error()};
  RunSummary summary;
  summary.run_id = *run_id;
  summary.failure = execute(simulator, scenario.duration, options.progress);
  simulator.finish();
  summary.fingerprint = simulator.fingerprint().hex();
  summary.events = simulator.events_executed();
  (*judge)->finish(simulator.now(), store, summary);

  backends::RunResultRow result;
  result.fingerprint = summary.fingerprint;
  result.events_count = static_cast<std::int64_t>(summary.events);
  result.end_ns = to_ns(simulator.now());
  result.wall_ns = (std::chrono::steady_clock::now() - wall_start) / Duration{1};
  result.failure = summary.failure;
  const backends::Status written = store.finish_run(result);
  if (!written) return Error{written.error()};
  return summary;
}

}  // namespace twinbed::scenarios
