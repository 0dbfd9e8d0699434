#include "core/crypto/aes256gcm.h"

#include <sodium.h>

#include <algorithm>
#include <string>

namespace twinbed {
namespace {

static_assert(Aes256Gcm::kKeyBytes == crypto_aead_aes256gcm_KEYBYTES);
static_assert(Aes256Gcm::kNonceBytes == crypto_aead_aes256gcm_NPUBBYTES);
static_assert(Aes256Gcm::kTagBytes == crypto_aead_aes256gcm_ABYTES);

const unsigned char* raw(Bytes bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}
unsigned char* raw(Buffer& buffer) { return reinterpret_cast<unsigned char*>(buffer.data()); }

}  // namespace

bool Aes256Gcm::available() {
  return sodium_init() >= 0 && crypto_aead_aes256gcm_is_available() != 0;
}

Result<Aes256Gcm> Aes256Gcm::from_hex_key(std::string_view hex, bool allow_zero_key) {
  if (!available()) {
    return Error{
        "AES-256-GCM needs a processor with AES instructions (AES-NI), which this one lacks or "
        "hides from the virtual machine; run on another processor"};
  }
  Buffer bytes;
  if (hex.size() != 2 * kKeyBytes || !from_hex(hex, bytes)) {
    return Error{
        "the encryption key must be 64 hexadecimal digits; make one with `openssl rand -hex 32`"};
  }
  Aes256Gcm cipher;
  std::transform(bytes.begin(), bytes.end(), cipher.key_.begin(),
                 [](std::byte byte) { return std::to_integer<unsigned char>(byte); });
  if (!allow_zero_key && sodium_is_zero(cipher.key_.data(), cipher.key_.size()) != 0) {
    return Error{
        "the encryption key is all zeros, which anybody can guess; make one with `openssl rand "
        "-hex 32`, or allow the zero key by name to talk to programs that have it compiled in"};
  }
  return cipher;
}

Buffer Aes256Gcm::seal(const Nonce& nonce, Bytes plain) const {
  Buffer sealed(plain.size() + kTagBytes);
  crypto_aead_aes256gcm_encrypt(raw(sealed), nullptr, raw(plain), plain.size(), nullptr, 0,
                                nullptr, raw(nonce), key_.data());
  return sealed;
}

Result<Buffer> Aes256Gcm::open(const Nonce& nonce, Bytes sealed) const {
  if (sealed.size() < kTagBytes) return Error{"the message is shorter than its tag"};
  Buffer plain(sealed.size() - kTagBytes);
  if (crypto_aead_aes256gcm_decrypt(raw(plain), nullptr, nullptr, raw(sealed), sealed.size(),
                                    nullptr, 0, raw(nonce), key_.data()) != 0) {
    return Error{"the message is not authentic: it was changed, or sealed with another key"};
  }
  return plain;
}

}  // namespace twinbed
