// Streams: reliable, ordered byte streams between endpoints (TCP).
//
//        open ──► kOpened ──► kData ... ──► kClosed      the peer closed, all its bytes delivered
//          └────► kFailed                └─► kReset       the connection broke
//      listen ──► kAccepted ─► kData ...
//
// Exactly one of kFailed, kClosed and kReset ends a stream, and none of them comes after the
// protocol itself has called close.
#pragma once

#include <string_view>

#include "core/base/bytes.h"
#include "core/io/endpoint.h"
#include "core/io/ids.h"

namespace twinbed {

enum class StreamEventKind : std::uint8_t {
  kAccepted,  ///< a peer connected to `listener`; `stream` is the host's new name for it
  kOpened,    ///< the stream that was opened is connected
  kFailed,    ///< the stream that was opened could not be connected, see `failure`
  kData,      ///< the next bytes in order
  kDrained,   ///< all bytes written so far are with the network stack (or on their way)
  kClosed,    ///< the peer closed in good order
  kReset,     ///< the connection broke: reset by the peer, or given up after retransmissions
};

enum class StreamFailure : std::uint8_t {
  kNone,
  kRefused,      ///< the host answers, nobody listens at the endpoint
  kTimedOut,     ///< no answer within the back-off of the connection set-up
  kUnreachable,  ///< no route to the address
};

struct StreamEvent {
  StreamEventKind kind{};
  StreamId stream{};
  ListenerId listener{};  ///< kAccepted only
  Endpoint peer;          ///< kAccepted and kOpened only
  StreamFailure failure = StreamFailure::kNone;
  Bytes data;             ///< kData only; valid during the handler
};

class Streams {
 public:
  virtual ~Streams() = default;

  /// Accepts streams at a local endpoint from now on.
  virtual void listen(ListenerId id, const Endpoint& local) = 0;

  /// Connects to an endpoint; the answer is kOpened or kFailed. A stream id may be used again once
  /// its stream has ended or was closed.
  virtual void open(StreamId id, const Endpoint& to) = 0;

  /// Appends bytes to the stream; before kOpened they wait. Everything is taken and buffered:
  /// a protocol that must not run ahead of the network waits for kDrained. Writing to a stream that
  /// has ended does nothing.
  virtual void write(StreamId id, Bytes data) = 0;

  /// Closes after what was written has been sent, and forgets the id.
  virtual void close(StreamId id) = 0;
};

/// "refused", "timed out", "unreachable".
std::string_view to_string(StreamFailure failure);
/// "accepted", "opened", ...
std::string_view to_string(StreamEventKind kind);

}  // namespace twinbed
