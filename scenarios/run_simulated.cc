#include <chrono>

#include "scenarios/judge.h"
#include "scenarios/key_watch.h"
#include "scenarios/run.h"
#include "scenarios/run_capture.h"
#include "scenarios/simulation.h"
#include "sim/tap_tee.h"

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
  const Result<ScenarioFiles> files = ScenarioFiles::read(scenario);
  if (!files) return Error{files.error()};
  ModelCapture capture(store);
  const Result<std::unique_ptr<KeyWatch>> keys = KeyWatch::make(scenario, rows);
  if (!keys) return Error{keys.error()};
  sim::TapTee taps;
  if (options.capture) taps.add(capture);
  if (*keys) taps.add(**keys);
  auto built = build_simulation(scenario, *files, options.seed, rows, options.factory);
  if (!built) return Error{built.error()};
  sim::Simulator& simulator = **built;
  if (!taps.empty()) {
    simulator.network().set_tap(&taps);
    if (simulator.radio() != nullptr) simulator.radio()->set_tap(&taps);
  }

  Result<std::int64_t> run_id =
      store.begin_run(run_info(scenario, *files, options, "sim", simulator.drawn_faults()));
  if (!run_id) return Error{run_id.error()};
  RunSummary summary;
  summary.run_id = *run_id;
  summary.failure = execute(simulator, scenario.duration, options.progress);
  simulator.finish();
  if (*keys) (*keys)->finish(simulator);
  summary.fingerprint = simulator.fingerprint().hex();
  summary.events = simulator.events_executed();
  return end_run(**judge, store, std::move(summary), simulator.now(), wall_start);
}

}  // namespace twinbed::scenarios
