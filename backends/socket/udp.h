// The Datagrams seam over UDP sockets.
#pragma once

#include <map>
#include <memory>
#include <optional>

#include "backends/socket/posix.h"
#include "backends/socket/services.h"
#include "core/io/datagrams.h"

namespace twinbed::backends {

/// All UDP sockets of a node.
///
/// What a node sends passes the emulated link to its peer, if there is one. A partition drops on
/// both sides: at the sender, what it sends and what is under way on the link; at the receiver,
/// what arrives from a peer that is blocked towards it, in case the sender had not heard of the
/// partition.
class UdpSockets {
 public:
  explicit UdpSockets(SocketServices& services);

  /// Binding an id that is in use replaces its socket.
  void bind(SocketId id, const Endpoint& local);
  /// Takes a socket that is open already. A bind of this id finds it so, and changes nothing. What
  /// is sent on it goes to `destination`, if that is given, whatever endpoint a request names.
  void adopt(SocketId id, Socket socket, std::optional<AbstractAddress> destination);
  void send(SocketId id, const Endpoint& to, Bytes payload);
  void close(SocketId id) { sockets_.erase(id); }

  /// The paths' blocks have changed.
  void on_blocks_changed();
  /// No datagram waits on an emulated link.
  bool is_idle() const { return delayed_.empty(); }

 private:
  struct Bound {
    Bound(EventLoop& loop, Socket open_socket)
        : socket(std::move(open_socket)), watch(loop, socket.number()) {}
    Socket socket;
    Watch watch;  // after the socket, so that it is destroyed first
    bool is_adopted = false;
    std::optional<AbstractAddress> destination;
    std::uint32_t overflowed = 0;  ///< by the kernel's count, which starts anew after 2^32
  };

  void wait(SocketId id, Bound& bound);
  void on_readable(SocketId id);
  Bound& add(SocketId id, Socket socket);
  bool receive_one(SocketId id, Bound& bound);
  void transmit(SocketId id, const Endpoint& real, Bytes payload);
  void release_due();
  void arm();

  SocketServices& services_;
  std::map<SocketId, std::unique_ptr<Bound>> sockets_;
  DatagramDelay delayed_;
  Alarm alarm_;
  Buffer buffer_;
};

}  // namespace twinbed::backends
