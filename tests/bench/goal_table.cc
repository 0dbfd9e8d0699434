#include "tests/bench/goal_table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace twinbed::bench {

namespace {

std::vector<Goal>& goals() {
  static std::vector<Goal> all;
  return all;
}

double time_ns(const benchmark::BenchmarkReporter::Run& run) {
  const bool real = run.run_name.time_type == "real_time";
  const double time = real ? run.GetAdjustedRealTime() : run.GetAdjustedCPUTime();
  return time * 1e9 / benchmark::GetTimeUnitMultiplier(run.time_unit);
}

std::string format(const char* pattern, double value) {
  char text[32];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

std::string time_text(double ns) {
  if (ns < 1e4) return format("%.1f ns", ns);
  if (ns < 1e7) return format("%.1f us", ns / 1e3);
  return format("%.1f ms", ns / 1e6);
}

/// What was reached, what was wanted, and whether the one satisfies the other.
struct Judgement {
  std::string reached;
  std::string wanted;
  bool met = false;
};

Judgement judge(const Goal& goal, double ours_ns, double theirs_ns) {
  if (goal.kind == GoalKind::kTimeBelow) {
    return {time_text(ours_ns), "< " + time_text(goal.bound), ours_ns < goal.bound};
  }
  if (goal.kind == GoalKind::kShareBelow) {
    const double share = 1.0 - theirs_ns / ours_ns;
    return {format("%.1f %%", 100 * share), format("< %.0f %%", 100 * goal.bound),
            share < goal.bound};
  }
  const double ratio = theirs_ns / ours_ns;
  return {format("%.2fx", ratio), format(">= %.1fx", goal.bound), ratio >= goal.bound};
}

}  // namespace

void add_goal(Goal goal) { goals().push_back(std::move(goal)); }

void GoalReporter::ReportRuns(const std::vector<Run>& runs) {
  std::vector<Run> shown;
  for (const Run& run : runs) {
    const bool single = run.run_type == Run::RT_Iteration;
    if (single && !run.error_occurred) {
      times_ns_[run.run_name.function_name].push_back(time_ns(run));
    }
    if (!single && run.aggregate_name != "median") continue;
    if (single && run.repetitions > 1 && !run.error_occurred) continue;
    Run& row = shown.emplace_back(run);
    row.run_name.iterations.clear();
    row.run_name.repetitions.clear();
  }
  if (!shown.empty()) ConsoleReporter::ReportRuns(shown);
}

double GoalReporter::median_of(const std::string& name) const {
  const auto found = times_ns_.find(name);
  if (found == times_ns_.end()) return 0.0;
  std::vector<double> times = found->second;
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

std::pair<std::string, double> GoalReporter::fastest_of(
    const std::vector<std::string>& names) const {
  std::pair<std::string, double> best;
  for (const std::string& name : names) {
    const double time = median_of(name);
    if (time > 0.0 && (best.first.empty() || time < best.second)) best = {name, time};
  }
  return best;
}

void GoalReporter::print_goals() const {
  std::printf("\n%-34s %10s  %-34s %10s %9s %9s\n", "ours", "time", "beside", "time", "reached",
              "goal");
  int missed = 0;
  int judged = 0;
  for (const Goal& goal : goals()) {
    const double ours = median_of(goal.ours);
    const auto [name, theirs] = fastest_of(goal.theirs);
    if (ours <= 0.0 || (name.empty() && !goal.theirs.empty())) continue;
    const Judgement result = judge(goal, ours, theirs);
    const bool only_shown = goal.bound <= 0.0;
    const char* word = only_shown ? "" : result.met ? "met" : "missed";
    judged += only_shown ? 0 : 1;
    missed += only_shown || result.met ? 0 : 1;
    std::printf("%-34s %10s  %-34s %10s %9s %9s  %s\n", goal.ours.c_str(),
                time_text(ours).c_str(), name.c_str(),
                name.empty() ? "" : time_text(theirs).c_str(), result.reached.c_str(),
                only_shown ? "" : result.wanted.c_str(), word);
  }
  std::printf("%d of %d goals met\n", judged - missed, judged);
}

}  // namespace twinbed::bench
