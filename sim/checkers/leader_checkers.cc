#include "sim/checkers/leader_checkers.h"

#include <algorithm>
#include <map>
#include <utility>

#include "sim/checkers/leader_base.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;

std::string describe(const SeenFault& fault) {
  return "the fault '" + fault.action + "' of " + (fault.target.empty() ? "links" : fault.target);
}

std::string unhealed_sentence(const SeenFault& fault) {
  return describe(fault) + ", begun at " + format_time(fault.begin) +
         ", was never lifted, so nothing can be demanded of the end of the run";
}

class Agreement final : public LeaderChecker {
 public:
  Agreement(const RunNodes& nodes, std::string leader, std::string_view servers, Duration settle,
            bool allow_none)
      : LeaderChecker(nodes, std::move(leader), servers),
        settle_(settle),
        allow_none_(allow_none) {}

  std::string_view name() const override { return "agreement"; }

  Verdict finish(Time end) override {
    if (const SeenFault* fault = run_.faults().unhealed(end)) {
      return {VerdictKind::kUnknown, unhealed_sentence(*fault)};
    }
    const Time healed = run_.faults().healed_at(end);
    if (end - healed < settle_) {
      return {VerdictKind::kUnknown,
              "the run ended at " + format_time(end) + ", less than " + format_duration(settle_) +
                  " after " + format_time(healed) + ", from when on it was left alone"};
    }
    std::vector<NodeIndex> live;
    for (NodeIndex server : run_.servers()) {
      if (run_.runs_at_end(server, end)) live.push_back(server);
    }
    if (live.empty()) return {VerdictKind::kUnknown, "no server runs at the end of the run"};
    const bool any_view = std::any_of(live.begin(), live.end(), [&](NodeIndex server) {
      return run_.state(server).view.has_value();
    });
    if (!any_view) {
      return {VerdictKind::kUnknown, "no server that runs at the end recorded whom it follows"};
    }
    return judge(live, end);
  }

 private:
  const std::string& viewed(NodeIndex server) const {
    static const std::string nobody;
    const auto& view = run_.state(server).view;
    return view ? view->name : nobody;
  }

  /// The name that most of the servers have in view; of equally many the first by its place.
  std::string most_common(const std::vector<NodeIndex>& live) const {
    std::string best;
    std::ptrdiff_t best_count = 0;
    for (NodeIndex server : live) {
      const auto count = std::count_if(live.begin(), live.end(), [&](NodeIndex other) {
        return viewed(other) == viewed(server);
      });
      if (count > best_count) {
        best = viewed(server);
        best_count = count;
      }
    }
    return best;
  }

  Verdict judge(const std::vector<NodeIndex>& live, Time end) const {
    const std::string common = most_common(live);
    const auto called = [](const std::string& view) { return view.empty() ? "nobody" : view; };
    for (NodeIndex server : live) {
      if (viewed(server) == common) continue;
      const auto& view = run_.state(server).view;
      const Time since = view ? view->since : run_.state(server).up_since.value_or(Time{});
      return {VerdictKind::kInvalid,
              "at the end, " + format_time(end) + ", " + run_.name(server) + " takes " +
                  called(viewed(server)) + " for the leader, since " + format_time(since) +
                  ", while other servers that run take " + called(common),
              since, run_.id(server)};
    }
    const std::string all = run_.names(live);
    if (common.empty()) {
      return {allow_none_ ? VerdictKind::kValid : VerdictKind::kInvalid,
              "at the end, " + format_time(end) + ", " + all + " have no leader in view"};
    }
    const std::optional<NodeIndex> leader = run_.state(live.front()).view->node;
    if (leader && !run_.runs_at_end(*leader, end)) {
      return {VerdictKind::kInvalid,
              "at the end, " + format_time(end) + ", " + all + " take " + common +
                  " for the leader, which does not run",
              end, run_.id(*leader)};
    }
    return {VerdictKind::kValid,
            "at the end, " + format_time(end) + ", " + all + " take " + common + " for the leader"};
  }

  const Duration settle_;
  const bool allow_none_;
};

class AtMostOneLeader final : public LeaderChecker {
 public:
  AtMostOneLeader(const RunNodes& nodes, std::string leader, bool by_term, Duration tolerance)
      : LeaderChecker(nodes, std::move(leader), ""), by_term_(by_term), tolerance_(tolerance) {}

