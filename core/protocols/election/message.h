// The messages of cloud-p2p, as its servers and clients exchange them.
//
// `term` is always 1 in the original and ignored; it is on the wire and therefore here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "core/base/bytes.h"
#include "core/protocols/election/peer.h"

namespace twinbed::election {

inline constexpr std::uint64_t kOriginalTerm = 1;

/// From a client: is anybody there? Never answered.
struct Hello {
  PeerId from = 0;
  bool operator==(const Hello&) const = default;
};
/// From a leader to all, again and again.
struct Heartbeat {
  PeerId from = 0;
  std::uint64_t term = kOriginalTerm;
  bool operator==(const Heartbeat&) const = default;
};
/// To all with a higher id: does one of you live?
struct Election {
  PeerId from = 0;
  bool operator==(const Election&) const = default;
};
/// The answer to Election: yes, and I take over.
struct Ok {
  PeerId from = 0;
  bool operator==(const Ok&) const = default;
};
/// To all: I lead.
struct Coordinator {
  PeerId leader = 0;
  std::uint64_t term = kOriginalTerm;
  bool operator==(const Coordinator&) const = default;
};
/// From a client: who leads? Logged and never answered, the connection has no way back.
struct QueryLeader {
  bool operator==(const QueryLeader&) const = default;
};
/// The answer to QueryLeader, which no version sends.
struct LeaderInfo {
  std::optional<PeerId> leader_id;
  std::uint64_t term = kOriginalTerm;
  bool operator==(const LeaderInfo&) const = default;
};
/// An image for the leader.
struct EncryptRequest {
  PeerId from = kClientId;
  std::string req_id;
  std::string user;
  Buffer image_bytes;
  std::optional<std::string> client_addr;  ///< the last version only
  bool operator==(const EncryptRequest&) const = default;
};
/// What became of it.
struct EncryptReply {
  std::string req_id;
  bool ok = false;
  std::variant<std::monostate, std::string, Buffer> payload;  ///< null, text or bytes
  std::optional<std::string> error;
  std::optional<Buffer> encrypted_image;         ///< the last version, instead of payload
  std::optional<std::string> original_filename;  ///< the last version
  bool operator==(const EncryptReply&) const = default;
};

using Message = std::variant<Hello, Heartbeat, Election, Ok, Coordinator, QueryLeader, LeaderInfo,
                             EncryptRequest, EncryptReply>;
inline constexpr std::size_t kMessageKinds = std::variant_size_v<Message>;

/// The variants' names on the wire, in the order of Message.
inline constexpr std::array<std::string_view, kMessageKinds> kMessageNames = {
    "Hello",       "Heartbeat",  "Election",       "Ok",          "Coordinator",
    "QueryLeader", "LeaderInfo", "EncryptRequest", "EncryptReply"};

/// How many messages of each kind, in the order of Message.
using MessageCounts = std::array<std::uint64_t, kMessageKinds>;

inline std::string_view name_of(const Message& message) { return kMessageNames[message.index()]; }

/// Which version's fields are written; both are always read.
enum class Dialect : std::uint8_t {
  kSeed,  ///< f988f94 and 67dc5ff
  kHead,  ///< ed07fc4: client_addr, encrypted_image and original_filename
};

}  // namespace twinbed::election
