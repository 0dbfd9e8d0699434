#include "core/protocols/imagestore/copies.h"

#include <algorithm>

#include "core/protocols/imagestore/records.h"

namespace twinbed::imagestore {

void Copies::on_begin(Context& context, StreamId link, raft::ServerId from, raft::Term term,
                      const CopyBegin& begin) {
  const Key key{link, begin.transfer};
  Copy copy{0, begin.hash, from, term};
  if (is_stale(context, copy)) {
    answer(context, key, Outcome::kStaleTerm, "a later leader has been elected");
    return;
  }
  if (copies_.contains(key) || begin.size == 0 || begin.size > parts_.options.max_image_bytes) {
    answer(context, key, Outcome::kRefused, "the copy's size or number is not valid");
    return;
  }
  const std::optional<Slot> slot = parts_.blobs.begin(context, begin.hash, begin.size, term);
  if (!slot) {
    answer(context, key, Outcome::kBusy, "too many images wait to be stored");
    return;
  }
  copy.slot = *slot;
  copies_[key] = copy;
}

/// The fence: whoever led in an earlier term can have nothing stored any more.
bool Copies::is_stale(Context& context, const Copy& copy) {
  if (!parts_.options.fence || copy.term >= parts_.raft.term()) return false;
  context.recorder.event(kFencedEvent,
                         {{"from", static_cast<std::int64_t>(copy.from)},
                          {"term", static_cast<std::int64_t>(copy.term)},
                          {"own", static_cast<std::int64_t>(parts_.raft.term())}});
  return true;
}

void Copies::on_chunk(Context& context, StreamId link, const Chunk& chunk) {
  const auto at = copies_.find({link, chunk.transfer});
  if (at == copies_.end() || at->second.is_whole) return;
  if (parts_.blobs.append(context, at->second.slot, chunk.offset, chunk.data)) return;
  parts_.blobs.drop(context, at->second.slot);
  answer(context, at->first, Outcome::kRefused, "the pieces do not fit together");
  copies_.erase(at);
}

void Copies::on_end(Context& context, StreamId link, const End& end) {
  const auto at = copies_.find({link, end.transfer});
  if (at == copies_.end() || at->second.is_whole) return;
  Copy& copy = at->second;
  if (end.hash == copy.hash && parts_.blobs.finish(context, copy.slot)) {
    copy.is_whole = true;
    return;
  }
  parts_.blobs.drop(context, copy.slot);
  answer(context, at->first, Outcome::kRefused, "the bytes have another hash than was said");
  copies_.erase(at);
}

void Copies::on_abort(Context& context, StreamId link, const Abort& abort) {
  const auto at = copies_.find({link, abort.transfer});
  if (at == copies_.end()) return;
  if (at->second.is_staged) {
    parts_.blobs.abandon(context, at->second.hash);
  } else {
    parts_.blobs.drop(context, at->second.slot);
  }
  copies_.erase(at);
}

bool Copies::on_staged(Context& context, Slot slot, StorageStatus status) {
  const auto at = std::find_if(copies_.begin(), copies_.end(), [slot](const auto& entry) {
    return entry.second.slot == slot && entry.second.is_whole && !entry.second.is_staged;
  });
  if (at == copies_.end()) return false;
  if (status != StorageStatus::kOk) {
    answer(context, at->first, Outcome::kStorage,
           status == StorageStatus::kNoSpace ? "its disk is full" : "its disk does not take it");
    copies_.erase(at);
  } else if (is_stale(context, at->second)) {
    // A later leader came while the disk was at work. Nobody was told that the copy is here.
    parts_.blobs.abandon(context, at->second.hash);
    answer(context, at->first, Outcome::kStaleTerm, "a later leader has been elected");
    copies_.erase(at);
  } else {
    at->second.is_staged = true;
    answer(context, at->first, Outcome::kOk, "");
  }
  return true;
}

void Copies::on_pending(Context& context, raft::Term term, const Pending& pending) {
  if (term != parts_.raft.term()) return;
  given_up_at_ = pending.commit;
  given_up_.clear();
  for (const Digest& hash : parts_.blobs.staged(term)) {
    const auto& kept = pending.hashes;
    if (std::find(kept.begin(), kept.end(), hash) == kept.end()) given_up_.push_back(hash);
  }
  drop_given_up(context);
}

/// Whatever of these is committed has its name by now, so that only the others are staged.
void Copies::drop_given_up(Context& context) {
  if (given_up_.empty() || parts_.raft.applied_index() < given_up_at_) return;
  for (const Digest& hash : given_up_) parts_.blobs.abandon(context, hash);
  given_up_.clear();
}

void Copies::on_applied(Context& context, const Digest& hash) {
  std::erase_if(copies_, [&](const auto& entry) {
    return entry.second.is_staged && entry.second.hash == hash;
  });
  drop_given_up(context);
}

void Copies::on_link_closed(Context& context, StreamId link) {
  for (auto at = copies_.begin(); at != copies_.end();) {
    if (at->first.first != link) {
      ++at;
      continue;
    }
    // A copy that is staged stays: the leader may count on it.
    if (!at->second.is_staged) parts_.blobs.drop(context, at->second.slot);
    at = copies_.erase(at);
  }
}

void Copies::answer(Context& context, const Key& key, Outcome outcome, std::string text) {
  parts_.send(context, key.first, CopyResult{key.second, outcome, std::move(text)});
}

}  // namespace twinbed::imagestore
