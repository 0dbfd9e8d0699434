#include "scenarios/node/node_process.h"

#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>

#include "backends/live_host.h"
#include "backends/sqlite/store.h"
#include "core/base/random_stream.h"
#include "scenarios/build_network.h"
#include "scenarios/judge.h"
#include "scenarios/node/control.h"
#include "scenarios/node/lateness_rows.h"
#include "scenarios/node/node_radio.h"
#include "scenarios/node_paths.h"
#include "scenarios/protocols.h"
#include "scenarios/workload.h"
#include "sim/faults/select.h"

namespace twinbed::scenarios {
namespace {

using Kind = ControlMessage::Kind;

/// Passes rows to the store, writes them out after each turn of the loop, and tells the runner of
/// roles, and this process of every event. What is written out survives the kill of this process.
class NodeRows final : public RunSink, public backends::InputSink {
 public:
  NodeRows(backends::EventLoop& loop, backends::Store& store, const ControlChannel& control)
      : loop_(loop), store_(store), control_(control) {}

  void sample(Time at, NodeId node, const Metric& metric, double value) override {
    store_.sink().sample(at, node, metric, value);
    flush_later();
  }
  void event(Time at, NodeId node, const EventType& type,
             std::span<const Field> fields) override {
    store_.sink().event(at, node, type, fields);
    if (type.name == kRoleEvent.name) {
      control_.say({Kind::kRole, 0, false, std::string(text_field(fields, "role")), {}});
    }
    flush_later();
    if (when_recorded_) when_recorded_(at, type.name);
  }
  void fault(Time at, const FaultRow& fault) override { store_.sink().fault(at, fault); }
  void input(const backends::InputRow& row) override {
    store_.add_input(row);
    flush_later();
  }

  void when_recorded(std::function<void(Time, std::string_view)> callback) {
    when_recorded_ = std::move(callback);
  }

 private:
  void flush_later() {
    if (pending_) return;
    pending_ = true;
    loop_.post([this] {
      pending_ = false;
      (void)store_.flush();  // finish_run reports the first error
    });
  }

  backends::EventLoop& loop_;
  backends::Store& store_;
  const ControlChannel& control_;
  bool pending_ = false;
  std::function<void(Time, std::string_view)> when_recorded_;
};

class NodeProcess {
 public:
  NodeProcess(const NodeProcessOptions& options, const ScenarioFiles& files, BuiltNetwork network,
              std::unique_ptr<backends::Store> store)
      : options_(options),
        files_(files),
        network_(std::move(network)),
        paths_(options.scenario, network_),
        store_(std::move(store)),
        channel_(options.control),
        rows_(loop_, *store_, channel_) {
    RandomStream random(options.seed, "fault-plan");
    plan_ = sim::draw_plan(options.scenario.faults, random);
  }

  Result<int> run();

 private:
  NodeId self() const { return NodeId{static_cast<std::uint32_t>(options_.node)}; }
  Result<int> prepare();
  void read_control();
  void handle_heard();
  void handle(const ControlMessage& message);
  void on_event(Time at, std::string_view type);
  void wait_to_go_on();
  void start(std::int64_t run_start_ns);
  void schedule_workload();
  void next_command(std::size_t index, std::vector<ScheduledCommand> commands);
  void change_fault(std::size_t index, bool begins);
  void apply_faults(sim::FaultAction action, Duration clock_step);
  void shape_links();
  void report_touched();
  void fail(const std::string& sentence) const {
    channel_.say({Kind::kFailed, 0, false, sentence, {}});
  }
  Result<int> finish();

