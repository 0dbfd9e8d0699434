// How late things happened on a machine that runs in real time.
//
// A live run is only worth as much as the machine kept up with it. Each host keeps one ledger; a
// run whose misses exceed what its scenario allows says so in its verdict.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/base/time.h"

namespace twinbed::backends {

enum class LatenessKind : std::uint8_t {
  kTimer,     ///< from a timer's deadline to its handler
  kDatagram,  ///< from the kernel's receive time stamp to the handler
  kAnswer,    ///< from a storage, stream or command answer being ready to its handler
  kRelease,   ///< from the instant at which an emulated link lets a packet go to the system call
};
inline constexpr std::size_t kLatenessKinds = 4;

/// What the ledger says about one kind. Percentiles are upper ends of histogram buckets, at most
/// 12.5 % above the true value, and never above `worst`.
struct LatenessSummary {
  std::uint64_t count = 0;
  std::uint64_t misses = 0;  ///< later than the bound
  Duration worst{};
  Duration sum{};
  Duration p50{};
  Duration p90{};
  Duration p99{};
};

class LatenessLedger {
 public:
  /// Whatever is later than `bound` counts as a miss.
  explicit LatenessLedger(Duration bound = std::chrono::milliseconds(20)) : bound_(bound) {}

  /// A negative lateness counts as none.
  void add(LatenessKind kind, Duration late);
  LatenessSummary summary(LatenessKind kind) const;
  Duration bound() const { return bound_; }
  /// Misses of all kinds together.
  std::uint64_t misses() const;

 private:
  static constexpr std::size_t kBuckets = 64 * 8;  ///< eight for each power of two

  struct Row {
    std::uint64_t count = 0;
    std::uint64_t misses = 0;
    std::int64_t worst_ns = 0;
    std::int64_t sum_ns = 0;
    std::array<std::uint64_t, kBuckets> buckets{};
  };
  static std::size_t bucket_of(std::uint64_t ns);
  static std::int64_t upper_end_ns(std::size_t bucket);
  static Duration percentile(const Row& row, std::uint64_t per_hundred);

  Duration bound_;
  std::array<Row, kLatenessKinds> rows_{};
};

/// "timer", "datagram", "answer", "release".
std::string_view to_string(LatenessKind kind);

}  // namespace twinbed::backends
