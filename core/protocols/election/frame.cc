#include "core/protocols/election/frame.h"

#include <algorithm>

#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::election {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::size_t kMinBodyBytes = Aes256Gcm::kNonceBytes + Aes256Gcm::kTagBytes;

}  // namespace

std::string_view to_string(Refusal refusal) {
  switch (refusal) {
    case Refusal::kTooLong: return "too_long";
    case Refusal::kTooShort: return "too_short";
    case Refusal::kNotAuthentic: return "not_authentic";
    case Refusal::kNotJson: return "not_json";
    case Refusal::kUnknownVariant: return "unknown_variant";
  }
  return "unknown";
}

Buffer seal_body(const Message& message, const Aes256Gcm& cipher, Random& random,
                 Dialect dialect) {
  Aes256Gcm::Nonce nonce{};
  random.fill(nonce);
  const std::string text = encode_json(message, dialect);
  Buffer body;
  body.reserve(kMinBodyBytes + text.size());
  Writer writer(body);
  writer.bytes(nonce);
  writer.bytes(cipher.seal(nonce, as_bytes(text)));
  return body;
}

Buffer seal_frame(const Message& message, const Aes256Gcm& cipher, Random& random,
                  Dialect dialect) {
  const Buffer body = seal_body(message, cipher, random, dialect);
  Buffer frame;
  frame.reserve(kLengthBytes + body.size());
  Writer writer(frame);
  writer.u32be(static_cast<std::uint32_t>(body.size()));
  writer.bytes(body);
  return frame;
}

std::variant<Message, Refusal> open_body(Bytes body, const Aes256Gcm& cipher) {
  if (body.size() < kMinBodyBytes) return Refusal::kTooShort;
  Aes256Gcm::Nonce nonce{};
  std::copy_n(body.begin(), nonce.size(), nonce.begin());
  const Result<Buffer> plain = cipher.open(nonce, body.subspan(nonce.size()));
  if (!plain) return Refusal::kNotAuthentic;
  std::variant<Message, DecodeError> decoded = decode_json(as_text(*plain));
  if (auto* message = std::get_if<Message>(&decoded)) return std::move(*message);
  const bool unknown = std::get<DecodeError>(decoded).failure == DecodeFailure::kUnknownVariant;
  return unknown ? Refusal::kUnknownVariant : Refusal::kNotJson;
}

void FrameParser::feed(Bytes chunk, std::vector<Outcome>& out) {
  if (ended_) return;
  if (pending_.empty()) {  // The usual case: whole frames, nothing copied.
    const std::size_t used = take_frames(chunk, out);
    if (!ended_) pending_ = to_buffer(chunk.subspan(used));
    return;
  }
  pending_.insert(pending_.end(), chunk.begin(), chunk.end());
  const std::size_t used = take_frames(pending_, out);
  if (ended_) {
    pending_ = {};
  } else if (used > 0) {
    pending_ = to_buffer(Bytes(pending_).subspan(used));
  }
}

/// Takes the whole frames at the front of `bytes`; returns how many bytes they cover.
std::size_t FrameParser::take_frames(Bytes bytes, std::vector<Outcome>& out) {
  std::size_t used = 0;
  while (!ended_) {
    Reader reader(bytes.subspan(used));
    const std::size_t length = reader.u32be();
    if (!reader.ok()) break;
    if (length > kMaxFrameBytes) {
      out.emplace_back(Refusal::kTooLong);
    } else if (length < kMinBodyBytes) {
      out.emplace_back(Refusal::kTooShort);
    } else {
      const Bytes body = reader.bytes(length);
      if (!reader.ok()) break;
      out.push_back(open_body(body, cipher_));
      used += kLengthBytes + length;
    }
    const auto* refusal = std::get_if<Refusal>(&out.back());
    ended_ = refusal != nullptr && ends_stream(*refusal);
  }
  return used;
}

}  // namespace twinbed::election
