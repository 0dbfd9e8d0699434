// What one simulated election of Raft costs: set-up of five servers, the election, the first
// heartbeats, the end; and so how many of them a second makes.
//
//   election/same      scenarios/raft/availsim.yaml with all servers
//   election/absent    with two servers absent
//   election/differ    with logs of five lengths, which the servers first write to their disks
//
// One iteration is one run, each with a seed of its own, until a leader is there that stays; its
// rows are dropped. A curve of the published experiment is 10,000 elections, and is to take less
// than 3 s.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "tests/bench/goal_table.h"
#include "tests/support/first_leader.h"

namespace twinbed::bench {
namespace {

constexpr double kLimitNs = 3e9 / 10'000;

void elect(benchmark::State& state, const std::vector<std::string>& settings) {
  const auto scenario =
      scenarios::load_scenario(TWINBED_SOURCE_DIR "/scenarios/raft/availsim.yaml", settings);
  if (!scenario) {
    state.SkipWithError(scenario.error().c_str());
    return;
  }
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  for (auto _ : state) {
    testing::FirstLeader leader;
    auto simulator = scenarios::build_simulation(*scenario, ++seed, leader);
    if (!simulator) {
      state.SkipWithError(simulator.error().c_str());
      return;
    }
    const Time end{scenario->duration};
    if (!(*simulator)->run_until([&] { return leader.lasts(); }, end)) {
      state.SkipWithError("no leader was elected");
      return;
    }
    events += (*simulator)->events_executed();
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["events"] = static_cast<double>(events) / runs;
  state.counters["elections"] = benchmark::Counter(runs, benchmark::Counter::kIsRate);
}

void add(const std::string& name, const std::vector<std::string>& settings) {
  const std::string full_name = "election/" + name;
  benchmark::RegisterBenchmark(full_name.c_str(), [=](benchmark::State& state) {
    elect(state, settings);
  })->Unit(benchmark::kMicrosecond)->Iterations(2'000);
  add_goal({full_name, {}, kLimitNs, GoalKind::kTimeBelow});
}

const bool kRegistered = [] {
  add("same", {"faults=[]"});
  add("absent", {"faults.0.select.count=2"});
  std::vector<std::string> lengths{"faults=[]"};
  for (const std::string node : {"1", "2", "3", "4", "5"}) {
    lengths.push_back("nodes.node" + node + ".options.initial_entries=" + node);
  }
  add("differ", lengths);
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
