#include "sim/payload_pool.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
namespace twinbed::sim {

std::uint32_t PayloadPool::take_slot(std::size_t size) {
  TWINBED_CHECK(size < std::numeric_limits<std::uint32_t>::max() / 2, "a payload is at most 2 GiB");
  const auto size_class =
      static_cast<std::uint8_t>(std::bit_width(std::max<std::size_t>(size, 64) - 1));
  std::uint32_t slot = free_[size_class];
  if (slot != 0) {
    free_[size_class] = slots_[slot].next_free;
  } else {
    slot = static_cast<std::uint32_t>(slots_.size());
    slots_.emplace_back();
    slots_[slot].size_class = size_class;
    slots_[slot].data = std::make_unique_for_overwrite<std::byte[]>(std::size_t{1} << size_class);
  }
  slots_[slot].size = static_cast<std::uint32_t>(size);
  slots_[slot].references = 1;
  ++in_use_;
  return slot;
}

PayloadId PayloadPool::make(Bytes bytes) {
  if (bytes.empty()) return kNoPayload;
  const std::uint32_t slot = take_slot(bytes.size());
  slots_[slot].hash = copy_and_hash(bytes, slots_[slot].data.get());
  slots_[slot].is_hashed = true;
  return PayloadId{slot};
}

PayloadId PayloadPool::make_unhashed(Bytes bytes) {
  if (bytes.empty()) return kNoPayload;
  const std::uint32_t slot = take_slot(bytes.size());
  std::memcpy(slots_[slot].data.get(), bytes.data(), bytes.size());
  slots_[slot].is_hashed = false;
  return PayloadId{slot};
}

PayloadId PayloadPool::make_corrupted(PayloadId id, std::uint64_t bit) {
  const std::size_t size = slots_[index(id)].size;
  if (size == 0) return kNoPayload;
  const std::uint32_t slot = take_slot(size);
  Slot& copy = slots_[slot];
  std::memcpy(copy.data.get(), slots_[index(id)].data.get(), size);
  copy.data[bit / 8 % size] ^= std::byte{1} << (bit % 8);
  copy.hash = hash_bytes({copy.data.get(), size});
  copy.is_hashed = true;
  return PayloadId{slot};
}

}  // namespace twinbed::sim
