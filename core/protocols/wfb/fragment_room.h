// Room for the fragments of a block, each of the greatest length.
#pragma once

#include <vector>

#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

/// Makes `count` places of kMaxFragmentBytes in `storage`, each of which begins on a cache line of
/// its own as far as the storage does.
inline void make_room(std::size_t count, Buffer& storage, std::vector<std::byte*>& places) {
  constexpr std::size_t kCacheLine = 64;
  constexpr std::size_t kStride = (kMaxFragmentBytes + kCacheLine - 1) / kCacheLine * kCacheLine;
  storage.assign(count * kStride, std::byte{});
  places.resize(count);
  for (std::size_t i = 0; i < count; ++i) places[i] = storage.data() + i * kStride;
}

}  // namespace twinbed::wfb
