// What every election protocol records about itself: whom it takes for the leader, and how many
// messages it sends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/io/recorder.h"
#include "core/protocols/election/message.h"

namespace twinbed::election {

/// {"leader", "term", "reason"}: this node declares itself, because there is "nobody_higher" or
/// because "no_answer" came.
inline constexpr EventType kDeclareEvent{"election.declare", "the node declares itself leader"};

/// Messages of each kind that a node has sent since its start, in the order of Message.
inline constexpr std::array<Metric, kMessageKinds> kSentMetrics = {{
    {"election.sent.hello", "1", "Hello messages sent since the start"},
    {"election.sent.heartbeat", "1", "Heartbeat messages sent since the start"},
    {"election.sent.election", "1", "Election messages sent since the start"},
    {"election.sent.ok", "1", "Ok messages sent since the start"},
    {"election.sent.coordinator", "1", "Coordinator messages sent since the start"},
    {"election.sent.query_leader", "1", "QueryLeader messages sent since the start"},
    {"election.sent.leader_info", "1", "LeaderInfo messages sent since the start"},
    {"election.sent.encrypt_request", "1", "EncryptRequest messages sent since the start"},
    {"election.sent.encrypt_reply", "1", "EncryptReply messages sent since the start"},
}};

/// Counts messages by kind; each count is a sample of that kind's metric.
class SentCounter {
 public:
  void count(Recorder& recorder, const Message& message);

 private:
  MessageCounts counts_{};
};

/// Whom a node takes for the leader. Changes are recorded as kLeaderViewEvent and, where they make
/// or unmake the node itself, as kRoleEvent "leader" or "follower".
class LeaderView {
 public:
  explicit LeaderView(PeerId own) : own_(own) {}

  /// Records the state before anything is known: follower of nobody.
  void start(Recorder& recorder) const;
  void set(Recorder& recorder, PeerId leader);
  /// Records that this node declares itself and then makes it the leader.
  void declare(Recorder& recorder, bool nobody_higher);

  std::optional<PeerId> leader() const { return leader_; }
  bool leads() const { return leader_ == own_; }

 private:
  void record_role(Recorder& recorder) const;
  void record_view(Recorder& recorder) const;

  PeerId own_;
  std::optional<PeerId> leader_;
};

}  // namespace twinbed::election
