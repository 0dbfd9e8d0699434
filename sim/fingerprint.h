// The fingerprint of a run: a rolling hash over everything that happened, in order. Two runs with
// equal fingerprints did the same; the first bit that differs changes every value from there on.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/hash.h"
#include "core/base/time.h"

namespace twinbed::sim {

class Fingerprint {
 public:
  /// Takes in one event: when, at which node, of which kind, and the hash of what it carried (0 for
  /// nothing). Words that do not depend on the running value are mixed first, so that an event adds
  /// only two dependent multiplications.
  void add(Time at, std::uint32_t node, std::uint32_t kind, std::uint64_t payload_hash) {
    const std::uint64_t what = hash_combine(static_cast<std::uint64_t>(to_ns(at)),
                                            std::uint64_t{node} << 32 | kind);
    value_ = hash_combine(hash_combine(value_, what), payload_hash);
  }

  std::uint64_t value() const { return value_; }

  /// The value in 16 hexadecimal digits, the highest first, as it is stored and pinned.
  std::string hex() const {
    std::string text;
    for (int shift = 60; shift >= 0; shift -= 4) text += "0123456789abcdef"[value_ >> shift & 15];
    return text;
  }

  bool operator==(const Fingerprint&) const = default;

 private:
  std::uint64_t value_ = 0;
};

}  // namespace twinbed::sim
