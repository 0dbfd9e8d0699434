#include "core/crypto/chacha20_poly1305.h"

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

static_assert(SecretKey::kBytes == crypto_aead_chacha20poly1305_KEYBYTES);
static_assert(ChaCha20Poly1305::kNonceBytes == crypto_aead_chacha20poly1305_NPUBBYTES);
static_assert(ChaCha20Poly1305::kTagBytes == crypto_aead_chacha20poly1305_ABYTES);

ChaCha20Poly1305::ChaCha20Poly1305(const SecretKey& key) : key_(key) { require_sodium(); }

void ChaCha20Poly1305::seal(std::span<const std::byte, kNonceBytes> nonce, Bytes header,
                            Bytes plain, std::byte* sealed) const {
  crypto_aead_chacha20poly1305_encrypt(reinterpret_cast<unsigned char*>(sealed), nullptr,
                                       raw(plain), plain.size(), raw(header), header.size(),
                                       nullptr, raw(nonce), raw(key_.bytes()));
}

bool ChaCha20Poly1305::open(std::span<const std::byte, kNonceBytes> nonce, Bytes header,
                            Bytes sealed, std::byte* plain) const {
  if (sealed.size() < kTagBytes) return false;
  return crypto_aead_chacha20poly1305_decrypt(reinterpret_cast<unsigned char*>(plain), nullptr,
                                              nullptr, raw(sealed), sealed.size(), raw(header),
                                              header.size(), raw(nonce), raw(key_.bytes())) == 0;
}

}  // namespace twinbed
