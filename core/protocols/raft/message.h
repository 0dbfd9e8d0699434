// The messages of Raft and their wire form.
//
//   u8 kind | u64 term | fields, big-endian
//
// The protocol around Raft frames them, encrypts them and knows who sent them; a message whose
// bytes are not exactly one message is refused whole.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/protocols/raft/types.h"

namespace twinbed::raft {

/// Asks for a vote (§3.4), or whether a vote would be given (pre-vote, §9.6): then `term` is the
/// one that the sender would take.
struct VoteRequest {
  Term term = 0;
  Index last_index = 0;
  Term last_term = 0;
  bool is_pre_vote = false;
  bool is_transfer = false;  ///< the leader itself asked for this election (§3.10)

  bool operator==(const VoteRequest&) const = default;
};

struct VoteReply {
  Term term = 0;  ///< granted: the request's; refused: the voter's own
  bool is_pre_vote = false;
  bool is_granted = false;

  bool operator==(const VoteReply&) const = default;
};

/// Replicates entries; without any it is a heartbeat (§3.5).
struct AppendRequest {
  Term term = 0;
  Index previous_index = 0;
  Term previous_term = 0;
  Index commit = 0;
  std::uint64_t round = 0;  ///< counts the leader's broadcasts; the reply names it (§6.4)
  std::vector<Entry> entries;

  bool operator==(const AppendRequest&) const = default;
};

struct AppendReply {
  Term term = 0;
  std::uint64_t round = 0;
  bool is_accepted = false;
  /// Accepted: the logs are equal, and durable here, up to this entry. Refused: they may be equal
  /// up to it and are not beyond.
  Index match = 0;

  bool operator==(const AppendReply&) const = default;
};

/// A piece of the leader's snapshot, for a follower whose next entry the leader no longer has (§5).
struct SnapshotRequest {
  Term term = 0;
  LogPosition last;              ///< the last entry that the snapshot covers
  Configuration configuration;   ///< as of that entry
  std::uint64_t round = 0;
  std::uint64_t offset = 0;
  bool is_last = false;
  Buffer data;

  bool operator==(const SnapshotRequest&) const = default;
};

struct SnapshotReply {
  Term term = 0;
  std::uint64_t round = 0;
  Index last_index = 0;
  std::uint64_t next_offset = 0;
  bool is_installed = false;  ///< durable here: go on with the entries after last_index

  bool operator==(const SnapshotReply&) const = default;
};

/// The leader asks its successor to start an election at once (§3.10).
struct TimeoutNow {
  Term term = 0;

  bool operator==(const TimeoutNow&) const = default;
};

using Message = std::variant<VoteRequest, VoteReply, AppendRequest, AppendReply, SnapshotRequest,
                             SnapshotReply, TimeoutNow>;

Term term_of(const Message& message);

/// Appends the wire form.
void encode(const Message& message, Buffer& out);
/// Nothing for bytes that are not exactly one message.
std::optional<Message> decode(Bytes bytes);


}  // namespace twinbed::raft
