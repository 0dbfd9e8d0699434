#include "sim/checkers/quorum_checkers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "sim/checkers/item_ledger.h"
#include "sim/checkers/leader_base.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;

/// A leader commits an entry of its own term, and all before it, by counting copies (Ongaro 2014,
/// section 3.6.2), and it is the first to execute it. So the first execution of such an entry, at
/// the leader, shows when that leader was able to commit. An entry that a later leader has executed
/// before was committed by that one: that the former leader hears of it late breaks nothing.
class OneCommitter final : public Checker {
 public:
  explicit OneCommitter(const RunNodes& nodes) {
    for (const RunNode& node : nodes) names_[node.id] = node.name;
  }

  std::string_view name() const override { return "one_committer"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    if (!names_.contains(node)) return;
    if (type.name == kRoleEvent.name) {
      leads_[node] = text_field(fields, "role") == "leader";
    } else if (type.name == "raft.apply") {
      execute(at, node, fields);
    }
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time) override {
    if (broken_) return *broken_;
    if (commits_ == 0) {
      return {VerdictKind::kUnknown, "no leader recorded that it committed an entry of its term"};
    }
    return {VerdictKind::kValid, "the " + std::to_string(commits_) +
                                     " entries that leaders committed in their own terms came in "
                                     "the order of the terms"};
  }

 private:
  struct Commit {
    std::int64_t term = 0;
    Time at{};
    NodeId node{};
  };

  void execute(Time at, NodeId node, std::span<const Field> fields) {
    const std::int64_t index = int_field(fields, "index", 0);
    const std::int64_t term = int_field(fields, "term", 0);
    const bool is_first = executed_.emplace(index, term, int_field(fields, "prefix", 0)).second;
    if (!is_first || !leads_[node] || term != int_field(fields, "current", 0)) return;
    ++commits_;
    if (latest_ && term < latest_->term && !broken_) {
      broken_ = Verdict{VerdictKind::kInvalid,
                        names_[node] + " committed entry " + std::to_string(index) + " in term " +
                            std::to_string(term) + " at " + format_time(at) + ", although " +
                            names_[latest_->node] + " had committed one in term " +
                            std::to_string(latest_->term) + " at " + format_time(latest_->at),
                        at, node};
    }
    if (!latest_ || term > latest_->term) latest_ = Commit{term, at, node};
  }

  std::map<NodeId, std::string> names_;
  std::map<NodeId, bool> leads_;
  std::set<std::tuple<std::int64_t, std::int64_t, std::int64_t>> executed_;  // index, term, prefix
  std::optional<Commit> latest_;  // the first one in the latest term
  std::size_t commits_ = 0;
  std::optional<Verdict> broken_;
};

/// That an item was accepted is seen where a server stores it. An item is not new at a server that
/// has stored it before, as that may record again what it finds on its disk; nor where anybody had
/// stored it before the server was cut off, as a slow disk may end only now what the majority had
/// accepted then; nor where a server that this one still hears has stored it, as it then learns
/// what others have accepted.
class MinorityRefuses final : public LeaderChecker {
 public:
  MinorityRefuses(const RunNodes& nodes, std::string leader, std::string_view servers,
                  Duration tolerance, bool judges_role)
      : LeaderChecker(nodes, std::move(leader), servers),
        tolerance_(tolerance),
        judges_role_(judges_role) {}

  std::string_view name() const override { return "minority_refuses"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    LeaderChecker::event(at, node, type, fields);
    const std::optional<NodeIndex> server = run_.find(node);
    if (type.name != kStoreEvent.name || !server) return;
    const std::string id = label(fields, "id");
    if (run_.is_server(*server)) judge_store(at, *server, id);
    stored_by_[id].try_emplace(*server, at);
  }

  Verdict finish(Time end) override {
    stays(end);
    if (broken_) return *broken_;
    if (cut_off_.empty()) {
      return {VerdictKind::kUnknown, "no server that ran was without a majority for longer than " +
                                         format_duration(tolerance_)};
    }
    const std::vector<NodeIndex> nodes(cut_off_.begin(), cut_off_.end());
    return {VerdictKind::kValid, run_.names(nodes) + " stored nothing new without a majority"};
  }

 private:
  /// From when on a running server has had no majority; absent: it has one, or does not run.
  std::optional<Time> alone_since(NodeIndex server) const {
    const auto lost = lost_at_.find(server);
    if (lost == lost_at_.end() || !run_.runs(server)) return std::nullopt;
    return std::max(lost->second, run_.runs_since(server));
  }

  void stays(Time at) override {
    for (NodeIndex server : run_.servers()) {
      const std::optional<Time> since = alone_since(server);
      if (!since || at - *since <= tolerance_) continue;
      cut_off_.insert(server);
      const Time from = std::max(*since + tolerance_, judged_until_);
      if (!judges_role_ || !run_.holds_lead(server) || from >= at) continue;
      breaks(from, server, "still led");
    }
    judged_until_ = at;
  }

  void changed(Time at) override {
    for (NodeIndex server : run_.servers()) {
      if (run_.lacks_majority(server, at)) {
        lost_at_.try_emplace(server, at);
      } else {
        lost_at_.erase(server);
      }
    }
  }

  void judge_store(Time at, NodeIndex server, const std::string& id) {
    const std::optional<Time> since = alone_since(server);
    if (!since || at - *since <= tolerance_) return;
    const std::map<NodeIndex, Time>& holders = stored_by_[id];
    const bool is_known = std::any_of(holders.begin(), holders.end(), [&](const auto& copy) {
      const auto& [holder, stored_at] = copy;
      return holder == server || stored_at <= lost_at_.at(server) ||
             run_.faults().hears(server, holder, at);
    });
    if (!is_known) breaks(at, server, "stored the new item '" + id + "'");
  }

  void breaks(Time at, NodeIndex server, const std::string& what) {
    if (broken_) return;
    broken_ = Verdict{VerdictKind::kInvalid,
                      run_.name(server) + " " + what + " at " + format_time(at) +
                          ", without contact to a majority of the servers since " +
                          format_time(*alone_since(server)),
                      at, run_.id(server)};
  }

  const Duration tolerance_;
  const bool judges_role_;
  std::map<NodeIndex, Time> lost_at_;  // by server, while it has no majority
  std::map<std::string, std::map<NodeIndex, Time>> stored_by_;  // by item, since when
  std::set<NodeIndex> cut_off_;  // ever, for longer than the tolerance
  Time judged_until_{};
  std::optional<Verdict> broken_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_one_committer(OptionReader& options, const RunNodes& nodes) {
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<OneCommitter>(nodes));
}

Result<std::unique_ptr<Checker>> make_minority_refuses(OptionReader& options,
                                                       const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const std::string servers = read_servers(options, nodes);
  const Duration tolerance = options.duration("tolerance", 1s);
  const bool role = options.flag("role", false);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(
      std::make_unique<MinorityRefuses>(nodes, leader, servers, tolerance, role));
}

}  // namespace twinbed::sim
