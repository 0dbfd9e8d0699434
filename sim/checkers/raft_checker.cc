#include "sim/checkers/raft_checker.h"

#include <map>
#include <optional>
#include <string>
#include <utility>

namespace twinbed::sim {
namespace {

/// An entry of a log, with a hash over it and all before it.
struct LogEntry {
  std::int64_t term = 0;
  std::int64_t prefix = 0;
};

struct ServerLog {
  std::int64_t base = 0;                      // entries up to here are in a snapshot
  std::map<std::int64_t, LogEntry> entries;   // by index
  std::int64_t applied = 0;
  bool leads = false;

  void erase_from(std::int64_t index) { entries.erase(entries.lower_bound(index), entries.end()); }
};

struct Committed {
  LogEntry entry;
  std::int64_t by_term = 0;  // a term in which it was certainly committed, or a later one
  NodeId node{};
};

class RaftSafety final : public Checker {
 public:
  explicit RaftSafety(const RunNodes& nodes) {
    for (const RunNode& node : nodes) names_[node.id] = node.name;
  }

  std::string_view name() const override { return "raft_safety"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    if (broken_ || !names_.contains(node)) return;
    const std::int64_t index = int_field(fields, "index", 0);
    const LogEntry entry{int_field(fields, "term", 0), int_field(fields, "prefix", 0)};
    ServerLog& log = logs_[node];
    if (type.name == "raft.append") append(at, node, log, index, entry);
    else if (type.name == "raft.truncate") truncate(at, node, log, index);
    else if (type.name == "raft.recover") recover(log, index);
    else if (type.name == "raft.install") install(at, node, log, index, entry);
    else if (type.name == "raft.apply") {
      apply(at, node, log, index, {entry, int_field(fields, "current", 0), node});
    } else if (type.name == kRoleEvent.name) {
      log.leads = text_field(fields, "role") == "leader";
      if (log.leads) lead(at, node, log, entry.term);
    }
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time) override {
    if (broken_) return *broken_;
    if (committed_.empty()) {
      return {VerdictKind::kUnknown, "no server recorded that an entry was committed"};
    }
    return {VerdictKind::kValid, std::to_string(committed_.size()) + " committed entries and " +
                                     std::to_string(leaders_.size()) +
                                     " terms with a leader keep Raft's promises"};
  }

 private:
  void append(Time at, NodeId node, ServerLog& log, std::int64_t index, const LogEntry& entry) {
    log.entries[index] = entry;
    const auto [known, is_new] = by_place_.try_emplace({index, entry.term}, entry.prefix, node);
    if (is_new || known->second.first == entry.prefix) return;
    break_promise(at, node,
                  "log matching: the logs of " + names_[known->second.second] + " and " +
                      names_[node] + " both hold entry " + place(index, entry.term) +
                      " and differ up to it");
  }

  void truncate(Time at, NodeId node, ServerLog& log, std::int64_t index) {
    if (index <= log.applied) {
      break_promise(at, node, "state-machine safety: " + names_[node] + " removes entry " +
                                  std::to_string(index) + ", which it has executed");
    } else if (log.leads) {
      break_promise(at, node, "leader append-only: " + names_[node] +
                                  " leads and removes entry " + std::to_string(index));
    }
    log.erase_from(index);
  }

  /// After a crash only what was durable is left, and execution begins again at the snapshot.
  void recover(ServerLog& log, std::int64_t last) {
    log.erase_from(last + 1);
    log.applied = 0;
    log.leads = false;
  }

  void install(Time at, NodeId node, ServerLog& log, std::int64_t index, const LogEntry& last) {
    const auto committed = committed_.find(index);
    if (committed != committed_.end() && committed->second.entry.prefix != last.prefix) {
      break_promise(at, node, "state-machine safety: the snapshot that " + names_[node] +
                                  " takes up to entry " + std::to_string(index) +
                                  " is not what the others have executed");
    }
    const auto held = log.entries.find(index);
    const bool is_held = held != log.entries.end() && held->second.prefix == last.prefix;
    if (!is_held) log.entries.clear();
    log.base = index;
    log.applied = index;
  }

  void apply(Time at, NodeId node, ServerLog& log, std::int64_t index, const Committed& committed) {
    if (log.applied != 0 && index != log.applied + 1) {
      break_promise(at, node, "state-machine safety: " + names_[node] + " executes entry " +
                                  std::to_string(index) + " after entry " +
                                  std::to_string(log.applied));
    }
    log.applied = index;
    const auto [known, is_new] = committed_.try_emplace(index, committed);
    const LogEntry& first = known->second.entry;
    const LogEntry& found = committed.entry;
    if (is_new || (first.term == found.term && first.prefix == found.prefix)) return;
    break_promise(at, node, "state-machine safety: " + names_[node] + " executes entry " +
                                place(index, found.term) + " where " +
                                names_[known->second.node] + " has executed " +
                                place(index, first.term));
  }

  void lead(Time at, NodeId node, const ServerLog& log, std::int64_t term) {
    const auto [leader, is_new] = leaders_.try_emplace(term, node);
    if (!is_new && leader->second != node) {
      break_promise(at, node, "election safety: " + names_[leader->second] + " and " +
                                  names_[node] + " both lead in term " + std::to_string(term));
      return;
    }
    // The last entry that was certainly committed in a former term; its hash covers all before it.
    for (auto entry = committed_.rbegin(); entry != committed_.rend(); ++entry) {
      if (entry->second.by_term >= term) continue;
      const auto held = log.entries.find(entry->first);
      const bool is_held = entry->first <= log.base || (held != log.entries.end() &&
                           held->second.prefix == entry->second.entry.prefix);
      if (!is_held) {
        break_promise(at, node, "leader completeness: " + names_[node] + " leads in term " +
                                    std::to_string(term) + " without the committed entry " +
                                    place(entry->first, entry->second.entry.term));
      }
      return;
    }
  }

  static std::string place(std::int64_t index, std::int64_t term) {
    return std::to_string(index) + " of term " + std::to_string(term);
  }
  void break_promise(Time at, NodeId node, std::string sentence) {
    if (broken_) return;
    broken_ = Verdict{VerdictKind::kInvalid, std::move(sentence) + ", at " + format_time(at), at,
                      node};
  }

  std::map<NodeId, std::string> names_;
  std::map<NodeId, ServerLog> logs_;
  std::map<std::pair<std::int64_t, std::int64_t>, std::pair<std::int64_t, NodeId>> by_place_;
  std::map<std::int64_t, Committed> committed_;
  std::map<std::int64_t, NodeId> leaders_;
  std::optional<Verdict> broken_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_raft_safety(OptionReader& options, const RunNodes& nodes) {
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<RaftSafety>(nodes));
}

}  // namespace twinbed::sim
