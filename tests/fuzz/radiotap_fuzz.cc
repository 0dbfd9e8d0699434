// Fuzzes radiotap headers: what can be read can be written, and then says the same.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/wire/radiotap.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  const Bytes packet(reinterpret_cast<const std::byte*>(data), size);
  if (const auto sent = read_radiotap_tx(packet)) {
    TWINBED_CHECK(sent->header_bytes <= size, "a header is longer than its packet");
  }
  const auto read = read_radiotap_rx(packet);
  if (!read) return 0;
  TWINBED_CHECK(read->frame.antenna_count <= kMaxAntennas, "there are too many antennas");
  Buffer again;
  write_radiotap_rx(read->frame, again);
  const auto second = read_radiotap_rx(again);
  TWINBED_CHECK(second && second->frame.antenna_count == read->frame.antenna_count &&
                    second->frame.channel == read->frame.channel &&
                    second->frame.rate.mcs == read->frame.rate.mcs,
                "a header that was written says something else");
  return 0;
}
