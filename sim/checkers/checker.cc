#include "sim/checkers/checker.h"

#include <algorithm>
#include <array>

#include "sim/checkers/delivery_checker.h"
#include "sim/checkers/discovery_checker.h"
#include "sim/checkers/keys_checker.h"
#include "sim/checkers/leader_checkers.h"
#include "sim/checkers/linearizable_checker.h"
#include "sim/checkers/options.h"
#include "sim/checkers/quorum_checkers.h"
#include "sim/checkers/raft_checker.h"
#include "sim/checkers/traffic_checker.h"

namespace twinbed::sim {
namespace {

struct KnownChecker {
  std::string_view name;
  std::string_view doc;
  Result<std::unique_ptr<Checker>> (*make)(OptionReader&, const RunNodes&);
};

constexpr std::array<KnownChecker, 13> kCheckers{
    {{"agreement", kAgreementDoc, make_agreement},
     {"at_most_one_leader", kAtMostOneLeaderDoc, make_at_most_one_leader},
     {"delivery", kDeliveryDoc, make_delivery},
     {"discovery", kDiscoveryDoc, make_discovery},
     {"exactly_one_leader_eventually", kExactlyOneLeaderDoc, make_exactly_one_leader},
     {kKeysStayName, kKeysStayDoc, make_keys_stay},
     {"linearizable", kLinearizableDoc, make_linearizable},
     {"minority_refuses", kMinorityRefusesDoc, make_minority_refuses},
     {"one_committer", kOneCommitterDoc, make_one_committer},
     {"preference", kPreferenceDoc, make_preference},
     {"raft_safety", kRaftSafetyDoc, make_raft_safety},
     {"stability", kStabilityDoc, make_stability},
     {"traffic", kTrafficDoc, make_traffic}}};

const KnownChecker* find_checker(std::string_view name) {
  const auto found = std::find_if(kCheckers.begin(), kCheckers.end(),
                                  [&](const KnownChecker& known) { return known.name == name; });
  return found == kCheckers.end() ? nullptr : &*found;
}

}  // namespace

std::string_view to_string(VerdictKind kind) {
  switch (kind) {
    case VerdictKind::kValid: return "valid";
    case VerdictKind::kInvalid: return "invalid";
    case VerdictKind::kUnknown: return "unknown";
    case VerdictKind::kVacuous: return "vacuous";
  }
  return "unknown";
}

std::vector<std::string_view> checker_names() {
  std::vector<std::string_view> names;
  for (const KnownChecker& known : kCheckers) names.push_back(known.name);
  return names;
}

std::string_view checker_doc(std::string_view name) {
  const KnownChecker* known = find_checker(name);
  return known != nullptr ? known->doc : std::string_view{};
}

Result<std::unique_ptr<Checker>> make_checker(std::string_view name, const CheckerOptions& options,
                                              const RunNodes& nodes) {
  const KnownChecker* known = find_checker(name);
  if (known == nullptr) {
    return Error{"there is no checker '" + std::string(name) + "'; the checkers are " +
                 quoted_list(checker_names())};
  }
  OptionReader reader(name, options);
  return known->make(reader, nodes);
}

void CheckerSet::sample(Time at, NodeId node, const Metric& metric, double value) {
  for (const auto& checker : checkers_) checker->sample(at, node, metric, value);
}

void CheckerSet::event(Time at, NodeId node, const EventType& type,
                       std::span<const Field> fields) {
  for (const auto& checker : checkers_) checker->event(at, node, type, fields);
}

void CheckerSet::fault(Time at, const FaultRow& fault) {
  if (fault.touched > 0) touched_ = true;
  for (const auto& checker : checkers_) checker->fault(at, fault);
}

std::vector<CheckerOutcome> CheckerSet::finish(Time end) {
  std::vector<CheckerOutcome> outcomes;
  for (const auto& checker : checkers_) {
    Verdict verdict = checker->finish(end);
    if (verdict.kind == VerdictKind::kValid && planned_faults_ > 0 && !touched_) {
      verdict.kind = VerdictKind::kVacuous;
      verdict.explanation += ", but none of the faults of the plan touched anything";
    }
    outcomes.push_back({checker->name(), std::move(verdict)});
  }
  return outcomes;
}

}  // namespace twinbed::sim
