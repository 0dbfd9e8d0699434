// What it costs to keep the rows of runs in SQLite. Real time, since writing waits for the disk;
// the files lie in a new directory below $TMPDIR, or else /tmp.
//
//   sqlite/<kind>                 rows a second into one open run, at items_per_second
//   recording/<runs>/dropped      a simulated run with its checkers, its rows thrown away
//   recording/<runs>/stored       the same run by run_simulated, into a store that holds the runs
//                                 before it: the whole way from begin_run to finish_run
//
// The share that recording has in a run is the part of `stored` that `dropped` does not need. The
// runs are the shipped scenarios with all the events that they record, and a ping-pong that records
// two rows for every round trip and does nothing else: the worst case.
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <stdlib.h>

#include <benchmark/benchmark.h>

#include "scenarios/judge.h"
#include "scenarios/load.h"
#include "scenarios/run.h"
#include "scenarios/simulation.h"
#include "tests/bench/dropping_sink.h"
#include "tests/bench/goal_table.h"

namespace twinbed::bench {
namespace {

/// A store in a directory of its own, which is removed with it.
class TemporaryStore {
 public:
  TemporaryStore() {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "twinbed_bench_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      error_ = "no directory could be made in " + pattern;
      return;
    }
    directory_ = pattern;
    auto store = backends::Store::open(directory_ / "results.db");
    if (store) {
      store_ = *std::move(store);
    } else {
      error_ = store.error();
    }
  }
  ~TemporaryStore() {
    store_.reset();
    std::error_code ignored;
    if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
  }
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;

  backends::Store& operator*() { return *store_; }
  backends::Store* operator->() { return store_.get(); }
  /// One sentence when there is no store.
  const std::string& error() const { return error_; }

 private:
  std::filesystem::path directory_;
  std::unique_ptr<backends::Store> store_;
  std::string error_;
};

// ---- Rows a second ---------------------------------------------------------------------------

constexpr std::int64_t kRows = 50'000;  ///< written and flushed together

constexpr Metric kDelay{"bench.delay", "s", "a delay"};
constexpr EventType kArrival{"bench.arrival", "a message has arrived"};

void add_sample(RunSink& sink, std::int64_t number) {
  sink.sample(time_from_ns(number * 1000), NodeId{static_cast<std::uint32_t>(number % 3)}, kDelay,
              static_cast<double>(number) * 1e-7);
}

/// Two numbers and a word: what the election records most often.
void add_event(RunSink& sink, std::int64_t number) {
  const std::array<Field, 3> fields{
      Field{"number", number}, Field{"delay", static_cast<double>(number) * 1e-7},
      Field{"kind", std::string_view("heartbeat")}};
  sink.event(time_from_ns(number * 1000), NodeId{static_cast<std::uint32_t>(number % 3)}, kArrival,
             fields);
}

/// A line of the program's log, as the original prints it.
void add_line(RunSink& sink, std::int64_t number) {
  const std::array<Field, 1> fields{
      Field{"line", std::string_view("[INFO] Node 2 received heartbeat from leader 3, term 17")}};
  sink.event(time_from_ns(number * 1000), NodeId{1}, kLogEvent, fields);
}

void write_rows(benchmark::State& state, void (*add_row)(RunSink&, std::int64_t)) {
  TemporaryStore store;
  if (!store.error().empty()) {
    state.SkipWithError(store.error().c_str());
    return;
  }
  backends::RunInfo info;
  info.nodes.resize(3);
  const auto run_id = store->begin_run(info);
  std::int64_t number = 0;
  backends::Status status{std::monostate{}};
  while (run_id && status && state.KeepRunningBatch(kRows)) {
    for (std::int64_t i = 0; i < kRows; ++i) add_row(store->sink(), ++number);
    status = store->flush();
  }
  if (!run_id || !status) state.SkipWithError("the rows could not be written");
  state.SetItemsProcessed(state.iterations());
  if (run_id) (void)store->finish_run({});
}

void add_rows(const std::string& name, void (*add_row)(RunSink&, std::int64_t)) {
  benchmark::RegisterBenchmark(("sqlite/" + name).c_str(), [add_row](benchmark::State& state) {
    write_rows(state, add_row);
  })->Iterations(6 * kRows)->UseRealTime();
}

// ---- The share of a run ----------------------------------------------------------------------

struct Runs {
  std::string name;
  std::string file;
  std::vector<std::string> settings;
  std::int64_t count;  ///< in one repetition
  double limit;        ///< for the share; 0: none
};

/// As scenarios::run_simulated, but without a store; the number of rows, or an error.
Result<std::uint64_t> run_dropped(const scenarios::Scenario& scenario, std::uint64_t seed) {
  auto judge = scenarios::Judge::make(scenario);
  if (!judge) return Error{judge.error()};
  DroppingSink dropped;
  TeeSink rows;
  rows.add(dropped);
  rows.add((*judge)->sink());
  auto simulator = scenarios::build_simulation(scenario, seed, rows);
  if (!simulator) return Error{simulator.error()};
  (*simulator)->run_until(Time{scenario.duration});
  (*simulator)->finish();
  return dropped.rows();
}

Result<std::uint64_t> run_stored(const scenarios::Scenario& scenario, std::uint64_t seed,
                                 backends::Store& store) {
  scenarios::RunOptions options;
  options.seed = seed;
  options.started_at = "2026-01-01T00:00:00Z";
  const auto summary = scenarios::run_simulated(scenario, options, store);
  if (!summary) return Error{summary.error()};
  if (!summary->failure.empty()) return Error{summary->failure};
  return summary->events;
}

void run_scenario(benchmark::State& state, const Runs& runs, bool stored) {
  const auto scenario =
      scenarios::load_scenario(TWINBED_SOURCE_DIR "/scenarios/" + runs.file, runs.settings);
  TemporaryStore store;
  std::string error = scenario ? store.error() : scenario.error();
  std::uint64_t seed = 0;
  std::uint64_t count = 0;
  // The first run grows the pools, and prepares what the store keeps prepared.
  if (error.empty() && stored) (void)run_stored(*scenario, ++seed, *store);
  while (error.empty() && state.KeepRunning()) {
    const auto done = stored ? run_stored(*scenario, ++seed, *store)
                             : run_dropped(*scenario, ++seed);
    if (done) {
      count += *done;
    } else {
      error = done.error();
    }
  }
  if (!error.empty()) state.SkipWithError(error.c_str());
  state.counters[stored ? "events" : "rows"] =
      static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(seed, 1));
}

void add_runs(const Runs& runs) {
  const std::string dropped = "recording/" + runs.name + "/dropped";
  const std::string stored = "recording/" + runs.name + "/stored";
  for (const bool keep : {false, true}) {
    benchmark::RegisterBenchmark((keep ? stored : dropped).c_str(), [=](benchmark::State& state) {
      run_scenario(state, runs, keep);
    })->Unit(benchmark::kMillisecond)->Iterations(runs.count)->UseRealTime();
  }
  add_goal({stored, {dropped}, runs.limit, GoalKind::kShareBelow});
}

const bool kRegistered = [] {
  add_rows("samples", add_sample);
  add_rows("events", add_event);
  add_rows("log-lines", add_line);
  add_runs({"kill_leader", "election/kill_leader.yaml", {}, 50, 0.2});
  add_runs({"leader_failover", "election/leader_failover.yaml", {}, 30, 0.2});
  add_runs({"pingpong", "pingpong/pingpong.yaml",
            {"duration=10 s", "protocol.options.interval=1 ms"}, 20, 0.0});
  return true;
}();

}  // namespace
}  // namespace twinbed::bench
