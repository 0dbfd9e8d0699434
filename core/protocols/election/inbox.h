// The receiving side of cloud-p2p: connections that peers opened, each cut into frames, all of them
// feeding one queue of messages. Nothing is ever answered on them.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string_view>

#include "core/io/protocol.h"
#include "core/protocols/election/frame.h"

namespace twinbed::election {

/// {"reason", "from", "count"}: a frame was refused; `count` is how often that reason was met.
inline constexpr EventType kRefusedEvent{"election.refused", "the node refuses a frame"};
/// Frames refused so far, of all reasons.
inline constexpr Metric kRefusedMetric{"election.refused_frames", "1",
                                       "frames that the node refused since its start"};

/// A message and the endpoint from which its connection came.
struct Received {
  Message message;
  Endpoint from;
};

class Inbox {
 public:
  explicit Inbox(const Aes256Gcm& cipher) : cipher_(cipher) {}

  /// Takes the events of accepted streams and adds what they complete to the queue.
  void on_stream(Context& context, const StreamEvent& event);

  bool empty() const { return queue_.empty(); }
  std::size_t size() const { return queue_.size(); }
  /// The oldest message, removed from the queue, which must not be empty.
  Received pop();

  const RefusalCounts& refusals() const { return refusals_; }

 private:
  struct Connection {
    Endpoint peer;
    FrameParser parser;
  };

  void take_data(Context& context, StreamId stream, Connection& connection, Bytes data);
  void count_refusal(Context& context, Refusal refusal, const Endpoint& from);

  Aes256Gcm cipher_;
  std::map<StreamId, Connection> connections_;
  std::deque<Received> queue_;
  RefusalCounts refusals_{};
};

}  // namespace twinbed::election