  std::string_view name() const override { return "at_most_one_leader"; }

  Verdict finish(Time end) override {
    if (!run_.any_role()) return {VerdictKind::kUnknown, "no node recorded a role"};
    return by_term_ ? judge_terms() : judge_instants(end);
  }

 private:
  void leads(Time at, NodeIndex node) override {
    const std::optional<std::int64_t> term = run_.state(node).term;
    if (!term) {
      without_term_ = true;
      return;
    }
    const auto [first, fresh] = terms_.try_emplace(*term, node, at);
    if (fresh || first->second.first == node || broken_) return;
    broken_ = Verdict{VerdictKind::kInvalid,
                      run_.name(node) + " took the lead in term " + std::to_string(*term) + " at " +
                          format_time(at) + ", which " + run_.name(first->second.first) +
                          " had taken at " + format_time(first->second.second),
                      at, run_.id(node)};
  }

  Verdict judge_terms() const {
    if (broken_) return *broken_;
    if (without_term_) {
      return {VerdictKind::kUnknown, "a node recorded that it leads without saying in which term"};
    }
    return {VerdictKind::kValid, "each of the " + std::to_string(terms_.size()) +
                                     " terms with a leader had only one"};
  }

  Verdict judge_instants(Time end) const {
    std::vector<LeaderSpan> overlaps;
    for (const LeaderSpan& span : timeline_.spans(end)) {
      if (span.leaders.size() < 2) continue;
      if (!overlaps.empty() && overlaps.back().to == span.from) {
        overlaps.back().to = span.to;
      } else {
        overlaps.push_back(span);
      }
    }
    Duration longest{};
    for (const LeaderSpan& overlap : overlaps) {
      longest = std::max(longest, overlap.to - overlap.from);
    }
    if (longest <= tolerance_) {
      return {VerdictKind::kValid, overlaps.empty()
                                       ? "at no time did two nodes lead"
                                       : "two nodes led at once for no longer than " +
                                             format_duration(longest)};
    }
    const auto first = std::find_if(overlaps.begin(), overlaps.end(), [&](const LeaderSpan& span) {
      return span.to - span.from > tolerance_;
    });
    return {VerdictKind::kInvalid,
            run_.names(first->leaders) + " led at once " + stretch(first->from, first->to) +
                ", which is longer than the tolerance of " + format_duration(tolerance_),
            first->from, run_.id(first->leaders.back())};
  }

  const bool by_term_;
  const Duration tolerance_;
  std::map<std::int64_t, std::pair<NodeIndex, Time>> terms_;
  std::optional<Verdict> broken_;
  bool without_term_ = false;
};

class ExactlyOneLeader final : public LeaderChecker {
 public:
  ExactlyOneLeader(const RunNodes& nodes, std::string leader, Duration bound)
      : LeaderChecker(nodes, std::move(leader), ""), bound_(bound) {}

  std::string_view name() const override { return "exactly_one_leader_eventually"; }

  Verdict finish(Time end) override {
    if (!run_.any_role()) return {VerdictKind::kUnknown, "no node recorded a role"};
    if (const SeenFault* fault = run_.faults().unhealed(end)) {
      return {VerdictKind::kUnknown, unhealed_sentence(*fault)};
    }
    const Time healed = run_.faults().healed_at(end);
    if (healed >= end) {
      return {VerdictKind::kUnknown, "the run ended with its last fault, at " + format_time(end)};
    }
    return judge(healed, end);
  }

 private:
  /// The stretches after `healed` with no or several leaders, neighbours joined.
  std::vector<LeaderSpan> without_one(Time healed, Time end) const {
    std::vector<LeaderSpan> stretches;
    for (const LeaderSpan& span : timeline_.spans(end)) {
      const Time from = std::max(span.from, healed);
      if (from >= span.to || span.leaders.size() == 1) continue;
      if (!stretches.empty() && stretches.back().to == from) {
        stretches.back().to = span.to;
      } else {
        stretches.push_back({from, span.to, span.leaders});
      }
    }
    return stretches;
  }