  const NodeProcessOptions& options_;
  const ScenarioFiles& files_;
  BuiltNetwork network_;
  NodePaths paths_;
  std::unique_ptr<backends::Store> store_;
  backends::EventLoop loop_;
  ControlChannel channel_;
  NodeRows rows_;
  sim::FaultPlan plan_;
  std::set<std::size_t> in_force_;  // faults that this host carries out, indices into the plan
  backends::AddressMap addresses_;
  backends::ProtocolFactory factory_;
  NodeRadio radio_;
  std::unique_ptr<backends::LiveHost> host_;
  std::unique_ptr<backends::Watch> control_;
  std::unique_ptr<backends::Alarm> workload_;
  std::int64_t run_start_ns_ = 0;
  std::deque<ControlMessage> heard_;   // and not yet handled
  std::vector<std::uint32_t> watched_;  // faults that wait for an event, indices into the plan
  bool stop_asked_ = false;
};

Result<int> NodeProcess::prepare() {
  const Scenario& scenario = options_.scenario;
  auto factory = make_protocol(scenario, options_.node, network_.endpoints, files_);
  if (!factory) return Error{factory.error()};
  factory_ = *factory;
  auto addresses = make_address_map(scenario, network_.endpoints, options_.run_number,
                                    options_.addresses);
  if (!addresses) return Error{addresses.error()};
  addresses_ = std::move(*addresses);
  auto radio = open_node_radio(loop_, scenario.nodes[options_.node], options_.cards,
                               [this](const std::string& sentence) { fail(sentence); });
  if (!radio) return Error{radio.error()};
  radio_ = *std::move(radio);
  for (const auto& [name, source] : scenario.nodes[options_.node].files) {
    const std::filesystem::path target = std::filesystem::path(options_.storage_root) / name;
    const Result<std::string> content = files_.of_node(scenario, options_.node, name);
    if (!content) return Error{content.error()};
    std::error_code code;
    std::filesystem::create_directories(target.parent_path(), code);
    std::ofstream(target, std::ios::binary) << *content;
  }
  RunOptions run_options;
  run_options.seed = options_.seed;
  auto run_id = store_->begin_run(run_info(scenario, files_, run_options, "real", plan_));
  if (!run_id) return Error{run_id.error()};
  return 0;
}

Result<int> NodeProcess::run() {
  if (Result<int> ready = prepare(); !ready) {
    fail(ready.error());
    return ready;
  }
  const auto stopped = [this] { return stop_asked_ && (!host_ || host_->stopped()); };
  loop_.on_signals({SIGINT, SIGTERM}, [this](int) {
    stop_asked_ = true;
    if (host_) host_->request_stop();
  });
  if (options_.control >= 0) {
    control_ = std::make_unique<backends::Watch>(loop_, options_.control);
    control_->when_readable([this] { read_control(); });
    rows_.when_recorded([this](Time at, std::string_view type) { on_event(at, type); });
    channel_.say({Kind::kReady, 0, false, {}, {}});
  } else {
    start(options_.run_start_ns);
    if (options_.workload) schedule_workload();
  }
  const auto ended = [&] { return stopped() || (host_ && host_->stopped()); };
  while (!loop_.run_until(ended, std::chrono::hours(1))) {
  }
  return finish();
}

void NodeProcess::read_control() {
  if (!channel_.receive(heard_)) {
    stop_asked_ = true;
    if (host_) host_->request_stop();
    return;
  }
  handle_heard();
  control_->when_readable([this] { read_control(); });
}

void NodeProcess::handle_heard() {
  while (!heard_.empty()) {
    const ControlMessage message = std::move(heard_.front());
    heard_.pop_front();
    handle(message);
  }
}

/// Tells the runner of an event that faults wait for. If a crash is among them this may be the last
/// thing that the process does: its rows are written out first, and the handler that records stands
/// still, so that the step is exact.
void NodeProcess::on_event(Time at, std::string_view type) {
  ControlMessage message{Kind::kRecorded, 0, false, {}, {}};
  bool may_die = false;
  for (const std::uint32_t index : watched_) {
    const sim::FaultSpec& fault = plan_[index];
    if (fault.on != type || at < Time{fault.at.low}) continue;
    message.faults.push_back(index);
    may_die = may_die || fault.action == sim::FaultAction::kCrash;
  }
  if (message.faults.empty()) return;
  if (may_die) (void)store_->flush();  // finish_run reports the first error
  channel_.say(message);
  if (may_die) wait_to_go_on();
}

/// What the runner says before its answer is for the loop, not for the middle of a handler.
void NodeProcess::wait_to_go_on() {
  const auto is_answer = [](const ControlMessage& message) { return message.kind == Kind::kGoOn; };
  for (;;) {
    const auto answer = std::find_if(heard_.begin(), heard_.end(), is_answer);
    if (answer != heard_.end()) {
      heard_.erase(answer);
      break;
    }
    if (!channel_.receive(heard_)) break;  // the loop will find the channel closed, too
  }
  if (!heard_.empty()) loop_.post([this] { handle_heard(); });
}

void NodeProcess::handle(const ControlMessage& message) {
  if (message.kind == Kind::kWatch) {
    watched_ = message.faults;
    std::erase_if(watched_, [this](std::uint32_t index) { return index >= plan_.size(); });
  }
  if (message.kind == Kind::kStart && !host_) start(message.number);
  if (!host_) return;
  switch (message.kind) {
    case Kind::kCommand: host_->command(as_bytes(message.text)); break;
    case Kind::kBlocked: {
      backends::BlockedPairs pairs;
      for (const auto& [from, to] : message.pairs) pairs.emplace(NodeId{from}, NodeId{to});
      std::set<NodeId> without_power;
      for (const std::uint32_t node : message.off) without_power.insert(NodeId{node});
      host_->set_blocked(pairs);
      host_->set_without_power(without_power);
      break;
    }
    case Kind::kFault:
      change_fault(static_cast<std::size_t>(message.number), message.begins);
      break;
    case Kind::kReport: report_touched(); break;
    default: break;
  }
}

void NodeProcess::start(std::int64_t run_start_ns) {
  const NodeSpec& node = options_.scenario.nodes[options_.node];
  run_start_ns_ = run_start_ns != 0 ? run_start_ns : backends::monotonic_now_ns();
  backends::LiveHostOptions host;
  host.self = self();
  host.name = node.name;
  host.run_start_monotonic_ns = run_start_ns_;
  host.clock = {node.clock.offset, node.clock.drift_ppm};
  host.storage.root = options_.storage_root;
  // A power failure is a kill here, too, and must lose what was not synced.
  host.storage.hold_unsynced = std::any_of(plan_.begin(), plan_.end(), [](const auto& fault) {
    return fault.cause == sim::CrashCause::kPowerFailure;
  });
  host.addresses = addresses_;
  host.seed = options_.seed;
  host.input_log = &rows_;
  host.on_log = [](std::string_view line) {
    std::printf("%.*s\n", static_cast<int>(line.size()), line.data());
    std::fflush(stdout);
  };
  host.radio = radio_.backend.get();
  host.on_error = [this](const std::string& sentence) { fail(sentence); };
  host_ = std::make_unique<backends::LiveHost>(loop_, std::move(host), rows_, factory_);
  shape_links();
  host_->start();
}

void NodeProcess::schedule_workload() {
  std::vector<ScheduledCommand> mine;
  for (ScheduledCommand& item : draw_workload(options_.scenario, options_.seed)) {
    if (item.node == options_.node) mine.push_back(std::move(item));
  }
  workload_ = std::make_unique<backends::Alarm>(loop_);
  next_command(0, std::move(mine));
}

void NodeProcess::next_command(std::size_t index, std::vector<ScheduledCommand> commands) {
  if (index == commands.size()) return;
  const std::int64_t at = run_start_ns_ + to_ns(commands[index].at);
  workload_->set(at, [this, index, commands = std::move(commands)] {
    host_->command(as_bytes(commands[index].command));
    next_command(index + 1, commands);
  });
}

void NodeProcess::change_fault(std::size_t index, bool begins) {
  if (index >= plan_.size()) return;
  const sim::FaultSpec& fault = plan_[index];
  if (begins == in_force_.contains(index)) return;
  if (begins) {
    in_force_.insert(index);
  } else {
    in_force_.erase(index);
  }
  // At the end of a clock fault the step stays, as a clock that was set wrong stays wrong.
  apply_faults(fault.action, begins ? fault.clock.step : Duration{});
}

/// What the host suffers is what all faults of a kind that are in force add up to, as in the
/// simulator; a clock is stepped once.
void NodeProcess::apply_faults(sim::FaultAction action, Duration clock_step) {
  sim::ClockFault clock{clock_step, 0};
  sim::DiskFault disk;
  bool hung = false;
  for (std::size_t index : in_force_) {
    const sim::FaultSpec& fault = plan_[index];
    clock.drift_ppm += fault.clock.drift_ppm;
    disk = sim::combine(disk, fault.disk);
    hung = hung || fault.action == sim::FaultAction::kHang;
  }
  if (action == sim::FaultAction::kLink) shape_links();
  if (action == sim::FaultAction::kClock) host_->apply_clock_fault(clock);
  if (action == sim::FaultAction::kDisk) host_->set_disk_fault(disk);
  if (action == sim::FaultAction::kHang) host_->set_hung(hung);
}

void NodeProcess::shape_links() {
  std::vector<sim::FaultSpec> faults;
  for (std::size_t index : in_force_) {
    if (plan_[index].action == sim::FaultAction::kLink) faults.push_back(plan_[index]);
  }
  for (std::size_t peer = 0; peer < options_.scenario.nodes.size(); ++peer) {
    if (peer == options_.node) continue;
    host_->set_link(NodeId{static_cast<std::uint32_t>(peer)},
                    paths_.params(options_.node, peer, faults));
  }
}

void NodeProcess::report_touched() {
  const backends::SocketCounters counters = host_->counters().sockets;
  const std::uint64_t touched =
      counters.datagrams_blocked + counters.stream_bytes_held + counters.connects_held;
  channel_.say({Kind::kTouched, static_cast<std::int64_t>(touched), false, {}, {}});
}

Result<int> NodeProcess::finish() {
  backends::RunResultRow result;
  if (host_) {
    if (options_.control >= 0) report_touched();
    result.failure = host_->error();
    result.end_ns = to_ns(host_->run_now());
    if (radio_.backend) {
      rows_.sample(host_->run_now(), self(), kRadioDropped,
                   static_cast<double>(radio_.dropped()));
    }
    result.events_count = static_cast<std::int64_t>(host_->counters().handlers);
    add_lateness_rows(*store_, self(), host_->lateness());
  }
  const backends::Status written = store_->finish_run(result);
  if (!written) return Error{written.error()};
  if (!result.failure.empty()) return Error{result.failure};
  return 0;
}

}  // namespace

Result<backends::AddressMap> make_address_map(const Scenario& scenario,
                                              const std::vector<Endpoint>& endpoints,
                                              std::uint32_t run_number,
                                              const std::vector<std::string>& addresses) {
  std::vector<Endpoint> real;
  for (std::uint32_t node = 0; node < endpoints.size(); ++node) {
    real.push_back({backends::loopback_address(run_number, NodeId{node}), endpoints[node].port});
  }
  for (const std::string& entry : addresses) {
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    const auto node = std::find_if(scenario.nodes.begin(), scenario.nodes.end(),
                                   [&](const NodeSpec& spec) { return spec.name == name; });
    if (equals == std::string::npos || node == scenario.nodes.end()) {
      return Error{"--address " + entry + ": write NODE=ADDRESS:PORT with a node of the scenario"};
    }
    const auto endpoint = parse_endpoint(entry.substr(equals + 1));
    if (!endpoint) return Error{"--address " + entry + ": " + endpoint.error()};
    real[static_cast<std::size_t>(node - scenario.nodes.begin())] = *endpoint;
  }
  backends::AddressMap map;
  for (std::uint32_t node = 0; node < endpoints.size(); ++node) {
    map.add({NodeId{node}, endpoints[node], real[node], has_other_ports(scenario, node)});
  }
  return map;
}

Result<int> run_node_process(const NodeProcessOptions& options) {
  const Result<ScenarioFiles> files =
      ScenarioFiles::read_for_node(options.scenario, options.node);
  if (!files) return Error{files.error()};
  Result<BuiltNetwork> network = build_network(options.scenario, *files, options.seed);
  if (!network) return Error{network.error()};
  auto store = backends::Store::open(options.database);
  if (!store) return Error{store.error()};
  NodeProcess process(options, *files, std::move(*network), std::move(*store));
  return process.run();
}

}  // namespace twinbed::scenarios
