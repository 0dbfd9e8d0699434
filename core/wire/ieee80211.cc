#include "core/wire/ieee80211.h"

#include <algorithm>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed {

void write_mac_header(const MacHeader& header, Buffer& out) {
  Writer writer(out);
  writer.u16le(header.frame_control);
  writer.u16le(header.duration);
  writer.bytes(header.receiver);
  writer.bytes(header.transmitter);
  writer.bytes(header.third);
  writer.u16le(header.sequence_control);
}

std::optional<MacHeader> read_mac_header(Bytes frame) {
  Reader reader(frame);
  MacHeader header;
  header.frame_control = reader.u16le();
  header.duration = reader.u16le();
  for (MacAddress* address : {&header.receiver, &header.transmitter, &header.third}) {
    const Bytes bytes = reader.bytes(address->size());
    std::copy(bytes.begin(), bytes.end(), address->begin());
  }
  header.sequence_control = reader.u16le();
  if (!reader.ok()) return std::nullopt;
  return header;
}

}  // namespace twinbed