  Verdict judge(Time healed, Time end) const {
    const std::vector<LeaderSpan> stretches = without_one(healed, end);
    const std::string since =
        "after " + format_time(healed) + ", from when on the run was left alone, ";
    Duration longest{};
    for (const LeaderSpan& span : stretches) {
      longest = std::max(longest, span.to - span.from);
      if (span.to - span.from <= bound_) continue;
      const std::string who = span.leaders.empty() ? "nobody" : run_.names(span.leaders);
      return {VerdictKind::kInvalid,
              since + "it lacked exactly one leader " + stretch(span.from, span.to) +
                  ", beginning with " + who + " in the lead, which is longer than the bound of " +
                  format_duration(bound_),
              span.from + bound_};
    }
    if (!stretches.empty() && stretches.back().to == end) {
      return {VerdictKind::kUnknown,
              "the run ended at " + format_time(end) +
                  " while it had lacked exactly one leader for " +
                  format_duration(end - stretches.back().from) + ", which is within the bound of " +
                  format_duration(bound_)};
    }
    return {VerdictKind::kValid,
            since + "it lacked exactly one leader for no longer than " + format_duration(longest)};
  }

  const Duration bound_;
};

class Stability final : public LeaderChecker {
 public:
  Stability(const RunNodes& nodes, std::string leader, std::string_view servers, Duration settle,
            std::int64_t max_changes)
      : LeaderChecker(nodes, std::move(leader), servers),
        settle_(settle),
        max_changes_(max_changes) {}

  std::string_view name() const override { return "stability"; }

  Verdict finish(Time) override {
    if (!last_) return {VerdictKind::kUnknown, "no node ever led"};
    const auto unexplained = static_cast<std::int64_t>(unexplained_.size());
    if (unexplained <= max_changes_) {
      return {VerdictKind::kValid, "changes of the lead: " + std::to_string(changes_) +
                                       ", without a fault of the leader that explains them: " +
                                       std::to_string(unexplained)};
    }
    const Change& change = unexplained_[static_cast<std::size_t>(max_changes_)];
    return {VerdictKind::kInvalid,
            "the lead passed from " + run_.name(change.from) + " to " + run_.name(change.to) +
                " at " + format_time(change.at) + " without a fault of " + run_.name(change.from) +
                "; changes in all: " + std::to_string(changes_) +
                ", without such an explanation: " + std::to_string(unexplained) +
                ", allowed: " + std::to_string(max_changes_),
            change.at, run_.id(change.to)};
  }

 private:
  struct Change {
    Time at{};
    NodeIndex from = 0;
    NodeIndex to = 0;
  };

  void fault_began(const SeenFault& fault, const std::vector<NodeIndex>& leaders) override {
    hit_leader_.push_back(std::any_of(leaders.begin(), leaders.end(), [&](NodeIndex leader) {
      return fault.concerns(leader);
    }));
  }

  void leads(Time at, NodeIndex node) override {
    const std::optional<NodeIndex> previous = std::exchange(last_, node);
    if (!previous || *previous == node) return;
    ++changes_;
    if (!explained(at, *previous, node)) unexplained_.push_back({at, *previous, node});
  }

  /// A fault explains a change while it concerns the old leader; for a while after one that hit
  /// whoever led, as an election may take several turns; and for a while after the new leader came
  /// back from one, as it may be the preferred one.
  bool explained(Time at, NodeIndex from, NodeIndex to) const {
    const std::vector<SeenFault>& faults = run_.faults().faults();
    for (std::size_t i = 0; i < faults.size(); ++i) {
      const SeenFault& fault = faults[i];
      const bool open = !fault.end && fault.effect != FaultEffect::kRestart;
      const Time changed = fault.end.value_or(fault.begin);
      const bool recent = at - changed <= settle_ || at - fault.begin <= settle_;
      if (fault.concerns(from) && (open || recent)) return true;
      if (hit_leader_[i] && recent) return true;
      if (fault.concerns(to) && !open && recent) return true;
    }
    return false;
  }

  const Duration settle_;
  const std::int64_t max_changes_;
  std::optional<NodeIndex> last_;
  std::vector<bool> hit_leader_;  // by the fault's place in the log
  std::vector<Change> unexplained_;
  std::size_t changes_ = 0;
};

