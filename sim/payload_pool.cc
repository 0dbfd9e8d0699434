#include "sim/payload_pool.h"

#include <cstring>

namespace twinbed::sim {

/// The first of its free list. Apart, so that the way without growth stays short.
void PayloadPool::add_slot(std::size_t size_class) {
  TWINBED_CHECK(size_class < free_.size(), "a payload is at most 2 GiB");
  Slot& slot = slots_.emplace_back();
  slot.size_class = static_cast<std::uint8_t>(size_class);
  slot.data.reset(new (kAlignment) std::byte[std::size_t{1} << size_class]);
  free_[size_class] = static_cast<std::uint32_t>(slots_.size() - 1);
}

PayloadId PayloadPool::make(Bytes bytes) {
  if (bytes.empty()) return kNoPayload;
  const std::uint32_t slot = take_slot(bytes.size());
  slots_[slot].hash = copy_and_hash(bytes, slots_[slot].data.get());
  slots_[slot].is_hashed = true;
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
