// The secure channel: an authenticated handshake and then sealed messages, over any stream of
// bytes. It does no I/O: bytes of the stream go in, bytes to be sent come out.
//
//   initiator                                   responder
//     hello, 151 bytes          ------------>     wants_verdict(): accept() or refuse()
//                               <------------     answer, 151 bytes; if accepted: stream
//     stream                    ------------>
//
//   (handshake.h lays out hello and answer, and says what they prove)
//
// The stream of each direction is that of crypto/secret_stream.h under a key of its own:
//
//   bytes  field
//      24  header, once
//       4  length of the sealed message, big-endian, 17 to 17 + 1 MiB        \  a frame,
//       n  sealed message: encrypted tag, ciphertext, authenticator          /  any number of times
//
// The first frame of a direction is empty and confirms the keys. Every other one holds a message of
// 1 byte to 1 MiB, until an empty frame with the tag FINAL closes the channel. A message with the
// tag REKEY is the last one under its key: one is sent every 2^30 bytes or every hour, whichever
// comes first.
//
//      kHandshake --------- the peer's first frame is authentic ----------> kOpen
//       |     |                                                            |    |
//       |     | close()                            FINAL, sent or received |    |
//       |     '--------------------------> kClosed <-----------------------'    |
//       |                                                                       |
//       '-- on_end(), refused, --------->  kFailed  <----- on_end(), ----------'
//           not authentic                                  not authentic
//
// Frames in clear (Frames::kClear) are there so that the cost of sealing can be measured and the
// lack of it studied; no native program offers them. The handshake, the header and the first frame
// of each direction stay as they are, so that both sides are still proven. After that a frame is
//
//   bytes  field
//       4  length of the message, big-endian, 0 to 1 MiB; 0 closes the channel
//       n  message
//
// without an authenticator: whoever is on the way can read, change and add what he likes.
//
// What is proven, and when. A hello proves that its writer holds the cluster key, or has recorded
// somebody who does: it can be replayed, so a verdict must not disturb what is already there, such
// as an older connection of the same node. Once a channel is kOpen the peer has proved that it is
// there now and that it holds the secret of peer().public_key, on either side. An owner that lets
// in certain keys alone refuses others at the verdict, and acts on no peer before kOpen. An
// initiator checks peer() when it is open, and closes where that is not the node it wanted.
//
// What the owner does: it limits handshakes a second and their age by a timer, closes the stream
// when state() is kClosed or kFailed after having sent what was written, and counts failure(). A
// peer that sends no proof gets no answer, so that a side with a wrong cluster key sees kTruncated
// and the other one kNotAuthentic.
#pragma once

#include <deque>
#include <optional>

#include "core/base/time.h"
#include "core/crypto/secret_stream.h"
#include "core/protocols/secure/handshake.h"

namespace twinbed::secure {

inline constexpr std::size_t kMaxMessageBytes = std::size_t{1} << 20;

/// When a direction takes a new key: with the message that brings the sum of their bytes to this
/// many, or the first one when the key is this old.
struct RekeyLimits {
  std::uint64_t bytes = std::uint64_t{1} << 30;
  Duration age = std::chrono::hours(1);
};

class Channel {
 public:
  enum class State : std::uint8_t { kHandshake, kOpen, kClosed, kFailed };

  /// The side that opened the stream; writes its hello.
  static Channel initiator(const Credentials& credentials, Random& random, Buffer& out,
                           Frames frames = Frames::kSealed);
  /// The side that accepted the stream; it waits for the hello.
  static Channel responder(const Credentials& credentials, Frames frames = Frames::kSealed);

  /// Takes bytes of the stream, cut anyhow, and appends what must be sent to `out`. What comes
  /// after the end of the channel is passed over.
  void receive(Random& random, Time now, Bytes bytes, Buffer& out);

  /// Of a responder: a hello has come that bears the cluster key, peer() says whose, and nothing
  /// goes on until accept() or refuse() is called. A peer that sends more meanwhile has failed.
  bool wants_verdict() const { return expected_ == Piece::kVerdict; }
  /// Lets the peer in. Fails the channel where a key of the peer's is of low order.
  void accept(Random& random, Buffer& out);
  /// Fails the channel for one of the reasons that is_verdict() names; the peer is told, under the
  /// cluster key, and its own channel fails for the same reason.
  void refuse(Refusal why, Buffer& out);

  /// The next whole message in order, or nothing. What came whole before a failure is still given.
  std::optional<Buffer> next();

  /// Frames one message of 1 to kMaxMessageBytes bytes; the channel must be open.
  void send(Time now, Bytes message, Buffer& out);
  /// The same for a message whose head and body lie apart.
  void send(Time now, Bytes head, Bytes body, Buffer& out);

  /// Ends the channel in good order: the closing mark, if it is open. Messages of the peer that are
  /// still on their way are lost.
  void close(Time now, Buffer& out);
  /// The stream has ended: kTruncated, unless the channel had ended before.
  void on_end();

  void set_rekey_limits(const RekeyLimits& limits) { rekey_limits_ = limits; }

  State state() const { return state_; }
  /// Why the channel is kFailed, else kNone.
  Refusal failure() const { return failure_; }
  /// Whether failure() is the verdict of the peer.
  bool failed_by_peer() const { return is_failed_by_peer_; }
  /// What the peer says of itself, from the verdict or from kOpen on; its key is proven from kOpen
  /// on. An initiator that was refused sees by whom.
  const Identity& peer() const { return peer_; }

 private:
  /// What the next bytes of the peer's are part of.
  enum class Piece : std::uint8_t { kHandshake, kVerdict, kHeader, kLength, kSealed, kClear };

  Channel(Handshake::Side side, const Credentials& credentials, Frames frames);

  /// Whether the next frame, of either side, is in clear.
  bool is_clear() const { return frames_ == Frames::kClear && state_ == State::kOpen; }
  bool is_live() const { return state_ == State::kHandshake || state_ == State::kOpen; }
  void take_piece(Random& random, Buffer& out);
  void take_handshake(Random& random, Buffer& out);
  void take_length();
  void take_clear_length(std::size_t length);
  void take_sealed();
  void expect(Piece piece, std::size_t bytes);
  bool begin_streams(Random& random, Buffer& out);
  void write_clear(Bytes message, Buffer& out);
  void seal(Bytes plain, StreamTag tag, Buffer& out);
  void end(State state, Refusal why);

  Handshake::Side side_;
  Frames frames_;
  State state_ = State::kHandshake;
  Refusal failure_ = Refusal::kNone;
  bool is_failed_by_peer_ = false;
  Identity peer_;

  Piece expected_ = Piece::kHandshake;
  std::size_t expected_bytes_ = Handshake::kMessageBytes;
  Buffer pending_;  ///< the beginning of the expected piece, never more than it
  std::deque<Buffer> messages_;

  std::optional<Handshake> handshake_;  ///< until the keys are derived; wiped then
  std::optional<SecretKey> opening_key_;  ///< until the peer's header has come
  std::optional<StreamSealer> sealer_;
  std::optional<StreamOpener> opener_;

  RekeyLimits rekey_limits_;
  std::uint64_t bytes_under_key_ = 0;
  Time keyed_at_{};  ///< when the key to seal with came into use
};

}  // namespace twinbed::secure
