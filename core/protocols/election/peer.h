// Who takes part in an election, and the three sets of timings the original program has had.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "core/base/time.h"
#include "core/io/endpoint.h"

namespace twinbed::election {

/// A server's number, 1 and up. The highest is meant to lead.
using PeerId = std::uint32_t;

/// The number under which every client speaks.
inline constexpr PeerId kClientId = 0;

struct Peer {
  PeerId id = 0;
  Endpoint endpoint;

  bool operator==(const Peer&) const = default;
};

/// The member with this id, or null.
inline const Peer* find_peer(const std::vector<Peer>& peers, PeerId id) {
  for (const Peer& peer : peers) {
    if (peer.id == id) return &peer;
  }
  return nullptr;
}

/// A version of the original program, named by its commit.
enum class Profile : std::uint8_t {
  kF988f94,  ///< the deployment guide's version
  k67dc5ff,  ///< faster timings, images spread over the nodes
  kHead,     ///< ed07fc4, the last one
};

/// What the versions differ in. All waits are measured on the node's own clock.
struct Timings {
  Duration start_base{};        ///< a node starts its first election after start_base +
  Duration start_per_id{};      ///<   id * start_per_id
  Duration ok_wait{};           ///< how long an Election may stay unanswered
  Duration ok_poll{};           ///< how often the answer is looked for; equal to ok_wait: once
  Duration coordinator_wait{};  ///< after an Ok, how long for a Coordinator
  Duration coordinator_poll{};  ///< and how often that is looked for
  Duration heartbeat{};         ///< between two heartbeats of one heartbeat task
  Duration stale{};             ///< a leader not heard of for longer than this is suspected
  Duration monitor_poll{};      ///< how often the leader's age is looked at
  Duration connect_limit{};     ///< for setting up a connection
};

inline Timings timings_of(Profile profile) {
  using std::chrono::milliseconds;
  using std::chrono::seconds;
  switch (profile) {
    case Profile::k67dc5ff:
      return {milliseconds(200), milliseconds(50), seconds(2), milliseconds(50), seconds(3),
              milliseconds(50), milliseconds(500), seconds(3), milliseconds(500), seconds(5)};
    case Profile::kHead:
      return {milliseconds(200), milliseconds(50), seconds(2), seconds(2), seconds(2),
              milliseconds(50), seconds(1), seconds(3), seconds(1), seconds(5)};
    case Profile::kF988f94: break;
  }
  return {milliseconds(500), milliseconds(100), seconds(5), milliseconds(100), seconds(8),
          milliseconds(100), seconds(1), seconds(10), seconds(1), seconds(5)};
}

/// "f988f94", "67dc5ff" or "head"; false for any other name.
inline bool parse_profile(std::string_view name, Profile& out) {
  if (name == "f988f94") out = Profile::kF988f94;
  else if (name == "67dc5ff") out = Profile::k67dc5ff;
  else if (name == "head") out = Profile::kHead;
  else return false;
  return true;
}

}  // namespace twinbed::election
