// Datagrams: unreliable, unordered messages between endpoints (UDP).
#pragma once

#include "core/base/bytes.h"
#include "core/io/endpoint.h"
#include "core/io/ids.h"

namespace twinbed {

/// A datagram as it arrives: which socket it came in on, who sent it, and its bytes, which are
/// valid only during the handler.
struct Datagram {
  SocketId socket{};
  Endpoint from;
  Bytes payload;
};

class Datagrams {
 public:
  virtual ~Datagrams() = default;

  /// Binds a socket to a local endpoint; the any address accepts on every address of the node.
  /// An endpoint that is taken on this host ends the node with a message that names it: two nodes
  /// with one endpoint are a mistake in the scenario.
  virtual void bind(SocketId id, const Endpoint& local) = 0;

  /// Sends at most 65,507 bytes (RFC 768 over IPv4). Nothing reports whether they arrive; a larger
  /// payload is dropped and counted, as the kernel's EMSGSIZE would.
  virtual void send(SocketId id, const Endpoint& to, Bytes payload) = 0;

  /// Closes the socket; what is under way to it is dropped.
  virtual void close(SocketId id) = 0;
};

inline constexpr std::size_t kMaxDatagramBytes = 65507;

}  // namespace twinbed
