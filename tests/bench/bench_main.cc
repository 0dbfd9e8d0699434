// The one main of all benchmarks: Google Benchmark's table, then the goals.
//
//   twinbed_bench --benchmark_filter=hold/.*/100/    a part of them; all flags of Google Benchmark
//                                                    work
//
// By default every benchmark is repeated five times, the repetitions interleaved at random. A goal
// that is missed is printed and does not change the exit code: a time is no test.
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

#include "tests/bench/goal_table.h"

int main(int argc, char** argv) {
  // The user's flags come later and win.
  std::vector<std::string> defaults = {"--benchmark_repetitions=5",
                                       "--benchmark_enable_random_interleaving=true"};
  std::vector<char*> flags = {argv[0]};
  for (std::string& flag : defaults) flags.push_back(flag.data());
  flags.insert(flags.end(), argv + 1, argv + argc);
  int count = static_cast<int>(flags.size());
  flags.push_back(nullptr);

  benchmark::Initialize(&count, flags.data());
  if (benchmark::ReportUnrecognizedArguments(count, flags.data())) return 2;
  twinbed::bench::GoalReporter reporter;
  benchmark::RunSpecifiedBenchmarks(&reporter);
  reporter.print_goals();
  benchmark::Shutdown();
  return 0;
}
