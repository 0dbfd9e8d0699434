#include "core/protocols/imagestore/repair.h"

#include <algorithm>

#include "core/protocols/imagestore/records.h"

namespace twinbed::imagestore {
namespace {

/// Between two rounds through all sources.
constexpr Duration kRoundPause = std::chrono::seconds(1);
/// Without a piece for so long, another source is asked.
constexpr Duration kPatience = std::chrono::seconds(3);

}  // namespace

bool Repair::on_missing(const Digest& hash) {
  const bool is_known = (fetch_ && fetch_->hash == hash) ||
                        std::find(queue_.begin(), queue_.end(), hash) != queue_.end();
  if (!is_known) queue_.push_back(hash);
  return !is_known;
}

void Repair::tick(Context& context) {
  if (parts_.options.shared_storage) {
    look_again(context);
    return;
  }
  if (fetch_ && context.now - fetch_->progress > kPatience) ask_next(context);
  // Most of what waits may have come by itself.
  while (!fetch_ && !queue_.empty() && context.now >= not_before_) start(context);
}

void Repair::look_again(Context& context) {
  if (context.now < not_before_) return;
  not_before_ = context.now + kRoundPause;
  std::erase_if(queue_, [this](const Digest& hash) { return parts_.blobs.holds(hash); });
  for (const Digest& hash : queue_) {
    const Image* image = parts_.catalogue.find(hash);
    if (image != nullptr && parts_.blobs.lacks(hash)) parts_.blobs.check(context, *image);
  }
}

void Repair::start(Context& context) {
  const Digest hash = queue_.front();
  queue_.pop_front();
  const Image* image = parts_.catalogue.find(hash);
  if (image == nullptr || parts_.blobs.holds(hash)) return;
  fetch_ = Fetch{hash, sources_of(*image), {}, 0, {}, context.now};
  ask_next(context);
}

/// First those who had the image when it was accepted, the leader before the others.
std::vector<raft::ServerId> Repair::sources_of(const Image& image) const {
  std::vector<raft::ServerId> sources;
  for (const election::Peer& peer : parts_.options.peers) {
    if (peer.id != parts_.options.id) sources.push_back(peer.id);
  }
  const auto is_holder = [&](raft::ServerId id) {
    return std::find(image.holders.begin(), image.holders.end(), id) != image.holders.end();
  };
  const auto rank = [&](raft::ServerId id) {
    return (is_holder(id) ? 2 : 0) + (id == parts_.raft.leader() ? 1 : 0);
  };
  std::stable_sort(sources.begin(), sources.end(),
                   [&](raft::ServerId a, raft::ServerId b) { return rank(a) > rank(b); });
  return sources;
}

void Repair::ask_next(Context& context) {
  drop_slot(context);
  fetch_->link.reset();
  fetch_->progress = context.now;
  while (!fetch_->sources.empty()) {
    const raft::ServerId source = fetch_->sources.front();
    fetch_->sources.erase(fetch_->sources.begin());
    fetch_->link = parts_.links.to(source, Lane::kBytes);
    if (!fetch_->link) continue;
    fetch_->transfer = next_transfer_++;
    const std::string hash = to_hex(fetch_->hash);
    context.recorder.event(kRepairEvent, {{"hash", std::string_view(hash)},
                                          {"from", static_cast<std::int64_t>(source)}});
    parts_.send(context, *fetch_->link, Get{fetch_->transfer, "", fetch_->hash, false});
    return;
  }
  queue_.push_back(fetch_->hash);
  fetch_.reset();
  not_before_ = context.now + kRoundPause;
}

bool Repair::is_from(StreamId link, TransferId transfer) const {
  return fetch_ && fetch_->link == link && fetch_->transfer == transfer;
}

void Repair::on_get_result(Context& context, StreamId link, const GetResult& result) {
  if (!is_from(link, result.transfer) || fetch_->slot) return;
  fetch_->progress = context.now;
  if (result.outcome == Outcome::kOk && result.hash == fetch_->hash &&
      result.size <= parts_.options.max_image_bytes) {
    // Not staged for a term: what it is wanted for is committed.
    fetch_->slot = parts_.blobs.begin(context, result.hash, result.size, parts_.raft.term());
  }
  if (!fetch_->slot) ask_next(context);
}

void Repair::on_chunk(Context& context, StreamId link, const Chunk& chunk) {
  if (!is_from(link, chunk.transfer) || !fetch_->slot) return;
  fetch_->progress = context.now;
  if (!parts_.blobs.append(context, *fetch_->slot, chunk.offset, chunk.data)) ask_next(context);
}

void Repair::on_end(Context& context, StreamId link, const End& end) {
  if (!is_from(link, end.transfer) || !fetch_->slot) return;
  fetch_->progress = context.now;
  if (!parts_.blobs.finish(context, *fetch_->slot)) ask_next(context);
}

void Repair::on_abort(Context& context, StreamId link, const Abort& abort) {
  if (is_from(link, abort.transfer)) ask_next(context);
}

bool Repair::on_staged(Context& context, Slot slot, StorageStatus status) {
  if (!fetch_ || fetch_->slot != slot) return false;
  fetch_->slot.reset();
  if (status == StorageStatus::kOk) {
    fetch_.reset();  // the store has given it its name
    tick(context);
  } else {
    fetch_->sources.clear();  // another source would not help a full disk
    ask_next(context);
  }
  return true;
}

void Repair::on_link_closed(Context& context, StreamId link) {
  if (fetch_ && fetch_->link == link) ask_next(context);
}

void Repair::drop_slot(Context& context) {
  if (!fetch_->slot) return;
  const Slot slot = *fetch_->slot;
  fetch_->slot.reset();
  parts_.blobs.drop(context, slot);
}

}  // namespace twinbed::imagestore
