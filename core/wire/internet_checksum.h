// The checksum of IPv4, TCP and UDP (RFC 1071): the complement of the ones' complement sum of
// 16-bit words.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed {

class InternetChecksum {
 public:
  /// Adds bytes, the first of which is the high byte of a word. Only the last call may bring an odd
  /// number of them: the missing low byte counts as zero.
  void add(Bytes bytes);
  /// Adds one word.
  void add_word(std::uint16_t word) { sum_ += word; }

  /// The sum of the words, folded to 16 bits and not complemented.
  std::uint16_t sum() const;
  /// What the header's field must hold; the field itself was added as zero, or not at all.
  std::uint16_t value() const { return static_cast<std::uint16_t>(~sum()); }

 private:
  std::uint64_t sum_ = 0;  // has room for 2^48 words
};

}  // namespace twinbed
