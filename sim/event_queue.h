// The simulator's queue: pending events in the exact order of (time, sequence number).
//
//   schedule ─► slot (event, sequence, generation) and key (time, slot, generation)
//   cancel   ─► the slot is given back and its generation moves on; its key is dead
//   pop      ─► the first key of the index whose generation is still that of its slot
//
// Events lie in slots that never move and are used again, the most recently freed first. Dead keys
// are dropped when they come first, or all at once when they outnumber the living, so that a cancel
// costs O(1) amortised and timers that are set and cancelled for ever take no memory. How the keys
// are kept in order is told in event_queue_index.h. Once the pools have grown to the largest number
// of pending events, nothing is allocated.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <vector>

#include "core/base/check.h"
#include "core/base/time.h"
#include "sim/event_queue_index.h"

namespace twinbed::sim {

/// Names a scheduled event for as long as it is pending, and nothing afterwards: a handle that is
/// kept too long never names another event. Default-constructed it names none.
struct EventHandle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;

  bool operator==(const EventHandle&) const = default;
};

/// A queue of plain-data events. Equal times fire in the order in which they were scheduled.
template <class Event>
class EventQueue {
  static_assert(std::is_trivially_copyable_v<Event>, "events are plain data");

 public:
  /// Small events are handed over in registers.
  using Argument = std::conditional_t<sizeof(Event) <= 16, Event, const Event&>;

  /// An event that has come due.
  struct Popped {
    Time at{};
    std::uint64_t sequence = 0;  ///< how many events had been scheduled before this one
    Event event{};
  };

  /// Schedules an event; `at` is not before the start of the run and not before the last pop.
  EventHandle schedule(Time at, Argument event) {
    const std::int64_t at_ns = to_ns(at);
    TWINBED_CHECK(at_ns >= now_ns_, "an event was scheduled before the time already reached");
    const std::uint32_t index = take_slot();
    Slot& slot = slots_[index];
    slot.event = event;
    slot.sequence = scheduled_++;
    ++live_;
    keys_.insert({at_ns, index, slot.generation});
    return {index, slot.generation};
  }

  /// Forgets a pending event; false when it has fired or was cancelled already.
  bool cancel(EventHandle handle) {
    if (!pending(handle)) return false;
    give_back(handle.index);
    ++dead_;
    if (dead_ > live_ + kDeadAllowed) dead_ -= keys_.sweep(slots());
    return true;
  }

  bool pending(EventHandle handle) const {
    return handle.index < slots_.size() && slots_[handle.index].generation == handle.generation;
  }

  /// How many events are pending.
  std::size_t size() const { return live_; }
  bool empty() const { return live_ == 0; }
  /// How many events were ever scheduled: the sequence number of the next.
  std::uint64_t scheduled() const { return scheduled_; }
  /// How many keys were moved from list to list: the work done, for tests of its bounds.
  std::uint64_t work() const { return keys_.work(); }

  /// The time of the next event, kNever when there is none (or when it is due at kNever).
  Time next_time() { return find_next() ? time_from_ns(keys_.front().at_ns) : kNever; }

  /// Takes the next event out; false when there is none.
  bool pop(Popped& out) {
    if (!find_next()) return false;
    const EventKey& key = keys_.front();
    const Slot& slot = slots_[key.slot];
    now_ns_ = key.at_ns;
    out.at = time_from_ns(key.at_ns);
    out.sequence = slot.sequence;
    out.event = slot.event;
    give_back(key.slot);
    keys_.pop_front();
    return true;
  }

 private:
  static constexpr std::uint32_t kNoSlot = 0xffff'ffffU;
  static constexpr std::uint32_t kLastGeneration = 0xffff'ffffU;
  /// Sweeping a handful of keys costs more than leaving them.
  static constexpr std::size_t kDeadAllowed = 64;

  struct SlotFields {
    std::uint32_t generation;  ///< counts the events this slot has held, from 1; comes first
    std::uint32_t next_free;
    std::uint64_t sequence;
    Event event;
  };
  /// Aligned so that an event of up to 48 bytes lies within one cache line.
  struct alignas(std::min<std::size_t>(64, std::bit_ceil(sizeof(SlotFields)))) Slot : SlotFields {};

  std::uint32_t take_slot() {
    if (first_free_ == kNoSlot) [[unlikely]] add_slot();
    const std::uint32_t index = first_free_;
    first_free_ = slots_[index].next_free;
    return index;
  }

  /// Apart, so that the way without growth stays short.
  [[gnu::noinline]] void add_slot() {
    TWINBED_CHECK(slots_.size() < kNoSlot, "more events are pending than a queue can number");
    slots_.push_back(Slot{{1, kNoSlot, 0, Event{}}});
    first_free_ = static_cast<std::uint32_t>(slots_.size() - 1);
  }

  /// A slot whose generations are used up is never taken again, so that no old handle and no dead
  /// key can ever be mistaken for a current one.
  void give_back(std::uint32_t index) {
    Slot& slot = slots_[index];
    --live_;
    if (++slot.generation == kLastGeneration) [[unlikely]] return;
    slot.next_free = first_free_;
    first_free_ = index;
  }

  EventSlots slots() const {
    return {reinterpret_cast<const std::byte*>(slots_.data()), sizeof(Slot)};
  }
  bool alive(const EventKey& key) const { return slots_[key.slot].generation == key.generation; }

  /// Brings a living key to the front of the index; false when no event is pending.
  bool find_next() {
    for (;;) {
      if (keys_.front_empty() && !keys_.refill(slots(), dead_)) return false;
      if (alive(keys_.front())) [[likely]] return true;
      keys_.pop_front();
      --dead_;
    }
  }

  EventIndex keys_;
  std::vector<Slot> slots_;
  std::uint32_t first_free_ = kNoSlot;
  std::size_t live_ = 0;
  std::size_t dead_ = 0;
  std::uint64_t scheduled_ = 0;
  std::int64_t now_ns_ = 0;
};

}  // namespace twinbed::sim
