#include "backends/system_random.h"

#include <sys/random.h>

#include <cerrno>
#include <utility>

#include "core/base/check.h"

namespace twinbed::backends {

std::uint64_t SystemRandom::next() {
  if (left_ == 0) {
    auto* at = reinterpret_cast<unsigned char*>(words_.data());
    std::size_t missing = sizeof(words_);
    while (missing > 0) {
      const ssize_t got = getrandom(at, missing, 0);
      TWINBED_CHECK(got > 0 || errno == EINTR, "the operating system gives no random numbers");
      if (got <= 0) continue;
      at += got;
      missing -= static_cast<std::size_t>(got);
    }
    left_ = words_.size();
  }
  // A number that was handed out is not kept: it may have become a key.
  return std::exchange(words_[--left_], 0);
}

}  // namespace twinbed::backends
