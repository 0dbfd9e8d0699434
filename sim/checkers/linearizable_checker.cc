#include "sim/checkers/linearizable_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/checkers/item_ledger.h"

namespace twinbed::sim {
namespace {

// Linearizability (Herlihy and Wing 1990) asks for one point between the beginning and the end of
// each operation at which it seems to happen. For a register that is written once it comes down to
// three rules, which need no search:
//   1. all acknowledged puts and all finds of an id show one hash;
//   2. some put of that hash, not refused, began before the first of them ended;
//   3. no get that misses the id began after one of them had ended.
// They are necessary: the value does not change, nothing is found before its put begins, and what
// has been seen stays. They are sufficient: let the write happen just before the first end of an
// acknowledged put or a find. By 2 a put of the hash has begun by then, and none has been
// acknowledged. By 3 every get that misses it began before, so that its point can lie before the
// write; every find and every later put of the same hash ends after it. A put that was refused has
// no effect, and one without an answer need not have one. A get that failed proves nothing. A get
// from a server that does not lead may be old: what it finds must follow rules 1 and 2, but it
// neither has to find anything nor obliges another get to.

struct Put {
  NodeId client{};
  std::string hash;  // empty: the rows do not say
  bool is_refused = false;
};

/// What was first seen of an id's value.
struct Sight {
  std::string hash;
  Time at{};
  NodeId client{};
  std::size_t puts = 0;  // how many had begun
};

struct Register {
  std::vector<Put> puts;  // as they began
  std::optional<Sight> value{};
  bool must_be_found = false;
};

class Linearizable final : public Checker {
 public:
  explicit Linearizable(const RunNodes& nodes) {
    for (const RunNode& node : nodes) names_[node.id] = node.name;
  }

  std::string_view name() const override { return "linearizable"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    const bool is_put = type.name == kSubmitEvent.name;
    const bool is_answer = type.name == kAckEvent.name || type.name == kRefuseEvent.name;
    const bool is_get = type.name == "image.fetch";
    if (!is_put && !is_answer && !is_get && type.name != "image.fetched") return;
    const std::string id = label(fields, "id");
    if (!names_.contains(node) || id.empty()) return;
    Register& item = registers_[id];
    if (is_put) {
      item.puts.push_back({node, label(fields, "hash")});
    } else if (is_get) {
      must_find_[{node, id}] = item.must_be_found;
    } else if (is_answer) {
      end_put(at, node, id, item, type.name == kAckEvent.name);
    } else {
      end_get(at, node, id, item, fields);
    }
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time) override {
    for (const auto& [id, item] : registers_) {
      if (item.value) judge_origin(id, item);
    }
    if (broken_) return *broken_;
    if (gets_ == 0) return {VerdictKind::kUnknown, "no client got an image or was told of none"};
    return {VerdictKind::kValid, "all gets, " + std::to_string(gets_) +
                                     " in all, are such as registers written once would answer"};
  }

 private:
  /// An answer is for the last put of this id by this client, which hands over one at a time.
  void end_put(Time at, NodeId client, const std::string& id, Register& item, bool is_ack) {
    const auto put = std::find_if(item.puts.rbegin(), item.puts.rend(),
                                  [&](const Put& begun) { return begun.client == client; });
    if (put == item.puts.rend()) return;
    put->is_refused = !is_ack;
    if (!is_ack) return;
    item.must_be_found = true;
    see(at, client, id, item, put->hash);
  }

  void end_get(Time at, NodeId client, const std::string& id, Register& item,
               std::span<const Field> fields) {
    const auto begun = must_find_.extract({client, id});
    const bool must_find = !begun.empty() && begun.mapped();
    const bool is_stale = int_field(fields, "is_stale", 0) != 0;
    const std::string_view outcome = text_field(fields, "outcome");
    if (outcome == "ok") {
      ++gets_;
      if (!is_stale) item.must_be_found = true;
      see(at, client, id, item, label(fields, "hash"));
    } else if (outcome == "not_found" && !is_stale) {
      ++gets_;
      if (!must_find) return;
      breaks(at, client,
             "was told at " + format_time(at) + " that there is no '" + id +
                 "', although it asked after that had been acknowledged or found");
    }
  }

  /// The id's value was seen, rule 1.
  void see(Time at, NodeId client, const std::string& id, Register& item, const std::string& hash) {
    if (hash.empty()) return;
    if (!item.value) {
      item.value = Sight{hash, at, client, item.puts.size()};
    } else if (item.value->hash != hash) {
      breaks(at, client,
             "saw the hash " + hash + " under '" + id + "' at " + format_time(at) + ", where " +
                 names_[item.value->client] + " saw " + item.value->hash + " at " +
                 format_time(item.value->at));
    }
  }

  /// Rule 2.
  void judge_origin(const std::string& id, const Register& item) {
    const Sight& value = *item.value;
    const auto begun = item.puts.begin() + static_cast<std::ptrdiff_t>(value.puts);
    const bool is_known = std::any_of(item.puts.begin(), begun, [&](const Put& put) {
      return !put.is_refused && (put.hash.empty() || put.hash == value.hash);
    });
    if (is_known) return;
    breaks(value.at, value.client,
           "saw the hash " + value.hash + " under '" + id + "' at " + format_time(value.at) +
               ", which no client had handed over, or none that was not refused");
  }

  /// Notes a breach; the earliest is the one that is told.
  void breaks(Time at, NodeId client, const std::string& what) {
    if (broken_ && broken_->at <= at) return;
    broken_ = Verdict{VerdictKind::kInvalid, names_[client] + " " + what, at, client};
  }

  std::map<NodeId, std::string> names_;
  std::map<std::string, Register> registers_;
  std::map<std::pair<NodeId, std::string>, bool> must_find_;  // gets under way
  std::size_t gets_ = 0;
  std::optional<Verdict> broken_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_linearizable(OptionReader& options, const RunNodes& nodes) {
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<Linearizable>(nodes));
}

}  // namespace twinbed::sim
