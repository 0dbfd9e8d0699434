// Goals of the benchmarks: how many times faster than somebody else's way each of ours should be.
//
// A goal compares medians of benchmarks of the same run, whose repetitions were interleaved at
// random, because times of different runs on a shared machine cannot be compared.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

namespace twinbed::bench {

/// `ours` is to be `ratio` times as fast as the fastest of `theirs`; all are names of benchmarks.
struct Goal {
  std::string ours;
  std::vector<std::string> theirs;
  double ratio = 1.0;
};

/// Adds a row to the table that is printed after the benchmarks. Called while they are registered.
void add_goal(Goal goal);

/// The console table with one row of medians a benchmark, and the times for print_ratios.
class RatioReporter final : public benchmark::ConsoleReporter {
 public:
  RatioReporter() : ConsoleReporter(OO_None) {}
  void ReportRuns(const std::vector<Run>& runs) override;
  /// Prints every goal both sides of which have run, with "met" or "missed".
  void print_ratios() const;

 private:
  /// The median over the repetitions, 0 when the benchmark did not run.
  double median_of(const std::string& name) const;

  std::map<std::string, std::vector<double>> times_;  ///< per repetition, as benchmarks count them
};

}  // namespace twinbed::bench