class Preference final : public LeaderChecker {
 public:
  Preference(const RunNodes& nodes, std::string leader, std::string_view servers, Duration settle)
      : LeaderChecker(nodes, std::move(leader), servers),
        settle_(settle),
        preferred_(*std::max_element(run_.servers().begin(), run_.servers().end(),
                                     [&](NodeIndex a, NodeIndex b) {
                                       return number_of(nodes[a]) < number_of(nodes[b]);
                                     })) {}

  std::string_view name() const override { return "preference"; }

  Verdict finish(Time end) override {
    stays(end);
    if (!run_.any_role()) return {VerdictKind::kUnknown, "no node recorded a role"};
    if (broken_) return *broken_;
    if (judged_ == Duration::zero()) {
      return {VerdictKind::kUnknown, "the world was never left alone for longer than " +
                                         format_duration(settle_) + " with all servers running"};
    }
    return {VerdictKind::kValid, run_.name(preferred_) + " led whenever the world had been left " +
                                     "alone for " + format_duration(settle_) + ", for " +
                                     format_duration(judged_) + " in all"};
  }

 private:
  static std::int64_t number_of(const RunNode& node) {
    return node.number.value_or(static_cast<std::int64_t>(node.id));
  }

  void stays(Time at) override {
    const Time from = std::max(quiet_since() + settle_, judged_until_);
    judged_until_ = at;
    if (!is_quiet_ || from >= at) return;
    judged_ += at - from;
    const std::vector<NodeIndex> leaders = run_.leaders();
    if (broken_ || leaders == std::vector{preferred_}) return;
    broken_ = Verdict{VerdictKind::kInvalid,
                      "at " + format_time(from) + " " +
                          (leaders.empty() ? "nobody" : run_.names(leaders)) + " led instead of " +
                          run_.name(preferred_) + " alone, although all servers ran and no fault " +
                          "lasted since " + format_time(quiet_since()),
                      from, run_.id(preferred_)};
  }

  void changed(Time) override {
    const auto lasts = [](const SeenFault& fault) {
      return !fault.end &&
             (fault.effect == FaultEffect::kCut || fault.effect == FaultEffect::kClock ||
              fault.effect == FaultEffect::kOther);
    };
    const std::vector<SeenFault>& faults = run_.faults().faults();
    is_quiet_ = std::none_of(faults.begin(), faults.end(), lasts) &&
                std::all_of(run_.servers().begin(), run_.servers().end(),
                            [&](NodeIndex server) { return run_.runs(server); });
  }

  /// The last time at which a fault began or ended or a server came up.
  Time quiet_since() const {
    Time since{};
    for (const SeenFault& fault : run_.faults().faults()) {
      since = std::max(since, fault.end.value_or(fault.begin));
    }
    for (NodeIndex server : run_.servers()) since = std::max(since, run_.runs_since(server));
    return since;
  }

  const Duration settle_;
  const NodeIndex preferred_;
  bool is_quiet_ = true;
  Time judged_until_{};
  Duration judged_{};
  std::optional<Verdict> broken_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_agreement(OptionReader& options, const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const std::string servers = read_servers(options, nodes);
  const Duration settle = options.duration("settle", 5s);
  const bool allow_none = options.flag("allow_none", false);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(
      std::make_unique<Agreement>(nodes, leader, servers, settle, allow_none));
}

Result<std::unique_ptr<Checker>> make_at_most_one_leader(OptionReader& options,
                                                         const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const bool by_term = options.choice("scope", {"instant", "term"}) == "term";
  const Duration tolerance = options.duration("tolerance", 0s);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(
      std::make_unique<AtMostOneLeader>(nodes, leader, by_term, tolerance));
}

Result<std::unique_ptr<Checker>> make_exactly_one_leader(OptionReader& options,
                                                         const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const Duration bound = options.duration("bound", 5s);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<ExactlyOneLeader>(nodes, leader, bound));
}

Result<std::unique_ptr<Checker>> make_preference(OptionReader& options, const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const std::string servers = read_servers(options, nodes);
  const Duration settle = options.duration("settle", 12s);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<Preference>(nodes, leader, servers, settle));
}

Result<std::unique_ptr<Checker>> make_stability(OptionReader& options, const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const std::string servers = read_servers(options, nodes);
  const Duration settle = options.duration("settle", 10s);
  const std::int64_t max_changes = options.integer("max_changes", 0, 0);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(
      std::make_unique<Stability>(nodes, leader, servers, settle, max_changes));
}

}  // namespace twinbed::sim
