// One TCP stream of a live node, see backends/socket/tcp.h for the whole.
#pragma once

#include <memory>
#include <optional>

#include "backends/socket/posix.h"
#include "backends/socket/services.h"
#include "core/io/streams.h"

namespace twinbed::backends {

/// What a stream asks of the set that holds it.
class StreamSet {
 public:
  virtual ~StreamSet() = default;
  /// The protocol's name for the stream is free again.
  virtual void release_name(StreamId id) = 0;
  /// The stream has nothing more to do and is destroyed in a later turn of the loop.
  virtual void retire(std::uint64_t serial) = 0;
  /// Runs the callback in a later turn, if the stream still exists then.
  virtual void answer_for(std::uint64_t serial, std::function<void()> callback) = 0;
  /// Room to receive into, shared by all streams.
  virtual std::span<std::byte> receive_buffer() = 0;
};

/// From the connection attempt, or the accepted socket, to the close. Once the protocol has closed
/// it or has heard of its end, the stream lives on without a name until what was written has been
/// sent.
class TcpStream {
 public:
  TcpStream(SocketServices& services, StreamSet& set, std::uint64_t serial, StreamId id,
            const Endpoint& real_peer);

  /// Connects; the answer comes in a later turn of the loop.
  void connect(const Endpoint& scenario_peer);
  /// Takes over an accepted socket.
  void adopt(Socket socket);

  /// Appends bytes; they are sent by the next pump().
  void write(Bytes data);
  /// The protocol closes: no more events, end after what was written.
  void close();
  /// Moves bytes on: through the emulated link, then to the kernel, then the end of the stream.
  void pump();
  void on_blocks_changed();
  /// The peer's host is about to lose its power, and with it all memory of this stream.
  void lose_peer();

  std::uint64_t serial() const { return serial_; }
  const PeerPath* path() const { return path_; }
  /// Everything is with the kernel, the end of the stream too.
  bool is_finished() const { return phase_ == Phase::kDone || is_fin_sent_; }

 private:
  enum class Phase : std::uint8_t { kConnecting, kOpen, kDone };

  bool is_blocked() const;
  bool needs_shaper() const;
  void route(Bytes data);

  void try_connect();
  void connect_later();
  void connect_now();
  void on_connect_done();
  void report_connect(int error);
  void start_open();

  void on_readable();
  bool receive();
  void wait_readable();
  void shape();
  void send_to_kernel();
  void on_write_error();
  void announce_drained();
  void finish();
  void send_fin();
  void arm();
  void end_with(StreamEventKind kind, StreamFailure failure = StreamFailure::kNone);
  void done();

  SocketServices& services_;
  StreamSet& set_;
  std::uint64_t serial_;
  StreamId id_;
  Endpoint real_peer_;
  Endpoint scenario_peer_;
  PeerPath* path_;
  Phase phase_ = Phase::kConnecting;
  bool is_owned_ = true;  ///< the protocol still hears of it
  Socket socket_;
  std::unique_ptr<Watch> watch_;  // after the socket, so that it is destroyed first
  Alarm alarm_;

  Time connect_started_{};
  std::size_t syns_ = 0;
  Duration one_way_{};                 ///< of the SYN over the emulated link
  std::optional<int> connect_result_;  ///< waits for the SYN-ACK's way back, or for a heal

  Buffer early_;  ///< written before the stream was open
  StreamShaper shaper_;
  Buffer out_;  ///< for the kernel, from out_at_ on
  std::size_t out_at_ = 0;
  bool was_blocked_out_ = false;
  bool wants_drained_ = false;
  bool is_finishing_ = false;
  bool is_fin_shaped_ = false;
  bool is_fin_sent_ = false;
  bool is_write_broken_ = false;
  bool is_read_ended_ = false;
  bool is_peer_lost_ = false;  ///< silent until something is sent, which brings a reset
};

}  // namespace twinbed::backends
