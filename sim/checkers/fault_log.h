// The faults of a run as their rows told them: which nodes they named, whom they cut off, and when
// they were lifted.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/time.h"
#include "core/io/run_sink.h"
#include "sim/checkers/checker.h"

namespace twinbed::sim {

/// A node's place in the RunNodes table.
using NodeIndex = std::size_t;

/// What a fault does, as far as judging a run needs it.
enum class FaultEffect : std::uint8_t {
  kCrash,
  kStop,
  kRestart,
  kStall,  ///< pause and hang: the node keeps its state, and nothing comes from it
  kCut,    ///< partitions
  kClock,
  kOther,  ///< links, disks, and actions that are not known here
};

struct SeenFault {
  std::uint32_t index = 0;  ///< in the drawn plan
  FaultEffect effect{};
  std::string action;
  std::string target;
  Time begin{};
  std::optional<Time> end{};
  bool with_disk = true;
  std::vector<NodeIndex> nodes{};  ///< named in the target, by themselves or by their links
  /// A partition: from whom to whom packets are dropped, ascending.
  std::vector<std::pair<NodeIndex, NodeIndex>> dropped{};
  /// Whom it concerns: for a partition the nodes that it cut off from the majority of the servers,
  /// for any other fault the nodes named. Links between devices that are no nodes concern all.
  std::vector<NodeIndex> concerned{};

  bool concerns(NodeIndex node) const;
  /// Whether it drops packets of the first to the second.
  bool drops(NodeIndex from, NodeIndex to) const;
  /// Whether it leaves two nodes without two-way contact.
  bool parts(NodeIndex a, NodeIndex b) const { return drops(a, b) || drops(b, a); }
  /// Whether it lasts at `at`.
  bool open(Time at) const { return begin <= at && (!end || *end > at); }
  /// Whether the run ended with it.
  bool open_at_end(Time run_end) const { return !end || *end == run_end; }
};

class FaultLog {
 public:
  FaultLog(const RunNodes& nodes, std::vector<NodeIndex> servers);

  /// Takes in a row. Returns the fault that began or ended; null for the end of one that never
  /// began.
  const SeenFault* row(Time at, const FaultRow& row);

  const std::vector<SeenFault>& faults() const { return faults_; }

  /// Whether partitions leave this node, at this time, without two-way contact to a majority of the
  /// servers. Crashed servers count as in contact: this is about the network alone.
  bool cut_off(NodeIndex node, Time at) const;

  /// Whether partitions leave two nodes without two-way contact at this time.
  bool parted(NodeIndex a, NodeIndex b, Time at) const;

  /// Whether no partition drops, at this time, what the speaker sends to the listener.
  bool hears(NodeIndex listener, NodeIndex speaker, Time at) const;

  /// The time from which on the run was left alone: the last moment at which a fault was lifted. A
  /// crash, stop, pause, hang or clock fault that lasts to the end counts as over from its
  /// beginning: what it made of the world stays as it is. The start of the run when there was no
  /// fault.
  Time healed_at(Time run_end) const;

  /// A partition, link or disk fault with which the run ended; null when there is none.
  const SeenFault* unhealed(Time run_end) const;

 private:
  /// The nodes of a target, in the groups that '|' or '->' separates, or with `each_word` in one
  /// group for every word that names any.
  std::vector<std::vector<NodeIndex>> read_target(std::string_view target, bool each_word) const;
  std::vector<NodeIndex> read_word(std::string_view word) const;
  void read_pairs(const FaultRow& row, SeenFault& fault) const;
  void read_concerned(Time at, SeenFault& fault) const;

  const RunNodes nodes_;
  const std::vector<NodeIndex> servers_;
  std::vector<SeenFault> faults_;
};

}  // namespace twinbed::sim
