#include "core/crypto/sha1.h"

#include <boost/uuid/detail/sha1.hpp>

namespace twinbed {

std::array<std::byte, 20> sha1(Bytes bytes) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(bytes.data(), bytes.size());
  unsigned int words[5];
  hash.get_digest(words);
  std::array<std::byte, 20> digest;
  for (std::size_t i = 0; i < digest.size(); ++i) {
    digest[i] = static_cast<std::byte>(words[i / 4] >> (24 - 8 * (i % 4)));
  }
  return digest;
}

}  // namespace twinbed
