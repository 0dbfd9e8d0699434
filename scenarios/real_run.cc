#include "scenarios/real_run.h"

#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>

#include "backends/event_loop.h"
#include "scenarios/dump.h"

namespace twinbed::scenarios {
namespace {

using backends::monotonic_now_ns;
using Kind = ControlMessage::Kind;

constexpr std::int64_t kMillisecond = 1'000'000;
/// From the moment at which all nodes are ready to the common start.
constexpr std::int64_t kStartDelayNs = 100 * kMillisecond;
constexpr std::int64_t kReadyLimitNs = 20'000 * kMillisecond;
constexpr std::int64_t kStopLimitNs = 4'000 * kMillisecond;
constexpr std::int64_t kReportLimitNs = 200 * kMillisecond;

std::string unwritten(const std::string& file) {
  return "cannot write the file " + file + "; is the disk full?";
}

/// Gives a node its shared directories: links to one directory for all nodes that see it, beside
/// theirs. A directory that the node has already stays. Returns what went wrong.
std::string link_shared(const Scenario& scenario, const std::string& name,
                        const std::string& work_directory) {
  for (std::size_t i = 0; i < scenario.shared_storage.size(); ++i) {
    const SharedStorageSpec& spec = scenario.shared_storage[i];
    if (std::find(spec.nodes.begin(), spec.nodes.end(), name) == spec.nodes.end()) continue;
    namespace fs = std::filesystem;
    std::error_code code;
    const fs::path shared =
        fs::absolute(work_directory, code) / ("shared." + std::to_string(i + 1));
    const std::string path = work_directory + "/" + name + ".files/" + spec.path;
    const fs::path link = path.substr(0, path.size() - 1);  // without the last '/'
    fs::create_directories(shared, code);
    if (!code) fs::create_directories(link.parent_path(), code);
    if (!code && !fs::is_symlink(link)) fs::create_directory_symlink(shared, link, code);
    if (code) {
      return "cannot link the shared directory " + link.string() + ": " + code.message() +
             "; choose another directory for the run's files";
    }
  }
  return {};
}

}  // namespace

RealRun::RealRun(const Scenario& scenario, const ScenarioFiles& files, const BuiltNetwork& network,
                 const RunOptions& options, const RealOptions& real, backends::Store& store)
    : scenario_(scenario),
      files_(files),
      options_(options),
      real_(real),
      store_(store),
      paths_(scenario, network),
      hosts_(network.hosts),
      select_random_(options.seed, "fault-select"),
      workload_(draw_workload(scenario, options.seed)),
      members_(scenario.nodes.size()) {
  RandomStream random(options.seed, "fault-plan");
  plan_ = sim::draw_plan(scenario.faults, random);
  active_.resize(plan_.size());
  build_timeline();
}

void RealRun::build_timeline() {
  for (std::size_t index = 0; index < workload_.size(); ++index) {
    timeline_.insert({workload_[index].at, {Action::kCommand, index}});
  }
  for (std::size_t index = 0; index < plan_.size(); ++index) {
    if (!plan_[index].on.empty()) continue;
    const Time at{plan_[index].at.low};
    timeline_.insert({at, {Action::kFaultBegin, index}});
    if (plan_[index].lasts) {
      timeline_.insert({at + plan_[index].lasts->low, {Action::kFaultEnd, index}});
    }
  }
}

Time RealRun::run_now() const { return time_from_ns(monotonic_now_ns() - start_ns_); }

std::string RealRun::execute() {
  std::string problem = claim_addresses();
  if (problem.empty() && options_.capture) problem = open_capture();
  if (problem.empty()) problem = start_all();
  if (problem.empty()) problem = follow_timeline();
  if (start_ns_ != 0) {
    // Faults that still last end with the run, at the very same time: so the checkers can tell.
    ended_at_ = run_now();
    for (std::size_t index = 0; index < active_.size(); ++index) {
      if (!active_[index].lasting) continue;
      active_[index].lasting = false;
      record(index, FaultPhase::kEnd, ended_at_);
    }
  }
  stop_all();
  if (capture_) {
    const std::string lost = capture_->finish(ended_at_);
    if (problem.empty()) problem = lost;
  }
  return problem;
}

std::string RealRun::claim_addresses() {
  auto claim = backends::LoopbackClaim::take();
  if (!claim) return claim.error();
  loopback_ = std::move(*claim);
  return {};
}

std::string RealRun::open_capture() {
  auto capture = RealCapture::open(loopback_->run_number(), members_.size(), store_);
  if (!capture) return capture.error();
  capture_ = std::move(*capture);
  return {};
}

/// The scenario as the nodes find it, with copies of its files: what they read is what the store
/// has, whatever becomes of the originals.
std::string RealRun::write_scenario() {
  std::error_code code;
  std::filesystem::create_directories(real_.work_directory + "/inputs", code);
  std::map<std::string, std::string> copies;
  for (const auto& [path, content] : files_.contents()) {
    const std::string name = "inputs/" + std::to_string(copies.size());
    std::ofstream stream(real_.work_directory + "/" + name, std::ios::binary);
    if (!(stream << content).flush()) return unwritten(real_.work_directory + "/" + name);
    copies[path] = name;
  }
  scenario_file_ = real_.work_directory + "/scenario.yaml";
  const Scenario scenario =
      with_files(scenario_, [&](const std::string& path) { return copies.at(path); });
  std::ofstream stream(scenario_file_);
  if ((stream << dump_scenario(scenario)).flush()) return {};
  return unwritten(scenario_file_);
}

std::string RealRun::start_all() {
  if (const std::string problem = write_scenario(); !problem.empty()) return problem;
  if (const std::string problem = start_air(); !problem.empty()) return problem;
  for (std::size_t node = 0; node < members_.size(); ++node) {
    if (const std::string problem = spawn(node); !problem.empty()) return problem;
  }
  const std::int64_t limit = monotonic_now_ns() + kReadyLimitNs;
  const auto waiting = [](const Member& member) { return !member.ready; };
  while (std::any_of(members_.begin(), members_.end(), waiting)) {
    if (monotonic_now_ns() > limit) return "the nodes did not become ready within 20 s";
    if (const std::string problem = listen_once(20); !problem.empty()) return problem;
  }
  start_ns_ = monotonic_now_ns() + kStartDelayNs;
  if (capture_) capture_->start(start_ns_);
  if (air_) air_->begin_run(start_ns_);
  send_watch();
  for (Member& member : members_) {
    member.process->send(encode_control({Kind::kStart, start_ns_, false, {}, {}}));
  }
  return {};
}

std::string RealRun::start_air() {
  if (!scenario_.radio) return {};
  RealAirOptions options;
  options.program = std::filesystem::path(real_.node_program).replace_filename("twinbed-air");
  options.scenario_file = scenario_file_;
  options.seed = options_.seed;
  options.run_number = loopback_->run_number();
  options.has_virtual_radios = real_.has_virtual_radios;
  options.captures = options_.capture;
  options.database = real_.work_directory + "/air.db";
  options.log = real_.work_directory + "/air.output";
  databases_.push_back(options.database);
  auto air = RealAir::start(options, scenario_.nodes.size());
  if (!air) return air.error();
  air_ = *std::move(air);
  return {};
}

std::string RealRun::spawn(std::size_t node) {
  const std::string name = scenario_.nodes[node].name;
  Member& member = members_[node];
  if (!member.has_power) restore_power(static_cast<std::uint32_t>(node));
  if (const std::string problem = link_shared(scenario_, name, real_.work_directory);
      !problem.empty()) {
    return problem;
  }
  const std::string number = std::to_string(member.starts++);
  databases_.push_back(real_.work_directory + "/" + name + "." + number + ".db");
  std::vector<std::string> words{
      real_.node_program, "--scenario", scenario_file_, "--node", name, "--seed",
       std::to_string(options_.seed), "--run-number", std::to_string(loopback_->run_number()),
      "--storage", real_.work_directory + "/" + name + ".files", "--database", databases_.back(),
      "--control", std::to_string(backends::ChildProcess::kControlDescriptor)};
  for (const std::string& card : air_ ? air_->cards_of(node) : std::vector<std::string>{}) {
    words.insert(words.end(), {"--card", card});
  }
  auto process =
      backends::ChildProcess::start(words, real_.work_directory + "/" + name + ".log");
  if (!process) return "node " + name + ": " + process.error();
  member.process = std::move(*process);
  member.condition = Condition::kRuns;
  member.down = false;
  member.ready = false;
  member.role.clear();
  return {};
}

std::string RealRun::follow_timeline() {
  const Time end{scenario_.duration};
  for (;;) {
    const bool at_end = timeline_.empty() || timeline_.begin()->first > end;
    const Time next = at_end ? end : timeline_.begin()->first;
    if (run_now() < next) {
      if (const std::string problem = listen_before(next); !problem.empty()) return problem;
      continue;  // a fault that began meanwhile may end before
    }
    if (at_end) return {};
    const Item item = timeline_.begin()->second;
    timeline_.erase(timeline_.begin());
    if (const std::string problem = carry_out(item); !problem.empty()) return problem;
  }
}

std::string RealRun::listen_before(Time limit) {
  const std::int64_t left = std::max(to_ns(limit) - to_ns(run_now()), std::int64_t{0});
  const std::int64_t wait = std::min(left / kMillisecond, std::int64_t{100});
  std::string problem = listen_once(static_cast<int>(wait));
  if (problem.empty()) problem = begin_due();
  if (!problem.empty()) return problem;
  const Duration done = std::max(run_now().time_since_epoch(), Duration{});
  const bool goes_on = !options_.progress || options_.progress(done, scenario_.duration);
  return goes_on ? std::string{} : "stopped before its end";
}

std::string RealRun::listen_once(int timeout_ms) {
  std::vector<pollfd> descriptors;
  for (const Member& member : members_) {
    const int descriptor = member.process ? member.process->descriptor() : -1;
    descriptors.push_back({descriptor, POLLIN, 0});
  }
  descriptors.push_back({air_ ? air_->descriptor() : -1, POLLIN, 0});
  descriptors.push_back({capture_ ? capture_->descriptor() : -1, POLLIN, 0});
  poll(descriptors.data(), descriptors.size(), timeout_ms);
  if (descriptors.back().revents != 0) {
    if (const std::string problem = capture_->read(); !problem.empty()) return problem;
  }
  if (std::string problem = air_ ? air_->problem() : std::string{}; !problem.empty()) {
    return problem;
  }
  for (std::size_t node = 0; node < members_.size(); ++node) {
    Member& member = members_[node];
    if (!member.process) continue;
    std::string failure;
    while (const auto line = member.process->receive()) {
      const auto message = decode_control(*line);
      if (!message) continue;
      if (message->kind == Kind::kFailed) failure = message->text;
      hear(node, *message);
    }
    if (!member.down && (!failure.empty() || member.process->ended())) {
      const std::string name = scenario_.nodes[node].name;
      if (!failure.empty()) return "node " + name + " failed: " + failure;
      return "node " + name + " ended unasked (" + member.process->how_it_ended() +
             "); its last lines:\n" + member.process->last_lines(5);
    }
  }
  return {};
}

void RealRun::hear(std::size_t node, const ControlMessage& message) {
  Member& member = members_[node];
  if (message.kind == Kind::kReady) {
    member.ready = true;
    if (start_ns_ == 0) return;
    // A restarted node joins the run that goes on.
    send_watch_to(node);
    member.process->send(encode_control({Kind::kStart, start_ns_, false, {}, {}}));
    tell_restarted(static_cast<std::uint32_t>(node));
  } else if (message.kind == Kind::kRole) {
    if (!member.down) member.role = message.text;
  } else if (message.kind == Kind::kTouched) {
    member.touched = static_cast<std::uint64_t>(message.number);
    member.owes_report = false;
  } else if (message.kind == Kind::kRecorded) {
    hear_recorded(static_cast<std::uint32_t>(node), message.faults);
  }
}

std::string RealRun::carry_out(const Item& item) {
  switch (item.action) {
    case Action::kCommand: give_command(workload_[item.index]); return {};
    case Action::kFaultBegin: return begin_fault(item.index);
    case Action::kFaultEnd: return end_fault(item.index);
  }
  return {};
}

void RealRun::give_command(const ScheduledCommand& command) {
  Member& member = members_[command.node];
  if (member.down) return;  // as in the simulator, nobody hears it
  member.process->send(encode_control({Kind::kCommand, 0, false, command.command, {}}));
}

void RealRun::stop_all() {
  for (Member& member : members_) {
    if (!member.process) continue;
    member.down = true;
    member.process->signal(SIGCONT);
    member.process->signal(SIGTERM);
  }
  const std::int64_t limit = monotonic_now_ns() + kStopLimitNs;
  const auto running = [](Member& member) { return member.process && !member.process->ended(); };
  while (monotonic_now_ns() < limit && std::any_of(members_.begin(), members_.end(), running)) {
    listen_once(10);
    let_go_on();
  }
  for (Member& member : members_) member.process.reset();
  // After those who use it, so that none of them loses its cards.
  if (air_) air_->stop(monotonic_now_ns() + kStopLimitNs);
  air_.reset();
}

std::vector<sim::NodeStatus> RealRun::statuses(const Active& active) const {
  std::vector<sim::NodeStatus> out;
  for (std::size_t node = 0; node < members_.size(); ++node) {
    const NodeSpec& spec = scenario_.nodes[node];
    out.push_back({spec.name, spec.role, members_[node].role, members_[node].down,
                   active.recorder == node});
  }
  return out;
}

/// What partitions have held or dropped so far, asked of every node that can answer.
std::uint64_t RealRun::touched_now() {
  for (Member& member : members_) {
    member.owes_report = !member.down && member.ready && member.condition != Condition::kPaused;
    if (member.owes_report) {
      member.process->send(encode_control({Kind::kReport, 0, false, {}, {}}));
    }
  }
  const auto is_awaited = [](const Member& member) {
    return member.owes_report && !member.stands_still;
  };
  const std::int64_t limit = monotonic_now_ns() + kReportLimitNs;
  while (std::any_of(members_.begin(), members_.end(), is_awaited) && monotonic_now_ns() < limit) {
    listen_once(5);
  }
  std::uint64_t sum = 0;
  for (const Member& member : members_) sum += member.touched;
  return sum;
}

}  // namespace twinbed::scenarios
