#include "core/protocols/wfb/forwarder.h"

#include <algorithm>

#include "core/wire/writer.h"

namespace twinbed::wfb {
void Forwarder::receive(Time now, std::uint8_t wlan, const RxFrame& frame) {
  const std::optional<Bytes> packet = packet_in_frame(frame.frame, channel_);
  if (frame.bad_fcs || !packet || packet->size() > kMaxPacketBytes) return;
  const Reception reception = reception_of(frame, wlan);
  if (is_duplicate(now, *packet)) return add_record(hash_, reception);
  datagram_.clear();
  write_reception(reception, datagram_);
  Writer(datagram_).bytes(*packet);
  owner_.on_datagram(datagram_);
}

bool Forwarder::is_duplicate(Time now, Bytes packet) {
  const bool is_data =
      !packet.empty() && static_cast<PacketType>(packet.front()) == PacketType::kData;
  if (!is_data) return false;
  const auto periods = (now - turned_) / kPeriod;
  for (auto turns = std::min<std::int64_t>(periods, 2); turns > 0; --turns) recent_.turn();
  turned_ += periods * kPeriod;
  hash_ = packet_hash(packet);
  if (recent_.contains(hash_)) return true;
  recent_.insert(hash_);
  return false;
}

void Forwarder::add_record(const ShortHash& hash, const Reception& reception) {
  constexpr std::size_t kRecordBytes = std::tuple_size_v<ShortHash> + Reception::kBytes;
  if (has_batch() && batch_.size() + kRecordBytes > Reception::kBytes + kMaxPacketBytes) {
    send_batch();
  }
  if (!has_batch()) {
    write_reception(reception_of_nobody(), batch_);
    Writer(batch_).u8(static_cast<std::uint8_t>(PacketType::kDuplicates));
  }
  Writer(batch_).bytes(hash);
  write_reception(reception, batch_);
}

void Forwarder::send_batch() {
  if (!has_batch()) return;
  owner_.on_datagram(batch_);
  batch_.clear();
}

}  // namespace twinbed::wfb
