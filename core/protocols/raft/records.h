// What a Raft server records of its log, for the checkers in sim/checkers and for people.
//
// `prefix` is a hash over all entries up to the index: where two logs have the same one, they are
// the same up to there.
#pragma once

#include "core/io/recorder.h"

namespace twinbed::raft {

inline constexpr EventType kAppendEvent{"raft.append",
                                        "an entry enters the log: index, term, prefix"};
inline constexpr EventType kTruncateEvent{"raft.truncate",
                                          "entries leave the log again: from this index on"};
inline constexpr EventType kRecoverEvent{
    "raft.recover", "the server starts with the log that its disk holds, up to this index"};
inline constexpr EventType kInstallEvent{"raft.install",
                                         "a snapshot takes the place of the log up to this index"};
/// `current` is the server's own term at that time.
inline constexpr EventType kApplyEvent{
    "raft.apply", "a committed entry is executed: index, term, prefix, current"};
inline constexpr EventType kMembersEvent{
    "raft.members", "a change of members was asked for: voters, learners, and why not, if refused"};
inline constexpr EventType kTroubleEvent{"raft.trouble", "the disk of this server fails it"};

}  // namespace twinbed::raft
