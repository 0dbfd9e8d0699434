#include "backends/lateness.h"

#include <algorithm>
#include <bit>

namespace twinbed::backends {

std::size_t LatenessLedger::bucket_of(std::uint64_t ns) {
  if (ns < 8) return static_cast<std::size_t>(ns);
  const auto exponent = static_cast<std::size_t>(std::bit_width(ns)) - 1;  // at least 3
  return (exponent - 2) * 8 + static_cast<std::size_t>((ns >> (exponent - 3)) & 7);
}

std::int64_t LatenessLedger::upper_end_ns(std::size_t bucket) {
  if (bucket < 8) return static_cast<std::int64_t>(bucket);
  const std::size_t shift = bucket / 8 - 1;
  const std::uint64_t low = (8 + bucket % 8) << shift;
  return static_cast<std::int64_t>(low + ((std::uint64_t{1} << shift) - 1));
}

void LatenessLedger::add(LatenessKind kind, Duration late) {
  Row& row = rows_[static_cast<std::size_t>(kind)];
  const std::int64_t ns = std::max<std::int64_t>(late.count(), 0);
  ++row.count;
  if (late > bound_) ++row.misses;
  row.worst_ns = std::max(row.worst_ns, ns);
  row.sum_ns += ns;
  ++row.buckets[bucket_of(static_cast<std::uint64_t>(ns))];
}

Duration LatenessLedger::percentile(const Row& row, std::uint64_t per_hundred) {
  const std::uint64_t rank = (row.count * per_hundred + 99) / 100;  // the nearest rank, from 1
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += row.buckets[i];
    if (rank > 0 && seen >= rank) return Duration{std::min(upper_end_ns(i), row.worst_ns)};
  }
  return Duration{};
}

LatenessSummary LatenessLedger::summary(LatenessKind kind) const {
  const Row& row = rows_[static_cast<std::size_t>(kind)];
  return {row.count,           row.misses,          Duration{row.worst_ns},
          Duration{row.sum_ns}, percentile(row, 50), percentile(row, 90),
          percentile(row, 99)};
}

std::uint64_t LatenessLedger::misses() const {
  std::uint64_t sum = 0;
  for (const Row& row : rows_) sum += row.misses;
  return sum;
}

std::string_view to_string(LatenessKind kind) {
  switch (kind) {
    case LatenessKind::kTimer: return "timer";
    case LatenessKind::kDatagram: return "datagram";
    case LatenessKind::kAnswer: return "answer";
    case LatenessKind::kRelease: return "release";
  }
  return "unknown";
}

}  // namespace twinbed::backends
