// The messages of the robust cloud-p2p, each one sealed frame of a secure channel:
//
//   u8 version | u8 type | u16 flags (0) | u32 sender's id | u64 sender's term | body, big-endian
//
// A client's id is 0 and its term 0. Bytes of images pass as transfers, whoever sends them: a
// message that opens the transfer (PutBegin, CopyBegin, GetResult), Chunks in order, and an End
// with the hash of the whole. The opening side numbers its transfers; numbers count for one
// connection and direction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/crypto/hash.h"
#include "core/io/endpoint.h"
#include "core/protocols/raft/message.h"

namespace twinbed::imagestore {

using TransferId = std::uint64_t;

/// Bytes of one Chunk at the most.
inline constexpr std::size_t kChunkBytes = 64 * 1024;

/// What came of a request; the text that goes with it is for people.
enum class Outcome : std::uint8_t {
  kOk = 0,
  kNotLeader = 1,    ///< ask the server that is named, or look for one
  kNoMajority = 2,   ///< nobody can accept anything at the moment
  kBusy = 3,         ///< too many uploads at once; try again
  kUnconfirmed = 4,  ///< it may or may not be kept: ask again under the same id
  kRefused = 5,      ///< never: too large, a bad id, an id that is taken by another image
  kStorage = 6,      ///< the disk is full or fails
  kStaleTerm = 7,    ///< the sender leads no more
  kNotFound = 8,
};
/// "ok", "not leader", ...
std::string_view to_string(Outcome outcome);

/// "node 3", for texts.
inline std::string node_name(raft::ServerId id) { return "node " + std::to_string(id); }

struct RaftPart {
  raft::Message message;
  bool operator==(const RaftPart&) const = default;
};

/// A sign of life, sent by both sides of a connection while it lasts.
struct Alive {
  bool operator==(const Alive&) const = default;
};

/// Answered by every server with a LeaderInfo of the same number.
struct QueryLeader {
  std::uint64_t number = 0;
  bool operator==(const QueryLeader&) const = default;
};
struct LeaderInfo {
  std::uint64_t number = 0;
  raft::ServerId leader = raft::kNobody;
  raft::Term term = 0;
  raft::Index commit = 0;
  bool operator==(const LeaderInfo&) const = default;
};

/// A client hands over an image. The id names the request: handed over again, under the same id, it
/// is stored once.
struct PutBegin {
  TransferId transfer = 0;
  std::string id;
  std::uint64_t size = 0;
  Digest hash{};
  std::string user;
  bool operator==(const PutBegin&) const = default;
};
struct PutResult {
  TransferId transfer = 0;
  Outcome outcome{};
  raft::ServerId leader = raft::kNobody;  ///< kNotLeader: who leads, where that is known
  std::string text;
  bool operator==(const PutResult&) const = default;
};

/// The leader hands a copy to another server. The sender's term fences it: a server that has seen a
/// later one refuses.
struct CopyBegin {
  TransferId transfer = 0;
  std::uint64_t size = 0;
  Digest hash{};
  bool operator==(const CopyBegin&) const = default;
};
/// kOk: the copy is whole and durable.
struct CopyResult {
  TransferId transfer = 0;
  Outcome outcome{};
  std::string text;
  bool operator==(const CopyResult&) const = default;
};

/// Of a leader whose connection is new: the copies of its term that may still be committed, beside
/// those that are by this index. The others were given up while there was no connection.
struct Pending {
  raft::Index commit = 0;
  std::vector<Digest> hashes;
  bool operator==(const Pending&) const = default;
};

struct Chunk {
  TransferId transfer = 0;
  std::uint64_t offset = 0;
  Buffer data;
  bool operator==(const Chunk&) const = default;
};
struct End {
  TransferId transfer = 0;
  Digest hash{};
  bool operator==(const End&) const = default;
};
/// The sender gives the transfer up.
struct Abort {
  TransferId transfer = 0;
  bool operator==(const Abort&) const = default;
};

/// Asks for an image by the id under which it was handed over (clients) or by its hash (servers
/// that repair their copy).
struct Get {
  TransferId transfer = 0;
  std::string id;  ///< empty: by the hash
  Digest hash{};
  bool is_current = false;  ///< answer as of now, which only the leader can (linearizable)
  bool operator==(const Get&) const = default;
};
/// kOk: opens the transfer of the bytes.
struct GetResult {
  TransferId transfer = 0;
  Outcome outcome{};
  raft::ServerId leader = raft::kNobody;  ///< kNotLeader: who leads, where that is known
  std::uint64_t size = 0;
  Digest hash{};
  std::string text;
  bool operator==(const GetResult&) const = default;
};

using Message = std::variant<RaftPart, Alive, QueryLeader, LeaderInfo, PutBegin, PutResult,
                             CopyBegin, CopyResult, Pending, Chunk, End, Abort, Get, GetResult>;

struct Frame {
  raft::ServerId from = raft::kNobody;
  raft::Term term = 0;
  Message message;
  bool operator==(const Frame&) const = default;
};

Buffer encode(raft::ServerId from, raft::Term term, const Message& message);
inline Buffer encode(const Frame& frame) { return encode(frame.from, frame.term, frame.message); }
/// Nothing for bytes that are not exactly one frame of this version.
std::optional<Frame> decode(Bytes bytes);

}  // namespace twinbed::imagestore
