#include "core/wire/internet_checksum.h"

namespace twinbed {

void InternetChecksum::add(Bytes bytes) {
  for (std::size_t i = 0; i < bytes.size(); i += 2) {
    const auto high = std::to_integer<std::uint64_t>(bytes[i]);
    const auto low = i + 1 < bytes.size() ? std::to_integer<std::uint64_t>(bytes[i + 1]) : 0;
    sum_ += high << 8 | low;
  }
}

std::uint16_t InternetChecksum::sum() const {
  std::uint64_t folded = sum_;
  while (folded >> 16 != 0) folded = (folded & 0xffff) + (folded >> 16);
  return static_cast<std::uint16_t>(folded);
}

}  // namespace twinbed
