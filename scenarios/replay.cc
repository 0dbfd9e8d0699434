#include <algorithm>

#include "backends/input_log.h"
#include "backends/sqlite/store_reader.h"
#include "scenarios/build_network.h"
#include "scenarios/load.h"
#include "scenarios/protocols.h"
#include "scenarios/run.h"
#include "scenarios/simulation.h"

namespace twinbed::scenarios {
namespace {

/// Rows of a repetition are not wanted a second time.
class NoRows final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time, NodeId, const EventType&, std::span<const Field>) override {}
  void fault(Time, const FaultRow&) override {}
};

struct Recorded {
  backends::RunRow run;
  Scenario scenario;
};

std::string run_name(const std::string& path, std::int64_t run_id) {
  return path + "#" + std::to_string(run_id);
}

Result<Recorded> load_recorded(backends::StoreReader& reader, const std::string& path,
                               std::int64_t run_id) {
  Result<backends::RunRow> run = reader.run(run_id);
  if (!run) return Error{run.error()};
  Result<Scenario> scenario =
      load_scenario_text(run->info.scenario_text, run_name(path, run_id), "/");
  if (!scenario) return Error{scenario.error()};
  return Recorded{std::move(*run), std::move(*scenario)};
}

/// A simulated run that can be repeated step by step.
class Repetition {
 public:
  static Result<std::unique_ptr<Repetition>> open(const std::string& path, std::int64_t run_id) {
    Result<backends::StoreReader> reader = backends::StoreReader::open(path);
    if (!reader) return Error{reader.error()};
    Result<Recorded> recorded = load_recorded(*reader, path, run_id);
    if (!recorded) return Error{recorded.error()};
    if (recorded->run.info.mode != "sim") {
      return Error{run_name(path, run_id) + " is a run in mode " + recorded->run.info.mode +
                   "; only simulated runs can be compared event by event"};
    }
    auto repetition = std::make_unique<Repetition>();
    repetition->recorded_ = std::move(*recorded);
    auto built = build_simulation(repetition->recorded_.scenario,
                                  repetition->recorded_.run.info.seed, repetition->rows_);
    if (!built) return Error{built.error()};
    repetition->simulator_ = std::move(*built);
    return repetition;
  }

  /// One event; false when the run has come to its end.
  bool step() {
    const Time end{recorded_.scenario.duration};
    return simulator_->next_event_at() <= end && simulator_->step();
  }
  sim::Simulator& simulator() { return *simulator_; }
  const Recorded& recorded() const { return recorded_; }

 private:
  Recorded recorded_;
  NoRows rows_;
  std::unique_ptr<sim::Simulator> simulator_;
};

Result<ReplayReport> replay_simulated(const std::string& path, std::int64_t run_id) {
  auto repetition = Repetition::open(path, run_id);
  if (!repetition) return Error{repetition.error()};
  while ((*repetition)->step()) {
  }
  ReplayReport report;
  report.mode = "sim";
  report.recorded = (*repetition)->recorded().run.result.fingerprint;
  report.replayed = (*repetition)->simulator().fingerprint().hex();
  report.events = (*repetition)->simulator().events_executed();
  report.equal = report.recorded == report.replayed;
  report.explanation =
      report.equal
          ? "all " + std::to_string(report.events) + " events were the same, to the bit"
          : "the fingerprints differ: the program, or a file that the scenario names, has changed";
  return report;
}

Result<ReplayReport> replay_real(backends::StoreReader& reader, const Recorded& recorded) {
  const Scenario& scenario = recorded.scenario;
  Result<BuiltNetwork> network = build_network(scenario, recorded.run.info.seed);
  if (!network) return Error{network.error()};
  ReplayReport report;
  report.mode = recorded.run.info.mode;
  report.equal = true;
  for (std::size_t index = 0; index < scenario.nodes.size(); ++index) {
    const NodeId node{static_cast<std::uint32_t>(index)};
    auto inputs = reader.inputs(recorded.run.run_id, node);
    if (!inputs) return Error{inputs.error()};
    auto factory = make_protocol(scenario, index, network->endpoints);
    if (!factory) return Error{factory.error()};
    auto replayed = backends::replay_input_log(node, *inputs, *factory);
    if (!replayed) return Error{replayed.error()};
    report.events += replayed->handlers;
    if (replayed->mismatch && report.equal) {
      report.equal = false;
      report.explanation =
          "node " + scenario.nodes[index].name + ": " + replayed->mismatch->sentence;
    }
  }
  if (report.equal) {
    report.explanation = "all " + std::to_string(report.events) +
                         " handler calls made the same requests, to the bit";
  }
  return report;
}

}  // namespace

Result<ReplayReport> replay_run(const std::string& path, std::int64_t run_id) {
  Result<backends::StoreReader> reader = backends::StoreReader::open(path);
  if (!reader) return Error{reader.error()};
  Result<Recorded> recorded = load_recorded(*reader, path, run_id);
  if (!recorded) return Error{recorded.error()};
  if (recorded->run.info.mode == "sim") return replay_simulated(path, run_id);
  return replay_real(*reader, *recorded);
}

Result<DiffReport> diff_runs(const std::string& left_path, std::int64_t left_run,
                             const std::string& right_path, std::int64_t right_run) {
  auto left = Repetition::open(left_path, left_run);
  if (!left) return Error{left.error()};
  auto right = Repetition::open(right_path, right_run);
  if (!right) return Error{right.error()};
  (*left)->simulator().describe_events();
  (*right)->simulator().describe_events();
  DiffReport report;
  for (;;) {
    const bool left_goes_on = (*left)->step();
    const bool right_goes_on = (*right)->step();
    if (!left_goes_on && !right_goes_on) {
      report.equal = true;
      return report;
    }
    ++report.event;
    const sim::Simulator& a = (*left)->simulator();
    const sim::Simulator& b = (*right)->simulator();
    if (left_goes_on && right_goes_on && a.fingerprint().value() == b.fingerprint().value()) {
      continue;
    }
    if (left_goes_on) report.left = a.last_description();
    if (right_goes_on) report.right = b.last_description();
    return report;
  }
}

}  // namespace twinbed::scenarios
