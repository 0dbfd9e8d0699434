// A set of packets' hashes that is filled and emptied again and again: nothing is allocated once it
// has grown to the size that is needed.
#pragma once

#include <cstdint>
#include <vector>

#include "core/crypto/short_hash.h"

namespace twinbed::wfb {

/// The hash that stands for a packet, in the byte order of WFB-NG's duplicate records.
ShortHash packet_hash(Bytes packet);

class PacketSet {
 public:
  PacketSet() : slots_(64) {}

  /// False where it was there before.
  bool insert(const ShortHash& hash);
  bool contains(const ShortHash& hash) const;
  std::size_t size() const { return count_; }
  void clear();

 private:
  // 0 marks a free slot; the hash that is 0 itself is kept apart.
  static std::uint64_t number_of(const ShortHash& hash);
  std::size_t place_of(std::uint64_t number) const;
  void grow();

  std::vector<std::uint64_t> slots_;  ///< a power of two, linear probing
  std::size_t count_ = 0;
  bool has_zero_ = false;
};

/// Hashes of the recent past: of between one and two periods.
class RecentPackets {
 public:
  void insert(const ShortHash& hash) { now_.insert(hash); }
  bool contains(const ShortHash& hash) const {
    return now_.contains(hash) || before_.contains(hash);
  }
  bool empty() const { return now_.size() == 0 && before_.size() == 0; }
  /// A period has passed.
  void turn();

 private:
  PacketSet now_;
  PacketSet before_;
};

}  // namespace twinbed::wfb
