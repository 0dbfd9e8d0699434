// The Streams seam over TCP sockets.
//
// Non-blocking sockets with TCP_NODELAY and a write buffer of their own, so that every write is
// taken. kDrained comes when the kernel has taken everything; on an emulated link, when no more
// than 256 KiB wait for it, the size of the send buffer in the simulator. An end of the peer gives
// kClosed after all its bytes, a reset kReset; what was written before is still sent. A closed
// stream waits up to 2 s for the peer's end before its socket goes, as closing a socket with unread
// bytes would make the kernel reset the connection under the last bytes sent.
//
// Emulated links act on what is sent (backends/testbed/link_shaper.h). Partitions:
//   - bytes and the end towards a blocked peer wait here, and leave at the first retransmission
//     time-out after the heal;
//   - bytes from a peer that is blocked towards this node stay in the kernel and are read at the
//     heal; its end and its resets are noticed then, too;
//   - connection attempts, while either direction is blocked, do not touch the network: at the
//     instants at which the kernel would repeat its SYN (1, 3, 7, 15, 31 and 63 s) it is tried
//     again, and after 127 s the attempt has timed out;
//   - a peer that connects all the same, because it has not heard of the partition yet, is
//     announced at the heal; until then it believes in an open but silent stream, where a real
//     network would have kept it waiting for the handshake;
//   - a stream that neither side uses survives any partition, as with TCP without keep-alives.
// A peer whose host loses its power is silent in the same way; what had arrived from it before is
// read. When it is back it knows nothing of its old connections: the first bytes that are sent on
// one of them (at a retransmission time-out, where some wait) bring a reset, which takes no time on
// its way.
// Not modelled: that a sender stalls when only the acknowledgements are blocked.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "backends/socket/tcp_stream.h"

namespace twinbed::backends {

/// All listeners and streams of a node.
class TcpStreams final : private StreamSet {
 public:
  explicit TcpStreams(SocketServices& services);

  /// Listening under an id that is in use replaces its listener.
  void listen(ListenerId id, const Endpoint& local);
  /// Opening an id that is in use closes its stream first.
  void open(StreamId id, const Endpoint& to);
  void write(StreamId id, Bytes data);
  void close(StreamId id);
  /// The requests of a handler have been carried out: sends what was written.
  void flush_written();

  /// The paths' blocks have changed.
  void on_blocks_changed();
  /// The peer at the end of this path is about to lose its power; its path is not yet set so.
  void lose_peer(const PeerPath& path);
  /// The node stops: no new streams, every stream closes after what was written.
  void close_all();
  /// Everything written is with the kernel, the ends of all streams too.
  bool is_idle() const;

 private:
  struct Listener {
    Listener(EventLoop& loop, Socket open_socket)
        : socket(std::move(open_socket)), watch(loop, socket.number()), retry(loop) {}
    Socket socket;
    Watch watch;
    Alarm retry;
  };
  struct HeldAccept {
    ListenerId listener{};
    Socket socket;
    Endpoint real_peer;
  };

  void release_name(StreamId id) override { named_.erase(id); }
  void retire(std::uint64_t serial) override;
  void answer_for(std::uint64_t serial, std::function<void()> callback) override;
  std::span<std::byte> receive_buffer() override { return buffer_; }

  TcpStream& create(StreamId id, const Endpoint& real_peer);
  TcpStream* find(StreamId id);
  void wait(ListenerId id, Listener& listener);
  void on_acceptable(ListenerId id);
  bool accept_one(ListenerId id, Listener& listener);
  void admit(HeldAccept accepted);
  void admit_held();

  SocketServices& services_;
  std::map<ListenerId, std::unique_ptr<Listener>> listeners_;
  std::map<std::uint64_t, std::unique_ptr<TcpStream>> streams_;  ///< by serial number
  std::map<StreamId, TcpStream*> named_;                         ///< those with a name
  std::vector<std::uint64_t> written_;                           ///< to be pumped
  std::vector<HeldAccept> held_;
  std::vector<std::unique_ptr<TcpStream>> retired_;
  Alarm reaper_;
  std::uint64_t next_serial_ = 0;
  std::uint32_t next_accepted_ = kFirstAcceptedStream;
  Buffer buffer_;
};

}  // namespace twinbed::backends
