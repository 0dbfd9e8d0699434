#include "core/protocols/wfb/mavlink_frames.h"

#include "core/wire/reader.h"

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

std::optional<MavlinkMessage> read_mavlink_frame(Bytes bytes) {
  const std::optional<std::size_t> length = mavlink_frame_length(bytes);
  if (!length || *length == 0 || *length != bytes.size()) return std::nullopt;
  const bool is_version_1 = bytes[0] == kVersion1;
  Reader reader(bytes);
  reader.skip(1);
  const std::size_t payload = reader.u8();
  if (!is_version_1) reader.skip(2);
  MavlinkMessage message;
  message.sequence = reader.u8();
  message.system = reader.u8();
  message.component = reader.u8();
  message.number = is_version_1 ? reader.u8() : reader.u16le();
  if (!is_version_1) message.number |= std::uint32_t{reader.u8()} << 16;
  message.payload = reader.bytes(payload);
  if (!reader.ok()) return std::nullopt;
  return message;
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
