#include "core/protocols/wfb/mavlink_frames.h"

namespace twinbed::wfb {
namespace {

constexpr std::byte kVersion1{0xfe};
constexpr std::byte kVersion2{0xfd};
/// Of a frame without its payload.
constexpr std::size_t kFraming1 = 8;
constexpr std::size_t kFraming2 = 12;
constexpr std::size_t kSignatureBytes = 13;
constexpr std::byte kIsSigned{1};

}  // namespace

std::optional<std::size_t> mavlink_frame_length(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  const auto payload = [&] { return std::to_integer<std::size_t>(bytes[1]); };
  if (bytes[0] == kVersion1) return bytes.size() < 2 ? 0 : kFraming1 + payload();
  if (bytes[0] != kVersion2) return std::nullopt;
  if (bytes.size() < 3) return 0;
  if ((bytes[2] & ~kIsSigned) != std::byte{0}) return std::nullopt;
  return kFraming2 + payload() + (bytes[2] == kIsSigned ? kSignatureBytes : 0);
}

void MavlinkFrames::feed(Bytes bytes, const OnFrame& on_frame) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  Bytes rest = pending_;
  while (!rest.empty()) {
    const std::optional<std::size_t> length = mavlink_frame_length(rest);
    if (!length) {
      ++lost_;
      rest = rest.subspan(1);
      continue;
    }
    if (*length == 0 || *length > rest.size()) break;
    on_frame(rest.first(*length));
    rest = rest.subspan(*length);
  }
  const std::size_t taken = pending_.size() - rest.size();
  pending_.erase(pending_.begin(), pending_.begin() + static_cast<std::ptrdiff_t>(taken));
}

}  // namespace twinbed::wfb
