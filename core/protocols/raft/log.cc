#include "core/protocols/raft/log.h"

#include "core/base/check.h"
#include "core/base/hash.h"

namespace twinbed::raft {

std::optional<Term> Log::term_at(Index index) const {
  if (index < base_.index || index > last_index()) return std::nullopt;
  return position(index).term;
}

LogPosition Log::position(Index index) const {
  if (index == base_.index) return base_;
  TWINBED_CHECK(index > base_.index && index <= last_index(), "the log has no such entry");
  const Stored& stored = entries_[offset(index)];
  return {index, stored.entry.term, stored.prefix_hash};
}

bool Log::is_up_to_date(Index index, Term term) const {
  return term > last_term() || (term == last_term() && index >= last_index());
}

void Log::append(Entry entry) {
  std::uint64_t hash = hash_combine(last().prefix_hash, entry.term);
  hash = hash_combine(hash, hash_bytes(entry.data, static_cast<std::uint64_t>(entry.kind)));
  if (entry.kind == EntryKind::kConfiguration) {
    Change change{last_index() + 1, {}};
    TWINBED_CHECK(decode(entry.data, change.configuration), "the entry holds no configuration");
    changes_.push_back(std::move(change));
  }
  entries_.push_back({std::move(entry), hash});
}

void Log::truncate(Index index) {
  TWINBED_CHECK(index > base_.index, "what the snapshot covers cannot be removed");
  while (last_index() >= index) entries_.pop_back();
  while (!changes_.empty() && changes_.back().index >= index) changes_.pop_back();
}

void Log::compact(Index index) {
  const LogPosition base = position(index);
  base_configuration_ = configuration_at(index);
  while (!changes_.empty() && changes_.front().index <= index) changes_.pop_front();
  entries_.erase(entries_.begin(),
                 entries_.begin() + static_cast<std::ptrdiff_t>(index - base_.index));
  base_ = base;
}

void Log::reset(const LogPosition& base, Configuration configuration) {
  entries_.clear();
  changes_.clear();
  base_ = base;
  base_configuration_ = std::move(configuration);
}

const Configuration& Log::configuration_at(Index index) const {
  for (auto change = changes_.rbegin(); change != changes_.rend(); ++change) {
    if (change->index <= index) return change->configuration;
  }
  return base_configuration_;
}

Index Log::configuration_index() const {
  return changes_.empty() ? base_.index : changes_.back().index;
}

}  // namespace twinbed::raft
