#include "core/crypto/hash.h"

#include "core/crypto/sodium_bytes.h"

namespace twinbed {
namespace {

using State = crypto_generichash_state;

static_assert(sizeof(State) == 384 && alignof(State) <= 64);

State* state_in(std::array<std::byte, 384>& storage) {
  return reinterpret_cast<State*>(storage.data());
}

}  // namespace

Blake2b256::Blake2b256() : Blake2b256(Bytes{}) {}

Blake2b256 Blake2b256::keyed(Bytes key) {
  TWINBED_CHECK(key.size() >= crypto_generichash_KEYBYTES_MIN &&
                    key.size() <= crypto_generichash_KEYBYTES_MAX,
                "the key of a BLAKE2b hash must have 16 to 64 bytes");
  return Blake2b256(key);
}

Blake2b256::Blake2b256(Bytes key) {
  require_sodium();
  crypto_generichash_init(state_in(state_), raw(key), key.size(), sizeof(Digest));
}

void Blake2b256::update(Bytes bytes) {
  TWINBED_CHECK(!is_finished_, "bytes were added to a finished hash");
  crypto_generichash_update(state_in(state_), raw(bytes), bytes.size());
}

Digest Blake2b256::finish() {
  Digest digest{};
  finish(digest);
  return digest;
}

void Blake2b256::finish(std::span<std::byte, 32> digest) {
  TWINBED_CHECK(!is_finished_, "a hash was finished twice");
  is_finished_ = true;
  crypto_generichash_final(state_in(state_), raw_out(digest), digest.size());
  sodium_memzero(state_.data(), state_.size());  // A keyed state holds the key.
}

Digest blake2b(Bytes bytes) {
  Blake2b256 hash;
  hash.update(bytes);
  return hash.finish();
}

std::string blake2b_hex(Bytes bytes) { return to_hex(blake2b(bytes)); }

}  // namespace twinbed
