#include "core/protocols/wfb/batch.h"

#include <utility>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

constexpr std::size_t kLengthBytes = 2;

}  // namespace

bool Batch::fits(Bytes packet) const {
  const std::size_t framing = framing_ == Framing::kLengths ? kLengthBytes : 0;
  return payload_.size() + framing + packet.size() <= limit_;
}

void Batch::add(Bytes packet) {
  Writer writer(payload_);
  if (framing_ == Framing::kLengths) writer.u16be(static_cast<std::uint16_t>(packet.size()));
  writer.bytes(packet);
}

Buffer Batch::take() { return std::exchange(payload_, {}); }

std::optional<std::vector<Bytes>> split_batch(Bytes payload) {
  std::vector<Bytes> packets;
  if (!split_batch(payload, packets)) return std::nullopt;
  return packets;
}

bool split_batch(Bytes payload, std::vector<Bytes>& packets) {
  packets.clear();
  Reader reader(payload);
  while (reader.remaining() > 0) {
    const std::uint16_t length = reader.u16be();
    packets.push_back(reader.bytes(length));
  }
  return reader.ok();
}

}  // namespace twinbed::wfb
