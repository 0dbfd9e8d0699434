// What every file over libsodium needs: its initialisation, and byte strings in its types. Included
// by the sources of this folder alone.
#pragma once

#include <sodium.h>

#include "core/base/bytes.h"
#include "core/base/check.h"

namespace twinbed {

/// Initialises libsodium at the first call; every other function of it comes after this one.
inline void require_sodium() {
  static const bool is_ready = sodium_init() >= 0;
  TWINBED_CHECK(is_ready, "libsodium could not be initialised");
}

inline const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
inline unsigned char* raw_out(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

}  // namespace twinbed
