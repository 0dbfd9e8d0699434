// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash of
// 64 bits, for tables that strangers must not be able to make collide.
#pragma once

#include <array>
#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed {

using ShortHash = std::array<std::byte, 8>;
using ShortHashKey = std::array<std::byte, 16>;

/// The hash in the byte order in which it travels (little-endian, as SipHash defines it).
ShortHash short_hash(const ShortHashKey& key, Bytes bytes);

}  // namespace twinbed
