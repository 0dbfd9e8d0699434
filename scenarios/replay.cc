#include <algorithm>

#include "backends/input_log.h"
#include "backends/sqlite/store_reader.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/original_node.h"
#include "scenarios/node/cloud_p2p_robust.h"
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

constexpr const char* kStopped = "the replay was stopped before its end";
/// So many events are executed between two looks at the progress.
constexpr std::uint64_t kProgressStep = 256;

struct Recorded {
  backends::RunRow run;
  Scenario scenario;
  ScenarioFiles files;  // as the run read them; those on the disk may have changed since
};

std::string run_name(const std::string& path, std::int64_t run_id) {
  return path + "#" + std::to_string(run_id);
}

Result<Recorded> load_recorded(backends::RunRow run, const std::string& path) {
  Result<Scenario> scenario =
      load_scenario_text(run.info.scenario_text, run_name(path, run.run_id), "/");
  if (!scenario) return Error{scenario.error()};
  ScenarioFiles::Contents contents;
  for (backends::FileRow& file : run.info.files) {
    contents[file.path] = std::move(file.content);
  }
  ScenarioFiles files(std::move(contents), "the run " + run_name(path, run.run_id));
  return Recorded{std::move(run), std::move(*scenario), std::move(files)};
}

/// A simulated run that can be repeated step by step.
class Repetition {
 public:
  static Result<std::unique_ptr<Repetition>> open(const std::string& path, std::int64_t run_id) {
    Result<backends::StoreReader> reader = backends::StoreReader::open(path);
    if (!reader) return Error{reader.error()};
    Result<backends::RunRow> run = reader->run(run_id);
    if (!run) return Error{run.error()};
    if (run->info.mode != "sim") {
      return Error{run_name(path, run_id) + " is a run in mode " + run->info.mode +
                   "; only simulated runs can be compared event by event"};
    }
    Result<Recorded> recorded = load_recorded(std::move(*run), path);
    if (!recorded) return Error{recorded.error()};
    auto repetition = std::make_unique<Repetition>();
    repetition->recorded_ = std::move(*recorded);
    auto built = build_simulation(repetition->recorded_.scenario, repetition->recorded_.files,
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
  /// Shows how far it has come, now and then; false when it is to stop.
  bool goes_on(const ProgressCallback& progress) {
    if (!progress || simulator_->events_executed() % kProgressStep != 1) return true;
    return progress(simulator_->now().time_since_epoch(), recorded_.scenario.duration);
  }
  sim::Simulator& simulator() { return *simulator_; }
  const Recorded& recorded() const { return recorded_; }

 private:
  Recorded recorded_;
  NoRows rows_;
  std::unique_ptr<sim::Simulator> simulator_;
};

Result<ReplayReport> replay_simulated(const std::string& path, std::int64_t run_id,
                                      const ProgressCallback& progress) {
  auto repetition = Repetition::open(path, run_id);
  if (!repetition) return Error{repetition.error()};
  while ((*repetition)->step()) {
    if (!(*repetition)->goes_on(progress)) return Error{kStopped};
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
          : "the fingerprints differ: the program has changed since, see build_id of the run";
  return report;
}

/// A node of a recorded real run, and how its protocol is built anew.
struct RecordedNode {
  NodeId id{};
  std::string name;
  backends::ProtocolFactory factory;
};

Result<std::vector<RecordedNode>> nodes_of_scenario(const Recorded& recorded) {
  const Scenario& scenario = recorded.scenario;
  Result<BuiltNetwork> network =
      build_network(scenario, recorded.files, recorded.run.info.seed);
  if (!network) return Error{network.error()};
  std::vector<RecordedNode> nodes;
  for (std::size_t index = 0; index < scenario.nodes.size(); ++index) {
    auto factory = make_protocol(scenario, index, network->endpoints, recorded.files);
    if (!factory) return Error{factory.error()};
    nodes.push_back(
        {NodeId{static_cast<std::uint32_t>(index)}, scenario.nodes[index].name, *factory});
  }
  return nodes;
}

std::string parameter(const backends::RunInfo& info, std::string_view path) {
  for (const auto& [name, value] : info.parameters) {
    if (name == path) return value;
  }
  return {};
}

/// A run that `twinbed-node cloud-p2p --database` recorded: its own configuration stands in place
/// of a scenario, and the key it was given is not there.
bool is_cloud_p2p_server(const backends::RunInfo& info) {
  return info.scenario == "cloud-p2p" && !parameter(info, "node_id").empty();
}

Result<std::vector<RecordedNode>> node_of_cloud_p2p_server(const backends::RunInfo& info,
                                                           const std::string& name,
                                                           const std::string& encryption_key) {
  const auto config = election::parse_config_json(info.scenario_text, name);
  if (!config) return Error{config.error()};
  const bool zero_key = parameter(info, "zero_key") == "true";
  if (!zero_key && encryption_key.empty()) {
    return Error{name + " is a run of a cloud-p2p server, whose key is not in the store; set "
                 "ENCRYPTION_KEY to the key that the server had and replay it again"};
  }
  const std::vector<election::Peer>& peers = config->peers;
  const auto own = std::find_if(peers.begin(), peers.end(), [&](const election::Peer& peer) {
    return std::to_string(peer.id) == parameter(info, "node_id");
  });
  if (own == peers.end()) {
    return Error{name + ": node " + parameter(info, "node_id") + " is not among the peers"};
  }
  const std::string key = zero_key ? std::string(64, '0') : encryption_key;
  election::Config own_config = *config;
  own_config.node_id = own->id;
  const bool is_robust = parameter(info, "policy") == "robust";
  election::Profile profile{};
  if (!is_robust && !election::parse_profile(parameter(info, "profile"), profile)) {
    return Error{name + ": there is no profile '" + parameter(info, "profile") + "'"};
  }
  const auto factory = is_robust
                           ? robust_factory(own_config, robust_settings(info.parameters), key)
                           : original_factory(own_config, profile, key, zero_key);
  if (!factory) return Error{factory.error()};
  const NodeId id{static_cast<std::uint32_t>(own - peers.begin())};
  return std::vector<RecordedNode>{{id, "node" + std::to_string(own->id), *factory}};
}

Result<ReplayReport> replay_real(backends::StoreReader& reader, const backends::RunRow& run,
                                 const std::vector<RecordedNode>& nodes,
                                 const ProgressCallback& progress) {
  const Duration length{run.result.end_ns.value_or(0)};
  const auto node_count = static_cast<std::int64_t>(nodes.size());
  ReplayReport report;
  report.mode = run.info.mode;
  report.equal = true;
  for (std::int64_t index = 0; index < node_count; ++index) {
    const RecordedNode& node = nodes[static_cast<std::size_t>(index)];
    auto inputs = reader.inputs(run.run_id, node.id);
    if (!inputs) return Error{inputs.error()};
    // One node after the other is fed; together they are as long as so many runs.
    const auto goes_on = [&](Time at) {
      const Duration done = index * length + std::min(at.time_since_epoch(), length);
      return !progress || progress(done, node_count * length);
    };
    auto replayed = backends::replay_input_log(node.id, *inputs, node.factory, nullptr, goes_on);
    if (!replayed) return Error{replayed.error()};
    report.events += replayed->handlers;
    if (replayed->mismatch && report.equal) {
      report.equal = false;
      report.explanation = "node " + node.name + ": " + replayed->mismatch->sentence;
    }
  }
  if (report.events == 0) {
    return Error{"the run has no input log, for none of its nodes had started or it was recorded "
                 "by a program that keeps none; there is nothing to replay"};
  }
  if (report.equal) {
    report.explanation = "all " + std::to_string(report.events) +
                         " handler calls made the same requests, to the bit";
  }
  return report;
}

}  // namespace

Result<ReplayReport> replay_run(const std::string& path, std::int64_t run_id,
                                const ReplayOptions& options) {
  Result<backends::StoreReader> reader = backends::StoreReader::open(path);
  if (!reader) return Error{reader.error()};
  Result<backends::RunRow> run = reader->run(run_id);
  if (!run) return Error{run.error()};
  if (run->info.mode == "sim") return replay_simulated(path, run_id, options.progress);
  if (is_cloud_p2p_server(run->info)) {
    const auto node = node_of_cloud_p2p_server(run->info, run_name(path, run_id),
                                               options.encryption_key);
    if (!node) return Error{node.error()};
    auto report = replay_real(*reader, *run, *node, options.progress);
    const bool may_be_the_key = report && !report->equal && !options.encryption_key.empty();
    if (may_be_the_key) (*report).explanation += " (was ENCRYPTION_KEY this one?)";
    return report;
  }
  Result<Recorded> recorded = load_recorded(std::move(*run), path);
  if (!recorded) return Error{recorded.error()};
  const auto nodes = nodes_of_scenario(*recorded);
  if (!nodes) return Error{nodes.error()};
  return replay_real(*reader, recorded->run, *nodes, options.progress);
}

Result<DiffReport> diff_runs(const std::string& left_path, std::int64_t left_run,
                             const std::string& right_path, std::int64_t right_run,
                             const ProgressCallback& progress) {
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
    if (!(*left)->goes_on(progress)) return Error{"the comparison was stopped before its end"};
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
