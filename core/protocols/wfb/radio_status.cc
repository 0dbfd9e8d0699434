#include "core/protocols/wfb/radio_status.h"

#include <algorithm>

#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::uint8_t kMavlink2 = 0xfd;
constexpr std::uint8_t kRadioStatus = 109;
/// Of the message's definition, so that both sides know the same one.
constexpr std::uint8_t kRadioStatusSeed = 185;
constexpr std::uint8_t kTransmitBuffer = 100;
constexpr std::uint8_t kLinkLost = 1;
constexpr std::uint8_t kLinkJammed = 2;
constexpr int kNothingHeard = -128;

/// CRC-16/MCRF4XX, as ITU X.25 without the last inversion.
std::uint16_t checksum(Bytes bytes) {
  std::uint16_t crc = 0xffff;
  for (const std::byte byte : bytes) {
    crc ^= std::to_integer<std::uint16_t>(byte);
    for (int bit = 0; bit < 8; ++bit) {
      crc = static_cast<std::uint16_t>((crc & 1) != 0 ? crc >> 1 ^ 0x8408 : crc >> 1);
    }
  }
  return crc;
}

std::uint16_t capped(std::uint64_t count) {
  return static_cast<std::uint16_t>(std::min<std::uint64_t>(count, 0xffff));
}

std::uint8_t flags_of(const RadioStatus& status) {
  if (status.signal_dbm == kNothingHeard) return kLinkLost;
  return status.damaged > 0 ? kLinkJammed : 0;
}

Buffer payload_of(const RadioStatus& status) {
  Buffer payload;
  Writer writer(payload);
  writer.u16le(capped(status.damaged + status.lost));
  writer.u16le(capped(status.recovered));
  const auto signal = static_cast<std::uint8_t>(status.signal_dbm);
  writer.u8(signal);
  writer.u8(signal);
  writer.u8(kTransmitBuffer);
  writer.u8(flags_of(status));
  writer.u8(flags_of(status));
  // MAVLink 2 leaves zeros at the end away.
  while (payload.size() > 1 && payload.back() == std::byte{0}) payload.pop_back();
  return payload;
}

}  // namespace

void RadioStatus::add(const Aggregator& receiver) {
  for (const auto& [key, stats] : receiver.antennas().rows()) {
    if (stats.count > 0) signal_dbm = std::max(signal_dbm, stats.signal_dbm.mean());
  }
  const ReceiverCounters counters = receiver.counters();
  damaged += counters.dec_err + counters.bad;
  lost += counters.lost;
  recovered += counters.fec_rec;
}

void write_radio_status(const RadioStatus& status, const MavlinkSender& sender,
                        std::uint8_t sequence, Buffer& out) {
  const Buffer payload = payload_of(status);
  const std::size_t start = out.size();
  Writer writer(out);
  writer.u8(kMavlink2);
  writer.u8(static_cast<std::uint8_t>(payload.size()));
  writer.zeros(2);  // flags: nothing incompatible, nothing else
  writer.u8(sequence);
  writer.u8(sender.system);
  writer.u8(sender.component);
  writer.u16le(kRadioStatus);
  writer.u8(0);  // the message number's highest byte
  writer.bytes(payload);
  Buffer checked(out.begin() + static_cast<std::ptrdiff_t>(start) + 1, out.end());
  checked.push_back(std::byte{kRadioStatusSeed});
  writer.u16le(checksum(checked));
}

}  // namespace twinbed::wfb
