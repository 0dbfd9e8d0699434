#include "core/wire/writer.h"

#include "core/base/check.h"

namespace twinbed {
namespace {

/// The byte of `value` that counts 256 to the power of `place`.
std::byte byte_at(std::uint64_t value, std::size_t place) {
  return static_cast<std::byte>(value >> (8 * place) & 255);
}

}  // namespace

void Writer::big_endian(std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out_.push_back(byte_at(value, count - 1 - i));
}

void Writer::little_endian(std::uint64_t value, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) out_.push_back(byte_at(value, i));
}

void Writer::patch(std::size_t at, std::uint64_t value, std::size_t count) {
  TWINBED_CHECK(at <= out_.size() && count <= out_.size() - at,
                "a field outside of the buffer was to be patched");
  for (std::size_t i = 0; i < count; ++i) out_[at + i] = byte_at(value, count - 1 - i);
}

}  // namespace twinbed
