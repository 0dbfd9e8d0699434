#include "core/protocols/wfb/packet_set.h"

#include <algorithm>
#include <utility>

namespace twinbed::wfb {

ShortHash packet_hash(Bytes packet) {
  static const ShortHashKey key = [] {
    ShortHashKey bytes;
    std::ranges::copy(as_bytes("wfb-ng dedup key"), bytes.begin());
    return bytes;
  }();
  return short_hash(key, packet);
}

std::uint64_t PacketSet::number_of(const ShortHash& hash) {
  std::uint64_t number = 0;
  for (const std::byte byte : hash) number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

/// Where the number is, or would go.
std::size_t PacketSet::place_of(std::uint64_t number) const {
  const std::size_t mask = slots_.size() - 1;
  std::size_t place = static_cast<std::size_t>(number) & mask;
  while (slots_[place] != 0 && slots_[place] != number) place = (place + 1) & mask;
  return place;
}

bool PacketSet::insert(const ShortHash& hash) {
  const std::uint64_t number = number_of(hash);
  if (number == 0) {
    count_ += has_zero_ ? 0 : 1;
    return !std::exchange(has_zero_, true);
  }
  std::uint64_t& slot = slots_[place_of(number)];
  if (slot == number) return false;
  slot = number;
  if (++count_ * 2 > slots_.size()) grow();
  return true;
}

bool PacketSet::contains(const ShortHash& hash) const {
  const std::uint64_t number = number_of(hash);
  return number == 0 ? has_zero_ : slots_[place_of(number)] == number;
}

void PacketSet::clear() {
  if (count_ > 0) std::ranges::fill(slots_, 0);
  count_ = 0;
  has_zero_ = false;
}

void PacketSet::grow() {
  std::vector<std::uint64_t> old(slots_.size() * 2);
  old.swap(slots_);
  for (const std::uint64_t number : old) {
    if (number != 0) slots_[place_of(number)] = number;
  }
}

void RecentPackets::turn() {
  std::swap(now_, before_);
  now_.clear();
}

}  // namespace twinbed::wfb
