#include "core/protocols/wfb/encoder.h"

#include <algorithm>

#include "core/crypto/box.h"
#include "core/protocols/wfb/fragment_room.h"

namespace twinbed::wfb {

Encoder::Encoder(const EncoderOptions& options, Random& random, EncoderOwner& owner)
    : options_(options),
      owner_(owner),
      cipher_(SecretKey{}),
      code_(options.fec.k, options.fec.n),
      packet_(kMaxPacketBytes) {
  begin_session(random);
}

void Encoder::begin_session(Random& random) {
  Session session{options_.epoch, options_.channel, kFecReedSolomon, options_.fec, {}};
  if (options_.refuse_replay) session.sender = mark_of(public_key_of(options_.keys.mine));
  random.fill(session.key.writable());
  BoxNonce nonce;
  random.fill(nonce);
  Buffer plain;
  write_session(session, plain);
  Buffer sealed;
  // A peer's key of low order seals nothing: receivers then hear a session that they cannot open.
  seal_box(options_.keys.mine, options_.keys.theirs, nonce, plain, sealed);
  session_packet_.assign(1, static_cast<std::byte>(PacketType::kSession));
  session_packet_.insert(session_packet_.end(), nonce.begin(), nonce.end());
  session_packet_.insert(session_packet_.end(), sealed.begin(), sealed.end());

  cipher_ = ChaCha20Poly1305(session.key);
  code_ = ReedSolomon(options_.fec.k, options_.fec.n);
  make_room(options_.fec.n, storage_, fragments_);
  lengths_.assign(options_.fec.k, 0);
  block_ = 0;
  next_fragment_ = 0;
  is_announced_ = false;
}

void Encoder::begin_next_session(Random& random) {
  if (options_.refuse_replay) ++options_.epoch;
  begin_session(random);
}

void Encoder::announce(Time now, int times) {
  for (int i = 0; i < times; ++i) owner_.on_packet(PacketKind::kSession, session_packet_);
  announced_ = now;
  is_announced_ = true;
}

void Encoder::announce_if_due(Time now) {
  if (now < next_announcement()) return;
  announce(now, options_.session_repeat ? options_.fec.n - options_.fec.k + 1 : 1);
}

void Encoder::announce_again(Time now) { announce(now, options_.fec.n - options_.fec.k + 1); }

Time Encoder::next_announcement() const {
  return is_announced_ ? announced_ + options_.announce_every : Time{};
}

void Encoder::send(Time now, Bytes payload, Random& random) {
  announce_if_due(now);
  add_fragment(0, payload.first(std::min(payload.size(), kMaxPayloadBytes)), random);
  // Numbers ran out: the new session is not left to chance.
  if (!is_announced_) announce_again(now);
}

void Encoder::fill(Random& random) {
  if (has_open_block()) add_fragment(kFillerFlag, {}, random);
}

void Encoder::set_fec(Time now, FecParams fec, Random& random) {
  while (has_open_block()) fill(random);
  options_.fec = fec;
  begin_next_session(random);
  announce_again(now);
}

void Encoder::add_fragment(std::uint8_t flags, Bytes payload, Random& random) {
  std::byte* fragment = fragments_[next_fragment_];
  fragment[0] = std::byte{flags};
  fragment[1] = static_cast<std::byte>(payload.size() >> 8);
  fragment[2] = static_cast<std::byte>(payload.size());
  std::ranges::copy(payload, fragment + kFragmentHeaderBytes);
  const std::size_t length = kFragmentHeaderBytes + payload.size();
  lengths_[next_fragment_] = length;
  emit(PacketKind::kData, next_fragment_, length);
  ++next_fragment_;
  if (next_fragment_ == options_.fec.k) end_block(random);
}

void Encoder::end_block(Random& random) {
  const std::size_t length = std::ranges::max(lengths_);
  for (std::size_t i = 0; i < lengths_.size(); ++i) {
    std::fill(fragments_[i] + lengths_[i], fragments_[i] + length, std::byte{});
  }
  code_.encode(fragments_, length);
  for (int parity = options_.fec.k; parity < options_.fec.n; ++parity) {
    emit(PacketKind::kParity, static_cast<std::uint8_t>(parity), length);
  }
  next_fragment_ = 0;
  if (++block_ > kLastBlock) begin_next_session(random);
}

void Encoder::emit(PacketKind kind, std::uint8_t fragment, std::size_t length) {
  const auto header = data_header({block_, fragment});
  std::ranges::copy(header, packet_.begin());
  cipher_.seal(std::span(header).last<ChaCha20Poly1305::kNonceBytes>(), header,
               {fragments_[fragment], length}, packet_.data() + kDataHeaderBytes);
  owner_.on_packet(kind, Bytes(packet_).first(kDataHeaderBytes + length + kTagBytes));
}

}  // namespace twinbed::wfb
