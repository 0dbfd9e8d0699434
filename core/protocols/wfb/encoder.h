// From payloads to the packets of a WFB-NG stream: blocks of k fragments that are sent at once, and
// n - k parities behind them; and the session that tells receivers how to open them.
//
//            payload ──► fragment 0 .. k - 2         ┌─ parities, next block
//   empty ───────────────────► open ───── fragment k - 1 ──► empty
//                               └─ filler: a fragment that holds nothing
//
// A session has a key of its own, which is drawn at random. It is announced before a payload,
// whenever the last announcement is old enough; never while nothing is sent, unless its owner asks
// for it (session_repeat): who loses the only announcement hears nothing for a second.
#pragma once

#include <vector>

#include "core/base/random.h"
#include "core/base/time.h"
#include "core/crypto/chacha20_poly1305.h"
#include "core/fec/reed_solomon.h"
#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

struct EncoderOptions {
  KeyFile keys;
  ChannelId channel;
  std::uint64_t epoch = 0;
  FecParams fec;
  Duration announce_every = std::chrono::seconds(1);
  /// Policy robust: every announcement n - k + 1 times, as many as the parities' loss it survives.
  bool session_repeat = false;
  /// Policy robust: each session has a higher epoch than the one before, and names its sender.
  bool refuse_replay = false;
};

enum class PacketKind : std::uint8_t { kSession, kData, kParity };

class EncoderOwner {
 public:
  virtual ~EncoderOwner() = default;
  /// A packet to be sent; its bytes are valid during the call.
  virtual void on_packet(PacketKind kind, Bytes packet) = 0;
};

/// Nothing is allocated for a packet.
class Encoder {
 public:
  /// The owner outlives the encoder; the parameters of the FEC must be sound.
  Encoder(const EncoderOptions& options, Random& random, EncoderOwner& owner);

  /// Sends a payload, of which at most kMaxPayloadBytes count; a session goes first where one is
  /// due, and the parities follow where the block is full.
  void send(Time now, Bytes payload, Random& random);
  /// Adds a filler to the open block; nothing happens where none is open.
  void fill(Random& random);
  bool has_open_block() const { return next_fragment_ > 0; }
  /// Announces the session where that is due, without a payload.
  void announce_if_due(Time now);
  /// Announces the session n - k + 1 times, due or not.
  void announce_again(Time now);
  /// When announce_if_due() would.
  Time next_announcement() const;

  /// Closes the open block, begins a session with these parameters, and announces it n - k + 1
  /// times.
  void set_fec(Time now, FecParams fec, Random& random);
  FecParams fec() const { return options_.fec; }
  /// Of the present session.
  std::uint64_t epoch() const { return options_.epoch; }

 private:
  void begin_session(Random& random);
  void begin_next_session(Random& random);
  void announce(Time now, int times);
  void add_fragment(std::uint8_t flags, Bytes payload, Random& random);
  void end_block(Random& random);
  void emit(PacketKind kind, std::uint8_t fragment, std::size_t length);

  EncoderOptions options_;
  EncoderOwner& owner_;
  Buffer session_packet_;
  Time announced_{};
  bool is_announced_ = false;

  ChaCha20Poly1305 cipher_;
  ReedSolomon code_;
  std::uint64_t block_ = 0;
  std::uint8_t next_fragment_ = 0;
  Buffer storage_;  ///< n fragments
  std::vector<std::byte*> fragments_;
  std::vector<std::size_t> lengths_;  ///< of the block's data fragments
  Buffer packet_;
};

}  // namespace twinbed::wfb
