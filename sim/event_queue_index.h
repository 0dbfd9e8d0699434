// The order of pending events: a trie over the 64 bits of a time, its first events sorted.
//
//   front   the next events, sorted: at most kFrontLimit keys in one array
//   trie    everything at or after front_end: nodes of 64 buckets, one for each value of six bits
//           of the time. A bucket is a list of keys in the order of their scheduling, or, once it
//           came first and held too many keys, a node one level further down.
//
//   level 10 [ 0 | 1 | ... ]          2^60 ns a bucket
//              `-> level 9 ...        the path to the front is opened, and no more than the path
//                     `-> level k [ ...|front| keys | keys | node | ... ]
//
// A key moves down at most once a level, and only when its bucket comes first. That touches 16-byte
// keys in sequence and never the events, which may lie far apart in memory; the events are fetched
// ahead of their use when their keys reach the front. Every step keeps keys of equal time in the
// order of their scheduling, so that no sequence number is compared. A bucket of level 0 holds one
// nanosecond: it is in order already and is served in pieces, however long.
//
// Events may be scheduled before the front, after somebody has looked at the time of a far event.
// They join it; and when it grows too large, for this or another reason, it goes back to the trie.
// Nodes opened for the far events stay where they are, so that those need not move again.
//
// The idea is the hierarchical timing wheel (Varghese and Lauck, SOSP 1987) crossed with the lazily
// sorted buckets of the ladder queue (Tang, Goh and Thng, ACM TOMACS 2005).
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace twinbed::sim {

/// A pending event as the index sees it: when, and where its slot is. The slot's generation tells
/// whether the key is still current; keys of cancelled events stay until they are met or swept.
/// It is handed over by value: in two registers rather than through memory.
struct EventKey {
  std::int64_t at_ns;
  std::uint32_t slot;
  std::uint32_t generation;
};

/// Where the slots lie: an array of this stride, every slot with its generation at its start.
struct EventSlots {
  const std::byte* first;
  std::size_t stride;

  const std::byte* at(std::uint32_t slot) const { return first + slot * stride; }
  bool holds(const EventKey& key) const {
    return *reinterpret_cast<const std::uint32_t*>(at(key.slot)) == key.generation;
  }
};

/// Keys in the order of their times and, at equal times, of their insertion. No time is negative.
class EventIndex {
 public:
  EventIndex();
  EventIndex(const EventIndex&) = delete;
  EventIndex& operator=(const EventIndex&) = delete;

  /// Adds a key; times before the first key are welcome.
  void insert(EventKey key) {
    if (static_cast<std::uint64_t>(key.at_ns) < front_end_) {
      insert_into_front(key);
    } else {
      insert_into_trie(key);
    }
  }

  /// No key is at hand: refill() before front() and pop_front().
  bool front_empty() const { return head_ == tail_; }
  const EventKey& front() const { return front_[head_]; }
  void pop_front() { ++head_; }

  /// Brings the next keys to the front, which must be empty; false when there are none at all.
  /// Asks the processor to fetch their slots. Where `dead` is not zero, drops the dead keys it
  /// meets and counts `dead` down.
  bool refill(const EventSlots& slots, std::size_t& dead);

  /// Drops every dead key; returns how many there were.
  std::size_t sweep(const EventSlots& slots);

  /// How many keys were moved from list to list so far, for tests of the bounds of this work.
  std::uint64_t work() const { return work_; }

 private:
  static constexpr int kDigitBits = 6;
  static constexpr std::size_t kFanout = std::size_t{1} << kDigitBits;
  static constexpr int kTopLevel = 10;
  static constexpr std::uint32_t kChunkKeys = 16;
  /// A first bucket with more keys than this is split rather than sorted.
  static constexpr std::uint32_t kFrontFill = 32;
  /// A front that would outgrow this goes back to the trie, to be split finer.
  static constexpr std::uint32_t kFrontLimit = 48;
  static constexpr std::uint32_t kFrontArray = 2 * kFrontLimit;
  static constexpr std::uint32_t kIsNode = 0xffff'ffffU;

  struct Chunk {
    std::array<EventKey, kChunkKeys> keys;
    Chunk* next;
  };
  struct Node;
  /// A list of chunks, its keys at the positions begin .. end - 1; or a node when end is kIsNode.
  struct Bucket {
    union {
      Chunk* first;
      Node* child;
    };
    Chunk* last;
    std::uint32_t begin;
    std::uint32_t end;

    std::uint32_t size() const { return end - begin; }
    bool is_node() const { return end == kIsNode; }
  };
  struct Node {
    std::uint64_t occupied;  ///< one bit a bucket that holds keys or is a node
    std::array<Bucket, kFanout> buckets;
  };

  /// The level at which a time leaves the path to the front, at least that of the path's last node.
  int level_of(std::uint64_t at) const {
    const std::uint64_t difference = (at ^ base_) | (std::uint64_t{1} << (kDigitBits * low_));
    return (63 - std::countl_zero(difference)) / kDigitBits;
  }
  static std::size_t digit_of(std::uint64_t at, int level) {
    return (at >> (kDigitBits * level)) & (kFanout - 1);
  }
  static std::size_t digit_of(EventKey key, int level) {
    return digit_of(static_cast<std::uint64_t>(key.at_ns), level);
  }

  void insert_into_front(EventKey key);
  void insert_into_trie(EventKey key);
  bool make_room_in_front(EventKey key);
  void append(Bucket& bucket, EventKey key);
  void append(Node& node, EventKey key, int level) {
    const std::size_t digit = digit_of(key, level);
    node.occupied |= std::uint64_t{1} << digit;
    append(node.buckets[digit], key);
  }
  void put_front_back();
  void prepend(Bucket& bucket, std::span<const EventKey> keys);
  void set_base_digit(std::size_t digit);
  void leave_node();
  void split_bucket(Bucket& bucket);
  void take_buckets();
  void open_front(std::size_t digit, std::uint32_t count);
  bool settle_front(const EventSlots& slots, std::size_t& dead);
  void take_bucket(const Bucket& bucket, EventKey* target);
  void take_chunk(Bucket& bucket);
  std::span<EventKey> front_keys() { return std::span(front_).subspan(head_, tail_ - head_); }
  void sort_front();

  Chunk* new_chunk();
  void free_chunk(Chunk* chunk);
  Node* new_node();
  void grow_chunks();

  static std::size_t sweep_keys(std::span<EventKey> keys, const EventSlots& slots);
  std::size_t sweep_node(Node& node, const EventSlots& slots);
  std::size_t sweep_bucket(Bucket& bucket, const EventSlots& slots);

  std::uint64_t work_ = 0;
  std::uint32_t head_ = 0;  ///< the front is front_[head_ .. tail_ - 1]
  std::uint32_t tail_ = 0;
  /// Every key before this time is in the front. Keys at this very time may be at its end too: a
  /// bucket of level 0 is taken in pieces while new keys are appended to its rest.
  std::uint64_t front_end_ = 0;
  std::uint64_t base_ = 0;  ///< where the path leads: the start of the last bucket taken
  int low_ = kTopLevel;     ///< the level of the path's last node
  std::array<Node*, kTopLevel + 1> path_{};
  Chunk* free_chunks_ = nullptr;
  std::array<EventKey, kFrontArray> front_{};
  std::vector<std::unique_ptr<Chunk[]>> chunk_blocks_;
  std::size_t next_block_chunks_ = 64;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<Node*> free_nodes_;
};

inline void EventIndex::append(Bucket& bucket, EventKey key) {
  const std::uint32_t place = bucket.end % kChunkKeys;
  if (place == 0) {
    Chunk* chunk = new_chunk();
    (bucket.end == 0 ? bucket.first : bucket.last->next) = chunk;
    bucket.last = chunk;
  }
  bucket.last->keys[place] = key;
  ++bucket.end;
}

inline void EventIndex::insert_into_trie(EventKey key) {
  const auto at = static_cast<std::uint64_t>(key.at_ns);
  int level = level_of(at);
  Node* node = path_[static_cast<std::size_t>(level)];
  while (node->buckets[digit_of(at, level)].is_node()) [[unlikely]] {
    node = node->buckets[digit_of(at, level--)].child;
  }
  append(*node, key, level);
}

inline void EventIndex::insert_into_front(EventKey key) {
  if (tail_ == kFrontArray || tail_ - head_ == kFrontLimit) [[unlikely]] {
    if (!make_room_in_front(key)) return;
  }
  std::uint32_t place = tail_++;
  for (; place > head_ && front_[place - 1].at_ns > key.at_ns; --place) {
    front_[place] = front_[place - 1];
  }
  front_[place] = key;
}

inline EventIndex::Chunk* EventIndex::new_chunk() {
  if (free_chunks_ == nullptr) [[unlikely]] grow_chunks();
  Chunk* chunk = free_chunks_;
  free_chunks_ = chunk->next;
  chunk->next = nullptr;
  return chunk;
}

inline void EventIndex::free_chunk(Chunk* chunk) {
  chunk->next = free_chunks_;
  free_chunks_ = chunk;
}

}  // namespace twinbed::sim
