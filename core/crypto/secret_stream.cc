#include "core/crypto/secret_stream.h"

#include "core/crypto/sodium_bytes.h"

namespace twinbed {

struct StreamState {
  crypto_secretstream_xchacha20poly1305_state sodium;
};

void StreamStateDeleter::operator()(StreamState* state) const {
  sodium_memzero(state, sizeof *state);
  delete state;
}

namespace {

static_assert(sizeof(StreamHeader) == crypto_secretstream_xchacha20poly1305_HEADERBYTES);
static_assert(kSealOverheadBytes == crypto_secretstream_xchacha20poly1305_ABYTES);
static_assert(SecretKey::kBytes == crypto_secretstream_xchacha20poly1305_KEYBYTES);
static_assert(static_cast<int>(StreamTag::kMessage) ==
              crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
static_assert(static_cast<int>(StreamTag::kRekey) ==
              crypto_secretstream_xchacha20poly1305_TAG_REKEY);
static_assert(static_cast<int>(StreamTag::kFinal) ==
              crypto_secretstream_xchacha20poly1305_TAG_FINAL);

/// The state of either end. libsodium's init_push draws a header from the system and then sets up
/// the very state that init_pull sets up from a given header. With init_pull on both ends the
/// header can come from Random, and a simulated run repeats.
StreamStateOwner make_state(const SecretKey& key, const StreamHeader& header) {
  require_sodium();
  StreamStateOwner state(new StreamState);
  crypto_secretstream_xchacha20poly1305_init_pull(&state->sodium, raw(header), raw(key.bytes()));
  return state;
}

StreamHeader draw_header(Random& random) {
  StreamHeader header{};
  random.fill(header);
  return header;
}

}  // namespace

StreamSealer::StreamSealer(const SecretKey& key, Random& random)
    : header_(draw_header(random)), state_(make_state(key, header_)) {}

void StreamSealer::seal(Bytes plain, StreamTag tag, Buffer& out) {
  const std::size_t start = out.size();
  out.resize(start + plain.size() + kSealOverheadBytes);
  crypto_secretstream_xchacha20poly1305_push(&state_->sodium,
                                             raw_out(std::span(out).subspan(start)), nullptr,
                                             raw(plain), plain.size(), nullptr, 0,
                                             static_cast<unsigned char>(tag));
}

StreamOpener::StreamOpener(const SecretKey& key, const StreamHeader& header)
    : state_(make_state(key, header)) {}

std::optional<StreamOpener::Opened> StreamOpener::open(Bytes sealed) {
  if (sealed.size() < kSealOverheadBytes) return std::nullopt;
  Opened opened;
  opened.plain.resize(sealed.size() - kSealOverheadBytes);
  unsigned char tag = 0;
  if (crypto_secretstream_xchacha20poly1305_pull(&state_->sodium, raw_out(opened.plain), nullptr,
                                                 &tag, raw(sealed), sealed.size(), nullptr,
                                                 0) != 0) {
    return std::nullopt;
  }
  opened.tag = static_cast<StreamTag>(tag);
  if (opened.tag != StreamTag::kMessage && opened.tag != StreamTag::kRekey &&
      opened.tag != StreamTag::kFinal) {
    return std::nullopt;
  }
  return opened;
}

}  // namespace twinbed
