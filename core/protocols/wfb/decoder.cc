#include "core/protocols/wfb/decoder.h"

#include <algorithm>

#include "core/crypto/box.h"
#include "core/wire/reader.h"

namespace twinbed::wfb {

Decoder::Decoder(const Options& options, DecoderOwner& owner)
    : options_(options), owner_(owner), peer_(mark_of(options.keys.theirs)),
      plain_(kMaxPacketBytes), cipher_(SecretKey{}) {}

bool Decoder::receive(Bytes packet, Time now) {
  if (packet.empty()) return false;
  switch (static_cast<PacketType>(packet.front())) {
    case PacketType::kData: return receive_data(packet, now);
    case PacketType::kSession: receive_session(packet); return false;
    default: count_bad(); return false;
  }
}

void Decoder::receive_session(Bytes packet) {
  if (packet.size() < kMinSessionBytes || packet.size() > kMaxPacketBytes) return count_bad();
  const Bytes nonce_bytes = packet.subspan(1, kSessionNonceBytes);
  const Bytes sealed = packet.subspan(1 + kSessionNonceBytes);
  Blake2b256 hasher = Blake2b256::keyed(nonce_bytes);
  hasher.update(sealed);
  const Digest hash = hasher.finish();
  if (session_ && hash == session_hash_) {
    ++counters_.session;
    return;
  }
  if (hash == refused_hash_) {
    ++counters_.refused;
    return;
  }
  BoxNonce nonce;
  std::ranges::copy(nonce_bytes, nonce.begin());
  Buffer plain;
  const bool is_authentic =
      open_box(options_.keys.mine, options_.keys.theirs, nonce, sealed, plain);
  const std::optional<Session> session = is_authentic ? read_session(plain) : std::nullopt;
  if (!session || !is_for_us(*session)) {
    ++counters_.undecryptable;
    return;
  }
  const bool is_present =
      session_ && equal_in_constant_time(session_->key.bytes(), session->key.bytes());
  const std::optional<Refusal> refusal =
      is_present ? std::nullopt : refusal_of(*session, hash);
  if (refusal) {
    ++counters_.refused;
    refused_hash_ = hash;
    return owner_.on_refused(*session, *refusal);
  }
  ++counters_.session;
  session_hash_ = hash;
  if (!is_present) adopt(*session, hash);
}

void Decoder::adopt(const Session& session, const Digest& hash) {
  if (options_.flush_on_session && ring_) ring_->flush();
  session_ = session;
  adopted_ = {session.epoch, hash};
  options_.least_epoch = session.epoch;
  cipher_ = ChaCha20Poly1305(session.key);
  counters_ = counters();
  ring_ = std::make_unique<Ring>(session.fec, static_cast<RingOwner&>(*this),
                                 options_.ring_timeout);
  last_sequence_ = 0;
  sent_before_ = 0;
  owner_.on_session(*session_);
}

std::optional<Refusal> Decoder::refusal_of(const Session& session, const Digest& hash) const {
  if (!options_.refuse_replay) return std::nullopt;
  if (session.sender && *session.sender != peer_) return Refusal::kReflected;
  if (!adopted_ || session.epoch > adopted_->epoch) return std::nullopt;
  const bool is_taken_up_again =
      !session_ && session.epoch == adopted_->epoch && hash == adopted_->hash;
  return is_taken_up_again ? std::nullopt : std::optional(Refusal::kOld);
}

bool Decoder::is_for_us(const Session& session) const {
  // Where replays are refused, an older epoch is counted as what it is.
  const bool is_old = session.epoch < options_.least_epoch;
  const bool is_judged_later = options_.refuse_replay && session_;
  return (!is_old || is_judged_later) && session.channel == options_.channel &&
         session.fec_type == kFecReedSolomon && session.fec.is_sound();
}

bool Decoder::receive_data(Bytes packet, Time now) {
  constexpr std::size_t kLeastBytes = kDataHeaderBytes + kFragmentHeaderBytes + kTagBytes;
  if (packet.size() < kLeastBytes || packet.size() > kMaxPacketBytes) {
    count_bad();
    return false;
  }
  const Bytes header = packet.first(kDataHeaderBytes);
  const auto nonce = header.last<ChaCha20Poly1305::kNonceBytes>();
  const FragmentId id = fragment_of(nonce);
  const Bytes sealed = packet.subspan(kDataHeaderBytes);
  if (!session_ || !cipher_.open(nonce, header, sealed, plain_.data())) {
    ++counters_.undecryptable;
    return false;
  }
  if (id.fragment >= session_->fec.n) {
    count_bad();
    return false;
  }
  ++counters_.data;
  count_sent(id);
  ring_->add(id, Bytes(plain_).first(sealed.size() - kTagBytes), now);
  return true;
}

void Decoder::count_sent(FragmentId id) {
  const std::uint64_t number = id.block * session_->fec.n + id.fragment;
  // Who comes into a session late does not know what was sent in it before.
  if (sent_before_ == 0 && id.block > 0) sent_before_ = number;
  if (number < sent_before_) return;
  counters_.sent += number + 1 - sent_before_;
  sent_before_ = number + 1;
}

void Decoder::expire(Time now) {
  if (ring_) ring_->expire(now);
}

void Decoder::on_fragment(FragmentId id, std::span<std::byte> room, std::size_t length) {
  const std::uint64_t sequence = id.block * session_->fec.k + id.fragment;
  // WFB-NG counts no loss before the second payload, and none right after the very first one.
  if (last_sequence_ > 0 && sequence > last_sequence_ + 1) {
    counters_.lost += sequence - last_sequence_ - 1;
  }
  last_sequence_ = sequence;
  const bool is_filler = (std::to_integer<std::uint8_t>(room[0]) & kFillerFlag) != 0;
  const std::size_t size = Reader(room.subspan(1)).u16be();
  if (size > kMaxPayloadBytes) return count_bad();
  if (is_filler) return;
  // A sender may leave the end of a payload out, which is then zeros.
  const std::size_t end = kFragmentHeaderBytes + size;
  if (end > length) std::ranges::fill(room.subspan(length, end - length), std::byte{});
  ++counters_.out;
  counters_.out_bytes += size;
  owner_.on_payload(Bytes(room).subspan(kFragmentHeaderBytes, size));
}

DecoderCounters Decoder::counters() const {
  DecoderCounters sum = counters_;
  if (ring_) {
    sum.recovered += ring_->recovered();
    sum.overrides += ring_->overrides();
    sum.expired += ring_->expired();
  }
  return sum;
}

}  // namespace twinbed::wfb
