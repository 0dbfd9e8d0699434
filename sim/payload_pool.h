// Pooled, reference-counted byte strings: the payloads of packets and commands.
//
// A payload is written once and then only read, so that a packet that is duplicated, queued or
// retransmitted shares it. Released slots keep their memory and are found again by size class:
// nothing is allocated once the pool has grown to the run's needs.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/check.h"
#include "core/base/hash.h"

namespace twinbed::sim {

enum class PayloadId : std::uint32_t {};
inline constexpr PayloadId kNoPayload{0};

class PayloadPool {
 public:
  PayloadPool() : slots_(1) {}

  /// A copy of the bytes with one reference; kNoPayload for no bytes.
  PayloadId make(Bytes bytes);
  /// The same for bytes whose hash may never be asked for: it is reckoned when it is, each time.
  PayloadId make_unhashed(Bytes bytes) {
    if (bytes.empty()) return kNoPayload;
    const std::uint32_t number = take_slot(bytes.size());
    Slot& slot = slots_[number];
    slot.is_hashed = false;
    std::memcpy(slot.data.get(), bytes.data(), bytes.size());
    return PayloadId{number};
  }
  /// The same with one bit inverted, counted from the first byte's lowest bit.
  PayloadId make_corrupted(PayloadId id, std::uint64_t bit);

  void retain(PayloadId id) { ++slots_[index(id)].references; }
  void release(PayloadId id) {
    if (id == kNoPayload) return;
    Slot& slot = slots_[index(id)];
    TWINBED_CHECK(slot.references > 0, "a payload was released more often than it was retained");
    if (--slot.references > 0) return;
    slot.next_free = free_[slot.size_class];
    free_[slot.size_class] = static_cast<std::uint32_t>(index(id));
    --in_use_;
  }

  /// Valid until the payload is released or another one is made.
  Bytes view(PayloadId id) const { return {slots_[index(id)].data.get(), slots_[index(id)].size}; }
  /// The hash of the bytes.
  std::uint64_t hash(PayloadId id) const {
    const Slot& slot = slots_[index(id)];
    return slot.is_hashed ? slot.hash : hash_bytes({slot.data.get(), slot.size});
  }
  /// Payloads in use; zero when everything was released.
  std::size_t in_use() const { return in_use_; }

 private:
  /// Bytes that begin with a line of the processor's cache are copied and hashed fastest.
  static constexpr std::align_val_t kAlignment{64};
  struct Free {
    void operator()(std::byte* data) const { ::operator delete[](data, kAlignment); }
  };
  struct Slot {
    std::unique_ptr<std::byte[], Free> data;
    std::uint32_t size = 0;
    std::uint32_t references = 0;
    std::uint64_t hash = 0;
    std::uint32_t next_free = 0;
    std::uint8_t size_class = 0;
    bool is_hashed = true;
  };
  static std::size_t index(PayloadId id) { return static_cast<std::size_t>(id); }
  /// With one reference.
  std::uint32_t take_slot(std::size_t size) {
    const auto size_class =
        static_cast<std::size_t>(std::bit_width(std::max<std::size_t>(size, 64) - 1));
    if (size_class >= free_.size() || free_[size_class] == 0) [[unlikely]] add_slot(size_class);
    const std::uint32_t number = free_[size_class];
    Slot& slot = slots_[number];
    free_[size_class] = slot.next_free;
    slot.size = static_cast<std::uint32_t>(size);
    slot.references = 1;
    ++in_use_;
    return number;
  }
  void add_slot(std::size_t size_class);

  std::vector<Slot> slots_;  // slot 0 is kNoPayload: empty and never released
  std::array<std::uint32_t, 32> free_{};  // by size class; 0 ends each list
  std::size_t in_use_ = 0;
};

/// One reference to a payload, released when it goes out of scope.
class PayloadHold {
 public:
  PayloadHold(PayloadPool& pool, PayloadId id) : pool_(pool), id_(id) { pool_.retain(id_); }
  ~PayloadHold() { pool_.release(id_); }
  PayloadHold(const PayloadHold&) = delete;
  PayloadHold& operator=(const PayloadHold&) = delete;

 private:
  PayloadPool& pool_;
  PayloadId id_;
};

}  // namespace twinbed::sim
