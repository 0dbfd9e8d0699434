#include "scenarios/judge.h"

#include "scenarios/dump.h"
#include "scenarios/protocols.h"
#include "sim/checkers/keys_checker.h"

namespace twinbed::scenarios {
namespace {

sim::CheckerOptions checker_options(const Options& options) {
  return sim::CheckerOptions(options.begin(), options.end());
}

std::string expected_verdict(const CheckerSpec& spec, const std::string& policy,
                             bool is_simulated) {
  // Its rows come from looking into every node, which only a simulator can.
  if (!is_simulated && spec.name == sim::kKeysStayName) return "unknown";
  const auto found = spec.expect.find(policy);
  return found == spec.expect.end() ? "valid" : found->second;
}

}  // namespace

Judge::Judge(const Scenario& scenario)
    : scenario_(scenario), checkers_(scenario.faults.size()), measure_(run_nodes(scenario)) {
  tee_.add(checkers_);
  tee_.add(measure_);
}

Result<std::unique_ptr<Judge>> Judge::make(const Scenario& scenario) {
  std::unique_ptr<Judge> judge(new Judge(scenario));
  for (const CheckerSpec& spec : scenario.checkers) {
    auto checker =
        sim::make_checker(spec.name, checker_options(spec.options), run_nodes(scenario));
    if (!checker) return Error{checker.error()};
    judge->checkers_.add(std::move(*checker));
  }
  return judge;
}

void Judge::finish(Time end, backends::Store& store, RunSummary& summary) {
  const std::vector<sim::CheckerOutcome> outcomes = checkers_.finish(end);
  summary.as_expected = summary.failure.empty();
  const bool is_simulated = !summary.fingerprint.empty();
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    const sim::Verdict& verdict = outcomes[i].verdict;
    backends::VerdictRow row;
    row.checker = outcomes[i].checker;
    row.verdict = to_string(verdict.kind);
    row.expected =
        expected_verdict(scenario_.checkers[i], scenario_.protocol.policy, is_simulated);
    row.explanation = verdict.explanation;
    row.time = verdict.at;
    row.node = verdict.node;
    summary.as_expected = summary.as_expected && row.verdict == *row.expected;
    store.add_verdict(row);
    summary.verdicts.push_back(std::move(row));
  }
  for (const sim::Measurement& measurement : measure_.finish(end)) {
    store.sink().sample(end, measurement.node.value_or(backends::kWholeRun), measurement.metric,
                        measurement.value);
  }
}

backends::RunInfo run_info(const Scenario& scenario, const ScenarioFiles& files,
                           const RunOptions& options, const std::string& mode,
                           const sim::FaultPlan& drawn) {
  backends::RunInfo info;
  info.scenario = scenario.name;
  info.scenario_text = dump_scenario(with_absolute_files(scenario));
  info.mode = mode;
  info.seed = options.seed;
  info.replication = options.replication;
  info.build_id = build_id();
  info.started_at = options.started_at;
  info.parameters = options.parameters;
  Scenario plan;
  plan.faults = drawn;
  info.fault_plan = dump_scenario(plan);
  for (const NodeSpec& node : scenario.nodes) {
    info.nodes.push_back({node.name, node.role, node.host.empty() ? node.name : node.host});
  }
  for (const auto& [path, content] : files.contents()) info.files.push_back({path, content});
  return info;
}

Result<RunSummary> end_run(Judge& judge, backends::Store& store, RunSummary summary, Time ended_at,
                           std::chrono::steady_clock::time_point wall_start) {
  judge.finish(ended_at, store, summary);
  backends::RunResultRow result;
  result.fingerprint = summary.fingerprint;
  result.events_count = static_cast<std::int64_t>(summary.events);
  result.end_ns = to_ns(ended_at);
  result.wall_ns = (std::chrono::steady_clock::now() - wall_start) / Duration{1};
  result.failure = summary.failure;
  const backends::Status written = store.finish_run(result);
  if (!written) return Error{written.error()};
  return summary;
}

std::string build_id() {
#if defined(__clang__)
  const std::string compiler = "clang " __clang_version__;
#else
  const std::string compiler = "gcc " __VERSION__;
#endif
#if defined(__OPTIMIZE__)
  return compiler + " optimised";
#else
  return compiler + " not optimised";
#endif
}

}  // namespace twinbed::scenarios
