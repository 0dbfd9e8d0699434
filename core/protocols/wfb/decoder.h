// From the packets of a WFB-NG stream back to its payloads.
//
//   session ──► opens under the link's keys, is of this channel, not of an older epoch ──► adopted
//   data    ──► opens under the session's key ──► ring ──► payloads in order
//
// A session with another key takes over at once: what was not delivered before is dropped.
#pragma once

#include <memory>
#include <optional>

#include "core/crypto/chacha20_poly1305.h"
#include "core/crypto/hash.h"
#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/ring.h"

namespace twinbed::wfb {

/// What became of the packets, under the names of WFB-NG's statistics.
struct DecoderCounters {
  std::uint64_t undecryptable = 0;  ///< dec_err: not authentic, or not a session for us
  std::uint64_t session = 0;        ///< sessions, repeated ones included
  std::uint64_t data = 0;           ///< data packets that opened
  std::uint64_t recovered = 0;      ///< fec_rec: fragments that were computed
  std::uint64_t lost = 0;           ///< payloads that are missing between those delivered
  std::uint64_t bad = 0;            ///< malformed
  std::uint64_t out = 0;            ///< payloads delivered
  std::uint64_t out_bytes = 0;
  std::uint64_t overrides = 0;      ///< blocks that had to make room

  bool operator==(const DecoderCounters&) const = default;
};

class DecoderOwner {
 public:
  virtual ~DecoderOwner() = default;
  virtual void on_payload(Bytes payload) = 0;
  virtual void on_session(const Session& session) = 0;
};

class Decoder final : private RingOwner {
 public:
  struct Options {
    KeyFile keys;
    ChannelId channel;
    std::uint64_t least_epoch = 0;
  };

  /// The owner outlives the decoder.
  Decoder(const Options& options, DecoderOwner& owner);

  /// Takes a data or session packet. True for a data packet that opened: its reception counts.
  bool receive(Bytes packet);
  /// A packet that is not the decoder's is malformed.
  void count_bad() { ++counters_.bad; }

  DecoderCounters counters() const;
  /// The session that is on, if any.
  const std::optional<Session>& session() const { return session_; }

 private:
  void receive_session(Bytes packet);
  bool receive_data(Bytes packet);
  bool is_for_us(const Session& session) const;
  void on_fragment(FragmentId id, std::span<std::byte> room, std::size_t length) override;

  Options options_;
  DecoderOwner& owner_;
  DecoderCounters counters_;

  std::optional<Session> session_;
  Digest session_hash_{};  ///< of the last session packet that was good
  Buffer plain_;
  ChaCha20Poly1305 cipher_;
  std::unique_ptr<Ring> ring_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace twinbed::wfb
