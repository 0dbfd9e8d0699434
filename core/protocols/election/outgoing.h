// The sending side of cloud-p2p: one connection for each destination, opened when there is
// something to send, all of them behind one lock. One dead peer thus holds up the messages to every
// other.
//
//   queue of (destination, frame), strictly in order; its head meets a connection that is
//
//     idle ────────► opened; the queue waits, up to the connect limit ──► open, or message lost
//     open ────────► written
//     half closed ─► written and lost: the kernel takes it, the peer's kernel answers with a reset
//     broken ──────► lost, idle again: this is when the program notices
//
// An open connection becomes half closed when the peer ends it in good order (a killed process too:
// its kernel closes), and broken by a reset. The original never reads on these connections and so
// learns of their end only by writing.
//
// The original's tasks wait for the lock and for the connection themselves; here their messages
// wait and the tasks go on.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "core/io/protocol.h"
#include "core/protocols/election/peer.h"

namespace twinbed::election {

/// What becomes of a message that was sent with a number other than 0: first kWritten and then
/// kDrained, or kLost at any time before kDrained.
enum class SendStage : std::uint8_t {
  kWritten,  ///< the connection has taken it
  kDrained,  ///< it is with the network stack; whether it arrives nobody knows
  kLost,     ///< there was no connection, or it broke
};

struct SendOutcome {
  PeerId to = 0;
  std::uint64_t number = 0;
  SendStage stage{};
  StreamFailure failure = StreamFailure::kNone;  ///< kLost: why no connection; kNone: it broke
};

class Outgoing {
 public:
  /// Streams 0 .. destinations - 1 and this one timer are used.
  Outgoing(std::vector<Peer> destinations, Duration connect_limit, TimerId timer);

  /// Queues a frame. The number, unless 0, comes back in an outcome. False for an unknown peer.
  bool send(Context& context, PeerId to, Buffer frame, std::uint64_t number = 0);

  /// True if the event belongs to a connection opened here.
  bool on_stream(Context& context, const StreamEvent& event);
  /// The timer has fired.
  void on_timer(Context& context);

  /// The outcomes since the last call, in the order in which they became known.
  std::vector<SendOutcome> take_outcomes();

  /// Messages that wait, the one that waits for its connection included.
  std::size_t waiting() const { return queue_.size(); }

 private:
  enum class State : std::uint8_t { kIdle, kConnecting, kOpen, kHalfClosed, kBroken };
  struct Link {
    Peer peer;
    State state = State::kIdle;
    std::vector<std::uint64_t> undrained;  ///< numbers of what was written and not yet drained
  };
  struct Item {
    std::size_t link = 0;
    Buffer frame;
    std::uint64_t number = 0;
  };

  void pump(Context& context);
  bool advance_head(Context& context);
  Item take_head();
  void lose_head(StreamFailure failure);
  void report(const Link& link, std::uint64_t number, SendStage stage,
              StreamFailure failure = StreamFailure::kNone);
  void settle_undrained(Link& link, SendStage stage);

  std::vector<Link> links_;
  Duration connect_limit_;
  TimerId timer_;
  std::deque<Item> queue_;
  std::vector<SendOutcome> outcomes_;
};

}  // namespace twinbed::election
