#include "sim/checkers/keys_checker.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "core/io/key_events.h"

namespace twinbed::sim {
namespace {

class KeysStay final : public Checker {
 public:
  KeysStay(const RunNodes& nodes, std::set<NodeId> keepers)
      : nodes_(nodes), keepers_(std::move(keepers)) {}

  std::string_view name() const override { return kKeysStayName; }

  void event(Time at, NodeId node, const EventType& type, std::span<const Field> fields) override {
    if (type.name == kKeysSearchedEvent.name) {
      sessions_ = int_field(fields, "sessions", 0);
      extent_ = std::to_string(int_field(fields, "packets", 0)) + " packets, " +
                std::to_string(int_field(fields, "frames", 0)) + " frames and " +
                std::to_string(int_field(fields, "files", 0)) + " files";
    } else if (type.name == kKeyFoundEvent.name && !verdict_) {
      const bool is_file = text_field(fields, "place") == "file";
      if (is_file && keepers_.contains(node)) return;
      const std::string where =
          is_file ? " stands in the file " + std::string(text_field(fields, "file")) + " of " +
                        name_of(node)
                  : " stands in a " + std::string(text_field(fields, "place")) + " that " +
                        name_of(node) + " sent";
      verdict_ = Verdict{VerdictKind::kInvalid, std::string(text_field(fields, "key")) + where,
                         is_file ? at : time_from_ns(int_field(fields, "sent_ns", 0)), node};
    }
  }
  void fault(Time, const FaultRow&) override {}

  Verdict finish(Time) override {
    if (verdict_) return *verdict_;
    if (extent_.empty()) {
      return {VerdictKind::kUnknown, "nothing was searched for keys, which is done of protocol wfb "
                                     "in mode sim alone", {}, {}};
    }
    if (sessions_ == 0) {
      return {VerdictKind::kUnknown, "no session was announced on the air, so that no key was in "
                                     "use", {}, {}};
    }
    return {VerdictKind::kValid, "no key of the link or of its " + std::to_string(sessions_) +
                                     " sessions stands in " + extent_, {}, {}};
  }

 private:
  std::string name_of(NodeId node) const {
    const auto found = std::find_if(nodes_.begin(), nodes_.end(),
                                    [node](const RunNode& known) { return known.id == node; });
    return found == nodes_.end() ? "a host" : found->name;
  }

  RunNodes nodes_;
  std::set<NodeId> keepers_;
  std::optional<Verdict> verdict_;  ///< of the first key that was found
  std::string extent_;              ///< empty: nothing was searched
  std::int64_t sessions_ = 0;
};

}  // namespace

Result<std::unique_ptr<Checker>> make_keys_stay(OptionReader& options, const RunNodes& nodes) {
  std::istringstream words(options.text("keepers", ""));
  std::set<NodeId> keepers;
  for (std::string name; words >> name;) {
    const auto found = std::find_if(nodes.begin(), nodes.end(),
                                    [&](const RunNode& node) { return node.name == name; });
    if (found == nodes.end()) {
      options.refuse("checker keys_stay: there is no node '" + name +
                     "', name nodes of the scenario in 'keepers'");
    } else {
      keepers.insert(found->id);
    }
  }
  if (auto mistake = options.mistake()) return *mistake;
  return std::unique_ptr<Checker>(new KeysStay(nodes, std::move(keepers)));
}

}  // namespace twinbed::sim
