#include "tests/support/counting_new.h"

#include <cstddef>
#include <cstdlib>
#include <new>

namespace twinbed::testing {
namespace {
thread_local std::uint64_t count = 0;
}  // namespace

std::uint64_t allocations() { return count; }

/// Counts and allocates; throws as operator new must.
[[maybe_unused]] static void* counted(std::size_t size, std::size_t alignment) {
  ++count;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  void* memory = std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace twinbed::testing

#ifdef TWINBED_COUNTS_ALLOCATIONS
// The other forms (arrays, nothrow, sized) call these, as the standard library defines them.
void* operator new(std::size_t size) {
  return twinbed::testing::counted(size, alignof(std::max_align_t));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return twinbed::testing::counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }
#endif
