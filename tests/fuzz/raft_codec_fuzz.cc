// Fuzzes Raft's messages: whatever the bytes are, they are one message exactly, which has no other
// wire form, or they are refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/protocols/raft/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  const std::optional<raft::Message> message = raft::decode(bytes);
  if (!message) return 0;
  Buffer again;
  encode(*message, again);
  TWINBED_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()),
                "a message has two wire forms");
  return 0;
}
