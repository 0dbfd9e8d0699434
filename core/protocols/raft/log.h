// The log in memory: the entries after the snapshot.
//
//      snapshot covers           entries_
//   [1 ........ base.index] [base.index + 1 ........ last_index]
#pragma once

#include <deque>
#include <optional>

#include "core/protocols/raft/types.h"

namespace twinbed::raft {

class Log {
 public:
  Log() = default;
  /// An empty log whose members are those of the configuration.
  explicit Log(Configuration initial) : base_configuration_(std::move(initial)) {}

  /// The last entry that the snapshot covers; index 0 where there is no snapshot.
  const LogPosition& base() const { return base_; }
  const Configuration& base_configuration() const { return base_configuration_; }
  Index last_index() const { return base_.index + entries_.size(); }
  Term last_term() const { return last().term; }
  LogPosition last() const { return position(last_index()); }

  /// The term of an entry, that of the snapshot's last one included; nothing where the log has no
  /// such entry, or no longer has it.
  std::optional<Term> term_at(Index index) const;
  /// Base <= index <= last_index.
  LogPosition position(Index index) const;
  /// Base < index <= last_index.
  const Entry& entry(Index index) const { return entries_[offset(index)].entry; }

  /// Whether a log that ends at (index, term) is at least as up to date as this one (§3.6.1).
  bool is_up_to_date(Index index, Term term) const;

  void append(Entry entry);
  /// Removes this entry and all after it; base < index.
  void truncate(Index index);
  /// Forgets all entries up to this one, which a snapshot covers; base <= index <= last_index.
  void compact(Index index);
  /// Forgets everything: a snapshot takes the place of the log.
  void reset(const LogPosition& base, Configuration configuration);

  /// The members: those of the last configuration in the log, whether committed or not (§4.1).
  const Configuration& configuration() const { return configuration_at(last_index()); }
  /// Those as of an entry that is still here, or of the base.
  const Configuration& configuration_at(Index index) const;
  /// Where the present configuration stands; the base's index where no entry has one.
  Index configuration_index() const;

 private:
  struct Stored {
    Entry entry;
    std::uint64_t prefix_hash = 0;
  };
  struct Change {
    Index index = 0;
    Configuration configuration;
  };
  std::size_t offset(Index index) const {
    return static_cast<std::size_t>(index - base_.index - 1);
  }

  LogPosition base_;
  Configuration base_configuration_;
  std::deque<Stored> entries_;
  std::deque<Change> changes_;  // configurations among the entries, in order
};

}  // namespace twinbed::raft
