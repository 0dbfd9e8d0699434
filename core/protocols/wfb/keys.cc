#include "core/protocols/wfb/keys.h"

#include <algorithm>

#include "core/crypto/box.h"
#include "core/wire/writer.h"

namespace twinbed::wfb {
namespace {

LinkKeys exchange(const KeyPair& drone, const KeyPair& ground) {
  return {{drone.secret_key, ground.public_key}, {ground.secret_key, drone.public_key}};
}

}  // namespace

Result<KeyFile> KeyFile::read(Bytes bytes) {
  if (bytes.size() != kBytes) {
    return Error{"a key file has 64 bytes, not " + std::to_string(bytes.size()) +
                 "; make a pair of them with wfb-keygen"};
  }
  KeyFile file{SecretKey(bytes.first<SecretKey::kBytes>()), {}};
  std::ranges::copy(bytes.last<SecretKey::kBytes>(), file.theirs.begin());
  return file;
}

Buffer KeyFile::write() const {
  Buffer bytes;
  Writer writer(bytes);
  writer.bytes(mine.bytes());
  writer.bytes(theirs);
  return bytes;
}

LinkKeys make_link_keys(Random& random) {
  return exchange(KeyPair::generate(random), KeyPair::generate(random));
}

Result<LinkKeys> link_keys_from_password(std::string_view password) {
  constexpr std::uint64_t kPasses = 4;
  constexpr std::size_t kMemoryBytes = std::size_t{32} << 20;
  const auto seeds = seeds_from_password(password, "wifibroadcastkey", kPasses, kMemoryBytes);
  if (!seeds) return Error{seeds.error()};
  const auto pair = [&](std::size_t index) {
    return box_key_pair((*seeds)[index].bytes().first<SecretKey::kBytes>());
  };
  return exchange(pair(0), pair(1));
}

}  // namespace twinbed::wfb
