// Goals of the benchmarks: how fast ours should be beside somebody else's way, how long it may take
// at most, how much of a run something may cost.
//
// A goal compares medians of benchmarks of the same run, whose repetitions were interleaved at
// random, because times of different runs on a shared machine cannot be compared. A time is that of
// the processor, or the real one where the benchmark measures it (UseRealTime). A limit in
// nanoseconds holds on the machine for which it was set; the ratios hold elsewhere, too.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

namespace twinbed::bench {

enum class GoalKind {
  kTimesAsFast,  ///< at least `bound` times as fast as the fastest of `theirs`
  kTimeBelow,    ///< less than `bound` nanoseconds; `theirs` is empty
  kShareBelow,   ///< `ours` does what `theirs` does and more, which is less than this share of it
};

/// What benchmark `ours` is to reach; all are names of benchmarks.
struct Goal {
  std::string ours;
  std::vector<std::string> theirs;
  double bound = 1.0;  ///< 0: the figure is shown and not judged
  GoalKind kind = GoalKind::kTimesAsFast;
};

/// Adds a row to the table that is printed after the benchmarks. Called while they are registered.
void add_goal(Goal goal);

/// The console table with one row of medians a benchmark, and the times for print_goals.
class GoalReporter final : public benchmark::ConsoleReporter {
 public:
  GoalReporter() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override;
  /// Prints every goal all sides of which have run, with "met" or "missed".
  void print_goals() const;

 private:
  /// The median over the repetitions in nanoseconds, 0 when the benchmark did not run.
  double median_of(const std::string& name) const;
  /// The fastest of some benchmarks, by name and median; no name where none has run.
  std::pair<std::string, double> fastest_of(const std::vector<std::string>& names) const;

  std::map<std::string, std::vector<double>> times_ns_;  ///< one for each repetition
};

}  // namespace twinbed::bench
