// libFuzzer target: bytes from outside through the JSON codec, the frame parser and the
// configuration.
//
// Whatever comes in, nothing may crash; what decodes must encode to something that decodes to the
// same; and a stream must yield the same frames whatever its chunks are.
#include <cstddef>
#include <cstdint>

#include "core/base/check.h"
#include "core/base/random_stream.h"
#include "core/protocols/election/config.h"
#include "core/protocols/election/frame.h"
#include "core/wire/writer.h"

namespace {

using namespace twinbed;
using namespace twinbed::election;

void check_codec(std::string_view text) {
  const std::variant<Message, DecodeError> decoded = decode_json(text);
  const auto* message = std::get_if<Message>(&decoded);
  if (message == nullptr) return;
  Message seed_form = *message;  // Without the fields that only the last version writes.
  if (auto* reply = std::get_if<EncryptReply>(&seed_form)) {
    reply->encrypted_image.reset();
    reply->original_filename.reset();
  } else if (auto* request = std::get_if<EncryptRequest>(&seed_form)) {
    request->client_addr.reset();
  }
  const auto again = decode_json(encode_json(seed_form));
  TWINBED_CHECK(std::holds_alternative<Message>(again) && std::get<Message>(again) == seed_form,
                "a message does not survive its own encoding");
}

void check_parser(Bytes stream, std::size_t chunk) {
  static const Aes256Gcm cipher = *Aes256Gcm::from_hex_key(std::string(64, '0'), true);
  FrameParser whole(cipher);
  FrameParser cut(cipher);
  std::vector<FrameParser::Outcome> expected;
  std::vector<FrameParser::Outcome> found;
  whole.feed(stream, expected);
  for (std::size_t at = 0; at < stream.size(); at += chunk) {
    cut.feed(stream.subspan(at, std::min(chunk, stream.size() - at)), found);
  }
  TWINBED_CHECK(expected == found, "the chunks of a stream change its frames");
}

/// A stream of an authentic frame around the input, and the input itself.
Buffer framed(Bytes input) {
  const Aes256Gcm cipher = *Aes256Gcm::from_hex_key(std::string(64, '0'), true);
  Buffer stream;
  Writer writer(stream);
  const Buffer sealed = cipher.seal({}, input);
  writer.u32be(static_cast<std::uint32_t>(Aes256Gcm::kNonceBytes + sealed.size()));
  writer.zeros(Aes256Gcm::kNonceBytes);
  writer.bytes(sealed);
  writer.bytes(input);
  return stream;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || !Aes256Gcm::available()) return 0;
  const Bytes input{reinterpret_cast<const std::byte*>(data) + 1, size - 1};
  const std::size_t chunk = std::size_t{data[0]} + 1;
  check_codec(as_text(input));
  check_parser(input, chunk);
  check_parser(framed(input), chunk);
  if (const auto config = parse_config_json(as_text(input))) {
    TWINBED_CHECK(check_peers(config->peers).ok(), "unsound peers were accepted");
  }
  if (const auto peers = parse_peers(as_text(input))) {
    TWINBED_CHECK(check_peers(*peers).ok(), "unsound peers were accepted");
  }
  return 0;
}
