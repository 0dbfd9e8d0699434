#include "tests/bench/ratio_table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace twinbed::bench {

namespace {
std::vector<Goal>& goals() {
  static std::vector<Goal> all;
  return all;
}
}  // namespace

void add_goal(Goal goal) { goals().push_back(std::move(goal)); }

void RatioReporter::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> shown;
  for (const Run& run : runs) {
    const bool single = run.run_type == Run::RT_Iteration;
    if (single && !run.error_occurred) {
      times_[run.run_name.function_name].push_back(run.GetAdjustedCPUTime());
    }
    if (!single && run.aggregate_name != "median") continue;
    if (single && run.repetitions > 1 && !run.error_occurred) continue;
    Run& row = shown.emplace_back(run);
    row.run_name.iterations.clear();
    row.run_name.repetitions.clear();
  }
  if (!shown.empty()) ConsoleReporter::ReportRuns(shown);
}

double RatioReporter::median_of(const std::string& name) const {
  const auto found = times_.find(name);
  if (found == times_.end()) return 0.0;
  std::vector<double> times = found->second;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void RatioReporter::print_ratios() const {
  std::printf("\n%-34s %10s  %-34s %10s %7s %6s\n", "ours", "time", "fastest of theirs", "time",
              "ratio", "goal");
  int missed = 0;
  int judged = 0;
  for (const Goal& goal : goals()) {
    const double ours = median_of(goal.ours);
    std::pair<double, std::string> best{0.0, ""};
    for (const std::string& name : goal.theirs) {
      const double time = median_of(name);
      if (time > 0.0 && (best.second.empty() || time < best.first)) best = {time, name};
    }
    if (ours <= 0.0 || best.second.empty()) continue;
    const double ratio = best.first / ours;
    const bool met = ratio >= goal.ratio;
    ++judged;
    missed += met ? 0 : 1;
    std::printf("%-34s %10.1f  %-34s %10.1f %7.2f %6.2f  %s\n", goal.ours.c_str(), ours,
                best.second.c_str(), best.first, ratio, goal.ratio, met ? "met" : "missed");
  }
  std::printf("%d of %d goals met\n", judged - missed, judged);
}

}  // namespace twinbed::bench
