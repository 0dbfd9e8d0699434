// What a simulated minute of the three-node failover costs: set-up, heartbeats, the kill, the
// election, and the end.
//
//   failover/<profile>            scenarios/election/kill_leader.yaml under each timing profile
//   failover/images               the first minute of leader_failover.yaml: a client uploads images
//   failover/.../judged           with the scenario's checkers and measures listening
//
// One iteration is one run, each with a seed of its own; without checkers its rows are dropped.
// Every message is sealed and opened with AES-256-GCM, as the protocol does live: there is no
// switch for it. The counters `packets` and `events` say what a run sent and executed.
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "scenarios/judge.h"
#include "scenarios/load.h"
#include "scenarios/simulation.h"
#include "tests/bench/dropping_sink.h"
#include "tests/bench/goal_table.h"

namespace twinbed::bench {
namespace {

constexpr double kLimitNs = 10e6;
constexpr Duration kMinute = std::chrono::minutes{1};  ///< whatever the scenario's duration

void run_minutes(benchmark::State& state, const std::string& file,
                 const std::vector<std::string>& settings, bool judged) {
  const auto scenario =
      scenarios::load_scenario(TWINBED_SOURCE_DIR "/scenarios/election/" + file, settings);
  if (!scenario) {
    state.SkipWithError(scenario.error().c_str());
    return;
  }
  std::uint64_t seed = 0;
  std::uint64_t events = 0;
  std::uint64_t packets = 0;
  DroppingSink dropped;
  for (auto _ : state) {
    auto judge = scenarios::Judge::make(*scenario);
    RunSink& rows = judged ? (*judge)->sink() : static_cast<RunSink&>(dropped);
    auto simulator = scenarios::build_simulation(*scenario, ++seed, rows);
    if (!simulator) {
      state.SkipWithError(simulator.error().c_str());
      return;
    }
    (*simulator)->run_until(Time{kMinute});
    (*simulator)->finish();
    events += (*simulator)->events_executed();
    packets += (*simulator)->network().packets_sent();
  }
  const auto runs = static_cast<double>(state.iterations());
  state.counters["events"] = static_cast<double>(events) / runs;
  state.counters["packets"] = static_cast<double>(packets) / runs;
}

void add(const std::string& name, const std::string& file,
         const std::vector<std::string>& settings) {
  for (const bool judged : {false, true}) {
    const std::string full_name = "failover/" + name + (judged ? "/judged" : "");
    benchmark::RegisterBenchmark(full_name.c_str(), [=](benchmark::State& state) {
      run_minutes(state, file, settings, judged);
    })->Unit(benchmark::kMillisecond)->Iterations(50);
    add_goal({full_name, {}, kLimitNs, GoalKind::kTimeBelow});
  }
}

const bool kRegistered = [] {
  for (const std::string profile : {"f988f94", "67dc5ff", "head"}) {
    add(profile, "kill_leader.yaml", {"protocol.options.profile=" + profile});
  }
  add("images", "leader_failover.yaml", {});
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
