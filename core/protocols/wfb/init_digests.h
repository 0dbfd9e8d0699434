// Whether the nodes of a cluster run the init script of the present configuration.
//
// A stream or card that is added shifts the ports of what comes after it, and a node that still
// runs its old script then feeds one stream into another. With policy robust the script holds a
// digest of what it was made of; the node's forwarders tell it to their aggregators, at their start
// and every second, and an aggregator that knows what to expect takes nothing from a node before
// its digest has come (a second at most), while it is another one, or once it has not come for
// long. This finds mistakes; it keeps nobody out who means harm, as a digest is no secret.
//
//   datagram    reception of nobody (17) | 4 | digest, at most 32 bytes
//
// An original aggregator counts it as bad, and an original forwarder tells none.
#pragma once

#include <map>

#include "core/io/protocol.h"
#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

inline constexpr std::size_t kMaxDigestBytes = 32;
inline constexpr Duration kDigestEvery = std::chrono::seconds(1);

/// What a forwarder tells; the digest is not empty, and not longer than kMaxDigestBytes.
Buffer digest_datagram(Bytes digest);

class InitDigests {
 public:
  /// By the nodes' addresses; empty: everybody is admitted.
  explicit InitDigests(const std::map<IpAddress, Buffer>& expected);

  /// Whether the aggregator may have this datagram; digests stay here. What changes about a node
  /// is recorded, and logged in one sentence.
  bool admit(Context& context, const Datagram& datagram);
  /// How many were refused since the last call.
  std::uint64_t take_refused();

 private:
  enum class State : std::uint8_t {
    kNew,      ///< nothing was heard of it
    kPresent,  ///< it runs the present script
    kStale,    ///< it runs another one
    kSilent,   ///< it tells no digest
    kUnknown,  ///< no digest is expected of it: it is no node of the configuration
  };
  struct Node {
    Buffer expected;
    State state = State::kNew;
    Time heard_first = kNever;  ///< before it told anything
    Time told{};                ///< its last digest
  };

  void change(Context& context, IpAddress address, Node& node, State state);

  std::map<IpAddress, Node> nodes_;
  /// Strangers that were told of; at most kMostStrangers, as anybody may send.
  std::map<IpAddress, Node> strangers_;
  std::uint64_t refused_ = 0;
};

}  // namespace twinbed::wfb
