// Appends fixed-size fields to a buffer that somebody else owns.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/bytes.h"

namespace twinbed {

class Writer {
 public:
  /// Appends to what the buffer holds already.
  explicit Writer(Buffer& out) : out_(out) {}

  void u8(std::uint8_t value) { big_endian(value, 1); }
  void u16be(std::uint16_t value) { big_endian(value, 2); }
  void u32be(std::uint32_t value) { big_endian(value, 4); }
  void u64be(std::uint64_t value) { big_endian(value, 8); }
  void u16le(std::uint16_t value) { little_endian(value, 2); }
  void u32le(std::uint32_t value) { little_endian(value, 4); }
  void u64le(std::uint64_t value) { little_endian(value, 8); }
  void bytes(Bytes bytes) { out_.insert(out_.end(), bytes.begin(), bytes.end()); }
  void text(std::string_view text) { bytes(as_bytes(text)); }
  void zeros(std::size_t count) { out_.resize(out_.size() + count); }

  /// The length of the whole buffer: the place of the next field, for a later patch.
  std::size_t size() const { return out_.size(); }

  /// Writes over a field that was left open, usually a length; the field must lie in the buffer.
  void patch_u16be(std::size_t at, std::uint16_t value) { patch(at, value, 2); }
  void patch_u32be(std::size_t at, std::uint32_t value) { patch(at, value, 4); }

 private:
  void big_endian(std::uint64_t value, std::size_t count);
  void little_endian(std::uint64_t value, std::size_t count);
  void patch(std::size_t at, std::uint64_t value, std::size_t count);

  Buffer& out_;
};

}  // namespace twinbed
