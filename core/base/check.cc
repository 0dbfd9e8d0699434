#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace twinbed {

CheckContext& check_context() {
  static thread_local CheckContext context;
  return context;
}

void check_failed(const char* file, int line, const char* condition, std::string_view sentence) {
  const CheckContext& context = check_context();
  std::fprintf(stderr, "%s:%d: check failed: %s: %.*s\n", file, line, condition,
               static_cast<int>(sentence.size()), sentence.data());
  if (context.active) {
    std::fprintf(stderr, "  in a simulation with seed %llu at %lld ns\n",
                 static_cast<unsigned long long>(context.seed),
                 static_cast<long long>(context.time_ns));
  }
  std::abort();
}

}  // namespace twinbed
