// How often the program has asked for memory, counted in operator new.
//
// Under a sanitizer the allocator is the sanitizer's own and nothing is counted: a test asks
// kCountsAllocations first and skips.
#pragma once

#include <cstdint>

#define TWINBED_COUNTS_ALLOCATIONS 1
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#undef TWINBED_COUNTS_ALLOCATIONS
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#undef TWINBED_COUNTS_ALLOCATIONS
#endif
#endif

namespace twinbed::testing {

#ifdef TWINBED_COUNTS_ALLOCATIONS
inline constexpr bool kCountsAllocations = true;
#else
inline constexpr bool kCountsAllocations = false;
#endif

/// The calls of operator new so far, by this thread.
std::uint64_t allocations();

}  // namespace twinbed::testing
