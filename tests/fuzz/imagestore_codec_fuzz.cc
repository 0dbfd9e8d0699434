// Fuzzes the messages of the robust cloud-p2p and the commands and snapshots of its catalogue:
// whatever the bytes are, they are one message exactly, which has no other wire form, or they are
// refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/protocols/imagestore/catalogue.h"
#include "core/protocols/imagestore/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace twinbed;
  const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
  if (const auto frame = imagestore::decode(bytes)) {
    const Buffer again = imagestore::encode(*frame);
    TWINBED_CHECK(std::equal(again.begin(), again.end(), bytes.begin(), bytes.end()),
                  "a message has two wire forms");
  }
  imagestore::Catalogue catalogue;
  const auto applied = catalogue.apply(1, bytes);
  if (applied.image != nullptr) {
    imagestore::Catalogue copy;
    TWINBED_CHECK(copy.restore(catalogue.snapshot()) && copy.at(0) == *applied.image,
                  "a snapshot does not hold what was added");
  }
  imagestore::Catalogue().restore(bytes);
  return 0;
}
