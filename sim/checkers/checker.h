// Checkers: what must hold of a run, judged from its rows alone.
//
// A checker sees the rows that protocols recorded and the faults that happened, in time order:
// online in a simulated run, from the result store after a real one. It lives outside the
// protocols, so that a protocol cannot grade its own work, and one checker serves every policy and
// every world.
//
//     rows ──► CheckerSet ──► agreement ──────────► valid | invalid | unknown
//                     ├─────► at_most_one_leader ─► ...            │
//                     └─────► delivery ───────────► ...            ▼
//                                                valid, but no fault touched anything: vacuous
//
// What the checkers take from the rows:
//   - kRoleEvent, kLeaderViewEvent, kSubmitEvent, kAckEvent, kRefuseEvent, kStoreEvent,
//     kDiscoverEvent and kDiscoveredEvent, what Raft records of its logs and clients of the images
//     that they get, and what the runner records of secret keys that it has found. Types are told
//     by their names.
//   - a node that crashes, stops or restarts holds no role and no view until it records one again;
//     one that is paused or hangs keeps both, but does not lead meanwhile.
//   - a fault whose end row bears the very time at which the run ends was not lifted, the run ended
//     with it. A fault's begin row comes before the rows that it causes.
//   - rows of nodes that are not in the table, and names in a fault's target that are not in it,
//     are passed over.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/ids.h"
#include "core/io/run_sink.h"

namespace twinbed::sim {

/// A node of the run as the checkers need it.
struct RunNode {
  NodeId id{};
  std::string name;  ///< as in the scenario and in the targets of faults
  std::string role;  ///< the scenario's word: "server", "client"; empty counts as any role
  /// By which number the protocol calls this node in the fields "leader" and "suspect" of its rows;
  /// absent: by its NodeId. Rows may also name the node by text.
  std::optional<std::int64_t> number{};
};
using RunNodes = std::vector<RunNode>;

enum class VerdictKind : std::uint8_t {
  kValid,    ///< the invariant held
  kInvalid,  ///< it was broken
  kUnknown,  ///< the rows do not tell: nothing was recorded, or the run ended too early
  kVacuous,  ///< it held, but the plan had faults and none of them touched anything
};

/// "valid", "invalid", "unknown", "vacuous".
std::string_view to_string(VerdictKind kind);

struct Verdict {
  VerdictKind kind = VerdictKind::kUnknown;
  std::string explanation;     ///< one sentence with times and the names of nodes
  std::optional<Time> at{};    ///< when it was broken
  std::optional<NodeId> node{};  ///< who broke it
};

class Checker : public RunSink {
 public:
  /// As in scenario files: "agreement".
  virtual std::string_view name() const = 0;

  /// The verdict once every row has been seen. `end` is the time at which the run ended, the one
  /// that the end rows of faults bear that were never lifted. Called once.
  virtual Verdict finish(Time end) = 0;

  /// Checkers judge events and faults; samples are passed over unless one says otherwise.
  void sample(Time, NodeId, const Metric&, double) override {}
};

/// A checker's option as written in the scenario; the same type as the options of protocols there.
using CheckerOption = std::variant<bool, std::int64_t, double, std::string, Duration>;
using CheckerOptions = std::map<std::string, CheckerOption>;

/// Makes a checker by its name. The error is one sentence for the user: an unknown checker or
/// option (with the list of those that exist), a value of the wrong kind, or no node with the role
/// asked for.
Result<std::unique_ptr<Checker>> make_checker(std::string_view name, const CheckerOptions& options,
                                              const RunNodes& nodes);

/// The names that make_checker knows, in alphabetical order.
std::vector<std::string_view> checker_names();

/// What a checker demands and which options it takes; empty for an unknown name.
std::string_view checker_doc(std::string_view name);

/// What became of one checker.
struct CheckerOutcome {
  std::string_view checker;
  Verdict verdict;
};

/// Feeds every row to several checkers and collects their verdicts. A verdict of valid becomes
/// vacuous when the plan held faults and no fault row says that anything was touched: the run then
/// shows nothing that a run without faults would not have shown.
class CheckerSet final : public RunSink {
 public:
  /// `planned_faults`: how many faults the drawn plan holds, resolved or not.
  explicit CheckerSet(std::size_t planned_faults) : planned_faults_(planned_faults) {}

  void add(std::unique_ptr<Checker> checker) { checkers_.push_back(std::move(checker)); }

  void sample(Time at, NodeId node, const Metric& metric, double value) override;
  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override;
  void fault(Time at, const FaultRow& fault) override;

  /// The verdicts in the order in which the checkers were added.
  std::vector<CheckerOutcome> finish(Time end);

 private:
  std::size_t planned_faults_;
  bool touched_ = false;
  std::vector<std::unique_ptr<Checker>> checkers_;
};

}  // namespace twinbed::sim
