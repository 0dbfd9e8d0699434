#include "sim/checkers/delivery_checker.h"

#include "sim/checkers/item_ledger.h"
#include "sim/checkers/run_state.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;

class Delivery final : public Checker {
 public:
  Delivery(const RunNodes& nodes, bool all_submitted, std::size_t copies, Duration settle)
      : run_(nodes, "", ""), all_submitted_(all_submitted), copies_(copies), settle_(settle) {}

  std::string_view name() const override { return "delivery"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    run_.event(at, node, type, fields);
    ledger_.event(at, node, type, fields, run_);
  }
  void fault(Time at, const FaultRow& row) override { run_.fault(at, row); }

  Verdict finish(Time end) override {
    std::size_t concerned = 0;
    for (const auto& [id, item] : ledger_.items()) {
      if (!item.submitted_at && !item.acked_at) continue;
      ++concerned;
      judge_promise(id, item, end);
      judge_content(id, item);
      judge_submission(id, item, end);
    }
    for (const SecondCopy& copy : ledger_.second_copies()) {
      broken(copy.second, copy.node,
             run_.name(copy.node) + " stored the item '" + copy.item + "' at " +
                 format_time(copy.first) + " and again at " + format_time(copy.second));
    }
    if (breaches_ > 0) {
      if (breaches_ > 1) {
        first_.explanation += "; this is the first of " + std::to_string(breaches_) + " breaches";
      }
      return first_;
    }
    if (concerned == 0) return {VerdictKind::kUnknown, "no item was submitted or acknowledged"};
    if (!under_way_.empty()) return {VerdictKind::kUnknown, under_way_};
    const std::string held = all_submitted_ ? "stored" : "answered, and stored if acknowledged";
    return {VerdictKind::kValid, "every item, " + std::to_string(concerned) + " in all, is " +
                                     held + ", once per node and with equal content"};
  }

 private:
  /// Notes a breach; the earliest is the one that is told.
  void broken(Time at, NodeIndex node, std::string sentence) {
    if (breaches_++ > 0 && first_.at <= at) return;
    first_ = {VerdictKind::kInvalid, std::move(sentence), at, run_.id(node)};
  }

  std::string where(const Item& item) const {
    const std::vector<NodeIndex> nodes = holders(item, run_);
    if (!nodes.empty()) return "is stored on " + run_.names(nodes) + " alone";
    return item.copies.empty() ? "was stored on no node"
                               : "was stored only on nodes that have lost their disks since";
  }

  void judge_promise(const std::string& id, const Item& item, Time end) {
    if (!item.acked_at || holders(item, run_).size() >= copies_) return;
    if (copies_ > 1 && !holders(item, run_).empty() && end - *item.acked_at < settle_) {
      note_under_way(id, "acknowledged at " + format_time(*item.acked_at));
      return;
    }
    broken(*item.acked_at, item.acked_by,
           "the item '" + id + "' was acknowledged at " + format_time(*item.acked_at) + " and " +
               where(item));
  }

  void judge_content(const std::string& id, const Item& item) {
    std::string reference = item.hash;
    std::string source = "the client";
    for (NodeIndex node : holders(item, run_)) {
      const ItemCopy& copy = item.copies.at(node);
      if (copy.hash.empty()) continue;
      if (reference.empty()) {
        reference = copy.hash;
        source = run_.name(node);
      } else if (copy.hash != reference) {
        broken(copy.at, node,
               "the item '" + id + "' that " + run_.name(node) + " stored at " +
                   format_time(copy.at) + " has the hash " + copy.hash + ", that of " + source +
                   " has " + reference);
      }
    }
  }

  void judge_submission(const std::string& id, const Item& item, Time end) {
    if (!item.submitted_at || item.acked_at) return;
    const bool met = all_submitted_ ? holders(item, run_).size() >= copies_ : item.answered();
    if (met) return;
    // A client that crashed or stopped meanwhile waits for no answer.
    const bool client_gone =
        run_.state(item.submitter).incarnation != item.submitter_incarnation;
    if (!all_submitted_ && client_gone) return;
    const std::string submitted = "submitted at " + format_time(*item.submitted_at);
    if (end - *item.submitted_at < settle_) {
      note_under_way(id, submitted);
      return;
    }
    broken(*item.submitted_at, item.submitter,
           "the item '" + id + "' was " + submitted + " and " +
               (all_submitted_ ? where(item) : "never acknowledged or refused"));
  }

  void note_under_way(const std::string& id, const std::string& since) {
    if (!under_way_.empty()) return;
    under_way_ = "the run ended while the item '" + id + "', " + since +
                 ", may still have been under way, as " + format_duration(settle_) +
                 " had not passed";
  }

  RunState run_;
  ItemLedger ledger_;
  const bool all_submitted_;
  const std::size_t copies_;
  const Duration settle_;
  std::size_t breaches_ = 0;
  Verdict first_;
  std::string under_way_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_delivery(OptionReader& options, const RunNodes& nodes) {
  const bool all_submitted = options.choice("require", {"acked", "submitted"}) == "submitted";
  const auto copies = static_cast<std::size_t>(options.integer("copies", 1, 1));
  const Duration settle = options.duration("settle", 10s);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(
      std::make_unique<Delivery>(nodes, all_submitted, copies, settle));
}

}  // namespace twinbed::sim
