// What the sockets of a live host share with it and with each other.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "backends/clock.h"
#include "backends/event_loop.h"
#include "backends/input_log.h"
#include "backends/lateness.h"
#include "backends/socket/address_map.h"
#include "backends/socket/counters.h"
#include "backends/testbed/link_shaper.h"
#include "core/base/random.h"

namespace twinbed::backends {

/// The paths to the other nodes. A path stays at its place as long as the table lives.
class PeerPaths {
 public:
  explicit PeerPaths(Random& random) : random_(random) {}

  PeerPath& of(NodeId peer) { return paths_.try_emplace(peer, random_).first->second; }
  /// The path to a node, or null for a stranger, whom neither links nor partitions concern.
  PeerPath* find(std::optional<NodeId> peer) { return peer ? &of(*peer) : nullptr; }
  std::map<NodeId, PeerPath>& all() { return paths_; }

 private:
  Random& random_;
  std::map<NodeId, PeerPath> paths_;
};

/// The host, as its sockets see it.
class SocketOwner {
 public:
  virtual ~SocketOwner() = default;
  /// Calls a handler. Only from a callback of the loop, never while requests are carried out.
  virtual void handle(const Input& input) = 0;
  /// Ends the host with a sentence for the user.
  virtual void fail(std::string sentence) = 0;
};

struct SocketServices {
  EventLoop& loop;
  LaterQueue& later;
  Clock& clock;
  LatenessLedger& lateness;
  PeerPaths& paths;
  SocketCounters& counters;
  SocketOwner& owner;
  const AddressMap& addresses;
  NodeId self{};
  std::string name;
  std::optional<IpAddress> bind_address;
  const DatagramBuffers& buffers;
  const SentDatagramObserver& on_sent;  ///< may be empty

  /// Runs the callback in a later turn of the loop and enters in the ledger how long that took.
  void answer(EventLoop::Callback callback);
  /// The real endpoint to bind for a local scenario endpoint.
  Endpoint local_real(Endpoint scenario) const;
  /// "node 'a' cannot listen at 127.1.0.1:7001 (10.0.0.1:7001 in the scenario): ..."
  std::string bind_failure(const char* verb, const Endpoint& scenario, const Endpoint& real,
                           int error) const;
};

}  // namespace twinbed::backends
