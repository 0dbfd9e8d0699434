// Reads fixed-size fields from borrowed bytes and cannot run over their end.
//
// The first read that asks for more than is left fails, and so does every one after it: they return
// zeros and empty views, and ok() is false from there on. A decoder reads all its fields and asks
// once at the end.
#pragma once

#include <cstdint>

#include "core/base/bytes.h"

namespace twinbed {

class Reader {
 public:
  explicit Reader(Bytes bytes) : rest_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  std::uint16_t u16be() { return static_cast<std::uint16_t>(big_endian(2)); }
  std::uint32_t u32be() { return static_cast<std::uint32_t>(big_endian(4)); }
  std::uint64_t u64be() { return big_endian(8); }
  std::uint16_t u16le() { return static_cast<std::uint16_t>(little_endian(2)); }
  std::uint32_t u32le() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64le() { return little_endian(8); }

  /// The next `count` bytes as a view into the source.
  Bytes bytes(std::size_t count) {
    if (!ok_ || count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  /// Passes over `count` bytes.
  void skip(std::size_t count) { bytes(count); }
  /// All that is left.
  Bytes rest() { return bytes(rest_.size()); }

  /// Bytes left to read; zero after a failure.
  std::size_t remaining() const { return rest_.size(); }
  /// False once a read has failed.
  bool ok() const { return ok_; }
  /// True when everything was read and nothing failed.
  bool done() const { return ok_ && rest_.empty(); }

 private:
  std::uint64_t big_endian(std::size_t count) {
    std::uint64_t value = 0;
    for (std::byte byte : bytes(count)) value = value << 8 | std::to_integer<std::uint64_t>(byte);
    return value;
  }
  std::uint64_t little_endian(std::size_t count) {
    std::uint64_t value = 0;
    int shift = 0;
    for (std::byte byte : bytes(count)) {
      value |= std::to_integer<std::uint64_t>(byte) << shift;
      shift += 8;
    }
    return value;
  }

  Bytes rest_;
  bool ok_ = true;
};

}  // namespace twinbed
