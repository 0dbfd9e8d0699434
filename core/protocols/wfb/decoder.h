// From the packets of a WFB-NG stream back to its payloads.
//
//   session ──► opens under the link's keys, is of this channel, not of an older epoch ──► adopted
//   data    ──► opens under the session's key ──► ring ──► payloads in order
//
// A session with another key takes over at once: what was not delivered before is dropped, unless
// flush_on_session is on.
//
// What refuse_replay protects, and what it does not:
//   - A session is adopted only if its epoch is above that of the last one that was: a recorded
//     one is never taken again, and of two transmitters with one key the later stays. The epoch
//     outlives the receiver's program (the owner keeps adopted(), and restores it).
//   - A session that says that somebody else than the peer made it is refused. One that says
//     nothing comes from an original transmitter and is taken; so an original transmitter on this
//     side that sends on the channel that is received can still be reflected.
//   - Data packets of the session that is on cannot be played again, as their blocks are closed;
//     but they can be to a receiver that has just been started again in the same session.
//   - Frames can be suppressed or jammed as before, and a transmitter whose wall clock was far
//     ahead and that has lost its storage is refused until its clock has caught up.
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
  std::uint64_t expired = 0;        ///< holes that were given up for their age (ring_timeout)
  std::uint64_t refused = 0;        ///< authentic sessions that were refused (refuse_replay)
  std::uint64_t sent = 0;           ///< data packets that must have been sent, by their numbers

  bool operator==(const DecoderCounters&) const = default;
};

/// Why an authentic session was refused.
enum class Refusal : std::uint8_t {
  kOld,        ///< its epoch is not above that of the last one that was adopted
  kReflected,  ///< it is not the peer's
};

class DecoderOwner {
 public:
  virtual ~DecoderOwner() = default;
  virtual void on_payload(Bytes payload) = 0;
  virtual void on_session(const Session& session) = 0;
  /// A session was refused; called once as long as the same one is repeated.
  virtual void on_refused(const Session&, Refusal) {}
};

/// What a receiver remembers of the session that it adopted last.
struct AdoptedSession {
  std::uint64_t epoch = 0;
  Digest hash{};  ///< of its packet: after a restart the same session is taken up again
};

class Decoder final : private RingOwner {
 public:
  struct Options {
    KeyFile keys;
    ChannelId channel;
    std::uint64_t least_epoch = 0;
    Duration ring_timeout{};  ///< policy robust: how long holes are waited for; 0: see ring.h
    bool flush_on_session = false;  ///< policy robust: a new session delivers what is pending
    bool refuse_replay = false;     ///< policy robust: strictly newer epochs only
  };

  /// The owner outlives the decoder.
  Decoder(const Options& options, DecoderOwner& owner);

  /// Takes a data or session packet. True for a data packet that opened: its reception counts.
  bool receive(Bytes packet, Time now = {});
  /// When expire() is to be called; kNever where nothing waits.
  Time wake_at() const { return ring_ ? ring_->wake_at() : kNever; }
  void expire(Time now);
  /// A packet that is not the decoder's is malformed.
  void count_bad() { ++counters_.bad; }

  DecoderCounters counters() const;
  /// The session that is on, if any.
  const std::optional<Session>& session() const { return session_; }
  const std::optional<AdoptedSession>& adopted() const { return adopted_; }
  /// What an earlier receiver has adopted, before anything is received.
  void restore(const AdoptedSession& adopted) { adopted_ = adopted; }

 private:
  void receive_session(Bytes packet);
  void adopt(const Session& session, const Digest& hash);
  bool receive_data(Bytes packet, Time now);
  void count_sent(FragmentId id);
  bool is_for_us(const Session& session) const;
  std::optional<Refusal> refusal_of(const Session& session, const Digest& hash) const;
  void on_fragment(FragmentId id, std::span<std::byte> room, std::size_t length) override;

  Options options_;
  DecoderOwner& owner_;
  DecoderCounters counters_;

  std::optional<Session> session_;
  Digest session_hash_{};  ///< of the last session packet that was good
  std::optional<AdoptedSession> adopted_;
  std::optional<Digest> refused_hash_;  ///< of the last session packet that was refused
  SenderMark peer_{};
  Buffer plain_;
  ChaCha20Poly1305 cipher_;
  std::unique_ptr<Ring> ring_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t sent_before_ = 0;  ///< of the session: the number of the next packet to be sent
};

}  // namespace twinbed::wfb
