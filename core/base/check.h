// Assertions that stay on in every build.
//
// A failed check is a programmer's error: the process prints what was assumed, where, the seed and
// the simulated time, and aborts. Errors of operation (a full disk, a refused connection) and bytes
// from outside are values that must be handled; they never end here.
#pragma once

#include <cstdint>
#include <string_view>

namespace twinbed {

/// What a failed check prints beside the place; set by the simulator that runs on this thread.
struct CheckContext {
  std::uint64_t seed = 0;
  std::int64_t time_ns = 0;
  bool active = false;
};
CheckContext& check_context();

[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               std::string_view sentence);

}  // namespace twinbed

/// Aborts with one sentence unless the condition holds.
#define TWINBED_CHECK(condition, sentence)                                        \
  do {                                                                            \
    if (!(condition)) [[unlikely]]                                                \
      ::twinbed::check_failed(__FILE__, __LINE__, #condition, (sentence));        \
  } while (false)
