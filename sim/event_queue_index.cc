#include "sim/event_queue_index.h"

#include <algorithm>

namespace twinbed::sim {

EventIndex::EventIndex() { path_[kTopLevel] = new_node(); }

bool EventIndex::refill(const EventSlots& slots, std::size_t& dead) {
  for (;;) {
    Node& node = *path_[static_cast<std::size_t>(low_)];
    if (node.occupied == 0) {
      if (low_ == kTopLevel) return false;
      leave_node();
      continue;
    }
    const auto digit = static_cast<std::size_t>(std::countr_zero(node.occupied));
    Bucket& bucket = node.buckets[digit];
    set_base_digit(digit);
    if (bucket.is_node()) {
      path_[static_cast<std::size_t>(--low_)] = bucket.child;
      continue;
    }
    if (bucket.size() <= kFrontFill) {
      take_buckets();
    } else if (low_ == 0) {
      take_chunk(bucket);
    } else {
      split_bucket(bucket);
    }
    if (settle_front(slots, dead)) return true;
  }
}

/// Has the slots of the keys just taken fetched, drops the dead ones and sorts the others; false
/// when none is left.
bool EventIndex::settle_front(const EventSlots& slots, std::size_t& dead) {
  if (front_empty()) return false;
  for (const EventKey& key : front_keys()) __builtin_prefetch(slots.at(key.slot), 1);
  if (dead > 0) {
    const std::size_t met = sweep_keys(front_keys(), slots);
    tail_ -= static_cast<std::uint32_t>(met);
    dead -= met;
  }
  sort_front();
  return !front_empty();
}

/// Moves the base to a bucket of the path's last node, all digits below zero.
void EventIndex::set_base_digit(std::size_t digit) {
  const int shift = kDigitBits * low_;
  base_ = (((base_ >> shift) & ~std::uint64_t{kFanout - 1}) | digit) << shift;
}

/// Gives the path's last node back, which is empty, and goes one level up.
void EventIndex::leave_node() {
  free_nodes_.push_back(path_[static_cast<std::size_t>(low_)]);
  ++low_;
  Node& parent = *path_[static_cast<std::size_t>(low_)];
  const std::size_t digit = digit_of(base_, low_);
  parent.buckets[digit] = Bucket{};
  parent.occupied &= ~(std::uint64_t{1} << digit);
}

/// Spreads the keys of a bucket of the path's last node over a new node, now the path's last.
void EventIndex::split_bucket(Bucket& bucket) {
  Chunk* chunk = bucket.first;
  std::uint32_t left = bucket.size();
  work_ += left;
  Node* child = new_node();
  bucket.child = child;
  bucket.end = kIsNode;
  path_[static_cast<std::size_t>(--low_)] = child;
  while (left > 0) {
    Chunk* next = chunk->next;
    __builtin_prefetch(next);
    const std::uint32_t count = std::min(left, kChunkKeys);
    for (std::uint32_t i = 0; i < count; ++i) append(*child, chunk->keys[i], low_);
    left -= count;
    free_chunk(chunk);
    chunk = next;
  }
}

/// The front now holds so many keys: all up to and including this digit of the path's last node.
void EventIndex::open_front(std::size_t digit, std::uint32_t count) {
  set_base_digit(digit);
  front_end_ = base_ + (std::uint64_t{1} << (kDigitBits * low_));
  head_ = 0;
  tail_ = count;
}

/// Takes the first bucket and its next neighbours whole, as far as they fit.
void EventIndex::take_buckets() {
  Node& node = *path_[static_cast<std::size_t>(low_)];
  std::uint64_t occupied = node.occupied;
  std::size_t digit = 0;
  std::uint32_t taken = 0;
  do {
    const auto next = static_cast<std::size_t>(std::countr_zero(occupied));
    Bucket& bucket = node.buckets[next];
    if (bucket.is_node() || taken + bucket.size() > kFrontFill) break;
    digit = next;
    take_bucket(bucket, front_.data() + taken);
    taken += bucket.size();
    bucket.begin = bucket.end = 0;
    occupied &= occupied - 1;
  } while (occupied != 0);
  node.occupied = occupied;
  work_ += taken;
  open_front(digit, taken);
}

/// Copies a bucket's keys and frees its chunks. Most buckets hold one key or two: copying four at
/// once spares a branch that no processor could predict; the target has room past its last key.
void EventIndex::take_bucket(const Bucket& bucket, EventKey* target) {
  constexpr std::uint32_t kAtOnce = 4;
  static_assert(kFrontFill + kChunkKeys <= kFrontArray && kChunkKeys % kAtOnce == 0);
  Chunk* chunk = bucket.first;
  if (bucket.begin == 0 && bucket.end <= kAtOnce) [[likely]] {
    std::copy_n(chunk->keys.begin(), kAtOnce, target);
    free_chunk(chunk);
    return;
  }
  for (std::uint32_t i = bucket.begin; i < bucket.end;) {
    const std::uint32_t place = i % kChunkKeys;
    const std::uint32_t count = std::min(kChunkKeys - place, bucket.end - i);
    target = std::copy_n(chunk->keys.begin() + place, count, target);
    i += count;
    Chunk* next = chunk->next;
    free_chunk(chunk);
    chunk = next;
  }
}

/// Takes the first chunk of a long bucket of level 0; new keys of that time go to the bucket's end.
void EventIndex::take_chunk(Bucket& bucket) {
  Chunk* chunk = bucket.first;
  head_ = 0;
  tail_ = kChunkKeys - bucket.begin;
  std::copy(chunk->keys.begin() + bucket.begin, chunk->keys.end(), front_.begin());
  bucket.first = chunk->next;
  bucket.begin = 0;
  bucket.end -= kChunkKeys;
  free_chunk(chunk);
  front_end_ = base_;
  work_ += tail_;
}

/// Insertion sort: stable, and the keys come almost sorted where several buckets were taken.
void EventIndex::sort_front() {
  EventKey* const first = front_.data() + head_;
  EventKey* const end = front_.data() + tail_;
  for (EventKey* next = first + 1; next < end; ++next) {
    if (next[-1].at_ns <= next->at_ns) continue;
    const EventKey key = *next;
    EventKey* place = next;
    do {
      *place = place[-1];
      --place;
    } while (place > first && place[-1].at_ns > key.at_ns);
    *place = key;
  }
}

/// Moves the front to the start of its array; or, when it holds too many keys, puts them and the
/// new key into the trie and returns false.
bool EventIndex::make_room_in_front(EventKey key) {
  if (tail_ - head_ == kFrontLimit) {
    put_front_back();
    insert_into_trie(key);
    return false;
  }
  std::copy(front_.begin() + head_, front_.begin() + tail_, front_.begin());
  tail_ -= head_;
  head_ = 0;
  return true;
}

/// Returns the front to the trie and the path to its root, so that the next refill starts anew.
void EventIndex::put_front_back() {
  work_ += tail_ - head_;
  std::uint32_t end = tail_;
  while (end > head_ && static_cast<std::uint64_t>(front_[end - 1].at_ns) >= front_end_) --end;
  if (end < tail_) {
    Node& node = *path_[0];
    const std::size_t digit = digit_of(base_, 0);
    node.occupied |= std::uint64_t{1} << digit;
    prepend(node.buckets[digit], std::span(front_).subspan(end, tail_ - end));
  }
  low_ = kTopLevel;
  front_end_ = 0;
  for (std::uint32_t i = head_; i < end; ++i) insert_into_trie(front_[i]);
  head_ = tail_ = 0;
}

/// Puts at most a chunk of keys before those of a bucket whose first chunk starts at its begin.
void EventIndex::prepend(Bucket& bucket, std::span<const EventKey> keys) {
  Chunk* chunk = new_chunk();
  const auto begin = kChunkKeys - static_cast<std::uint32_t>(keys.size());
  std::copy(keys.begin(), keys.end(), chunk->keys.begin() + begin);
  if (bucket.end == 0) {
    bucket.last = chunk;
  } else {
    chunk->next = bucket.first;
  }
  bucket.first = chunk;
  bucket.begin = begin;
  bucket.end += kChunkKeys;
}

std::size_t EventIndex::sweep(const EventSlots& slots) {
  const std::size_t met = sweep_keys(front_keys(), slots);
  tail_ -= static_cast<std::uint32_t>(met);
  return met + sweep_node(*path_[kTopLevel], slots);
}

/// Moves the keys that stay to the start, without branches that depend on chance.
std::size_t EventIndex::sweep_keys(std::span<EventKey> keys, const EventSlots& slots) {
  std::size_t kept = 0;
  for (const EventKey& key : keys) {
    const bool stays = slots.holds(key);
    keys[kept] = key;
    kept += stays;
  }
  return keys.size() - kept;
}

/// A node that loses its last key stays until refill() finds it empty.
std::size_t EventIndex::sweep_node(Node& node, const EventSlots& slots) {
  std::size_t dropped = 0;
  for (std::uint64_t left = node.occupied; left != 0; left &= left - 1) {
    Bucket& bucket = node.buckets[static_cast<std::size_t>(std::countr_zero(left))];
    if (bucket.is_node()) {
      dropped += sweep_node(*bucket.child, slots);
    } else {
      dropped += sweep_bucket(bucket, slots);
      if (bucket.end == 0) node.occupied &= ~(left & -left);
    }
  }
  return dropped;
}

/// Sweeps a lone chunk in its place. Builds a longer bucket anew from the keys that stay; each
/// chunk is free before the next is needed.
std::size_t EventIndex::sweep_bucket(Bucket& bucket, const EventSlots& slots) {
  const Bucket old = bucket;
  work_ += old.size();
  if (old.end <= kChunkKeys) {
    const std::size_t met =
        sweep_keys(std::span(old.first->keys).subspan(old.begin, old.size()), slots);
    bucket.end -= static_cast<std::uint32_t>(met);
    if (met == old.size()) {
      free_chunk(old.first);
      bucket.begin = bucket.end = 0;
    }
    return met;
  }
  bucket = Bucket{};
  Chunk* chunk = old.first;
  for (std::uint32_t begin = old.begin; begin < old.end;) {
    const std::uint32_t place = begin % kChunkKeys;
    const std::uint32_t count = std::min(kChunkKeys - place, old.end - begin);
    std::array<EventKey, kChunkKeys> keys = chunk->keys;
    Chunk* next = chunk->next;
    free_chunk(chunk);
    const std::span<EventKey> taken = std::span(keys).subspan(place, count);
    const std::size_t kept = count - sweep_keys(taken, slots);
    for (std::size_t i = 0; i < kept; ++i) append(bucket, taken[i]);
    begin += count;
    chunk = next;
  }
  return old.size() - bucket.size();
}

void EventIndex::grow_chunks() {
  const std::size_t count = next_block_chunks_;
  next_block_chunks_ = std::min<std::size_t>(2 * count, 4096);
  Chunk* block = chunk_blocks_.emplace_back(std::make_unique_for_overwrite<Chunk[]>(count)).get();
  for (std::size_t i = count; i-- > 0;) free_chunk(block + i);
}

EventIndex::Node* EventIndex::new_node() {
  if (free_nodes_.empty()) {
    Node* node = nodes_.emplace_back(std::make_unique<Node>()).get();
    free_nodes_.reserve(nodes_.size());
    return node;
  }
  Node* node = free_nodes_.back();
  free_nodes_.pop_back();
  return node;
}

}  // namespace twinbed::sim
