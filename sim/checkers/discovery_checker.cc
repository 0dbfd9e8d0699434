#include "sim/checkers/discovery_checker.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sim/checkers/leader_base.h"

namespace twinbed::sim {
namespace {

using namespace std::chrono_literals;

/// Where nobody led all the time, or the lead changed, every answer will do: "nobody" is right, and
/// a server may take a dead leader for alive until it suspects it.
class Discovery final : public LeaderChecker {
 public:
  Discovery(const RunNodes& nodes, std::string leader, Duration bound, Duration settle)
      : LeaderChecker(nodes, std::move(leader), ""), bound_(bound), settle_(settle) {}

  std::string_view name() const override { return "discovery"; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    LeaderChecker::event(at, node, type, fields);
    const std::optional<NodeIndex> client = run_.find(node);
    if (!client) return;
    if (type.name == kDiscoverEvent.name) {
      open_[*client].push_back({at, run_.state(*client).incarnation, leader_, reigns_});
    } else if (type.name == kDiscoveredEvent.name) {
      // The oldest so many questions; all of them where the client does not say.
      std::vector<Question>& open = open_[*client];
      const auto all = static_cast<std::int64_t>(open.size());
      const auto count = std::clamp<std::int64_t>(int_field(fields, "questions", all), 0, all);
      const std::vector<Question> answered(open.begin(), open.begin() + count);
      open.erase(open.begin(), open.begin() + count);
      for (const Question& question : answered) {
        ++answered_;
        judge_time(question, *client, at);
        judge_answer(question, *client, at, fields);
      }
    }
  }

  Verdict finish(Time end) override {
    bool is_open = false;
    for (const auto& [client, questions] : open_) {
      for (const Question& question : questions) {
        if (is_excused(question, client)) continue;
        is_open = true;
        judge_time(question, client, end);
      }
    }
    if (broken_) return *broken_;
    if (is_open) {
      return {VerdictKind::kUnknown, "the run ended while a client was asking who leads"};
    }
    if (answered_ == 0) return {VerdictKind::kUnknown, "no client was told who leads"};
    return {VerdictKind::kValid,
            "the answers to who leads, " + std::to_string(answered_) + " in all, came within " +
                format_duration(longest_) + "; one node led meanwhile in " +
                std::to_string(checked_) + " of the cases, and was named"};
  }

 private:
  struct Question {
    Time at{};
    std::uint32_t incarnation = 0;  // of the client
    std::optional<NodeIndex> leader{};
    std::size_t reign = 0;
  };

  /// Keeps the one leader of the highest term in which anybody has led yet. Changes are counted, so
  /// that a node that has lost the lead and has it back is not taken for one that kept it.
  void changed(Time) override {
    std::vector<NodeIndex> leaders = run_.leaders();
    for (NodeIndex node : leaders) highest_ = std::max(highest_, term_of(node));
    std::erase_if(leaders, [&](NodeIndex node) { return term_of(node) < highest_; });
    const auto one = leaders.size() == 1 ? std::optional(leaders.front()) : std::nullopt;
    if (one == leader_) return;
    leader_ = one;
    ++reigns_;
  }

  std::int64_t term_of(NodeIndex node) const { return run_.state(node).term.value_or(0); }

  /// A client that crashed, stopped, was paused or hung since it asked waits for no answer.
  bool is_excused(const Question& question, NodeIndex client) const {
    return !run_.runs(client) || run_.runs_since(client) > question.at ||
           run_.state(client).incarnation != question.incarnation;
  }

  void judge_time(const Question& question, NodeIndex client, Time at) {
    if (is_excused(question, client)) return;
    longest_ = std::max(longest_, at - question.at);
    if (at - question.at <= bound_) return;
    breaks(question.at + bound_, client,
           "asked who leads at " + format_time(question.at) + " and was not told within " +
               format_duration(bound_));
  }

  void judge_answer(const Question& question, NodeIndex client, Time at,
                    std::span<const Field> fields) {
    if (!question.leader || question.reign != reigns_) return;
    const NodeIndex leader = *question.leader;
    if (is_hindered(client, leader, question.at - settle_, at)) return;
    ++checked_;
    const Field* field = find_field(fields, "leader");
    const std::optional<NodeIndex> told = field ? run_.named(*field) : std::nullopt;
    if (told == leader) return;
    breaks(at, client,
           "asked who leads at " + format_time(question.at) + " and was told " +
               (told ? run_.name(*told) : "nobody") + " at " + format_time(at) + ", while " +
               run_.name(leader) + " led all the time");
  }

  /// Whether a fault in this stretch of time may have kept a client from asking the leader itself,
  /// its connections included, which recover only some time after a cut or a restart.
  bool is_hindered(NodeIndex client, NodeIndex leader, Time from, Time until) const {
    const std::vector<SeenFault>& faults = run_.faults().faults();
    const bool hit = std::any_of(faults.begin(), faults.end(), [&](const SeenFault& fault) {
      const bool of_network = fault.effect == FaultEffect::kCut || fault.action == "link";
      const Time over = fault.end.value_or(of_network ? until : fault.begin);
      if (fault.begin > until || over < from) return false;
      if (fault.effect == FaultEffect::kCut) return fault.parts(client, leader);
      const bool stays_in_reach = fault.effect == FaultEffect::kClock ||
                                  (fault.effect == FaultEffect::kOther && !of_network);
      return !stays_in_reach && (fault.concerns(client) || fault.concerns(leader));
    });
    return hit || started_within(client, from) || started_within(leader, from);
  }

  /// Nodes that are there from the start of the run have no connections to repair.
  bool started_within(NodeIndex node, Time from) const {
    return run_.runs_since(node) > Time{} && run_.runs_since(node) >= from;
  }

  /// Notes a breach; the earliest is the one that is told.
  void breaks(Time at, NodeIndex client, const std::string& what) {
    if (broken_ && broken_->at <= at) return;
    broken_ = Verdict{VerdictKind::kInvalid, run_.name(client) + " " + what, at, run_.id(client)};
  }

  const Duration bound_;
  const Duration settle_;
  std::map<NodeIndex, std::vector<Question>> open_;  // by client; one answer is for all of them
  std::optional<NodeIndex> leader_;
  std::int64_t highest_ = 0;
  std::size_t reigns_ = 0;
  std::size_t answered_ = 0;
  std::size_t checked_ = 0;
  Duration longest_{};
  std::optional<Verdict> broken_;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_discovery(OptionReader& options, const RunNodes& nodes) {
  const std::string leader = options.text("leader", "leader");
  const Duration bound = options.duration("bound", 1s);
  const Duration settle = options.duration("settle", 5s);
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(std::make_unique<Discovery>(nodes, leader, bound, settle));
}

}  // namespace twinbed::sim
