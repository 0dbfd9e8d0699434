// TCP as the simulator models it.
//
// Modelled: three-way handshake with its retransmission back-off (1 s doubling, given up after 6
// repetitions = 127 s, as Linux), refusal by reset, ordered delivery, cumulative acknowledgements,
// round-trip estimation and retransmission time-out (RFC 6298 with Linux's minimum of 200 ms and
// maximum of 120 s), exponential back-off over a cut, giving up after 15 repetitions, slow start
// and congestion avoidance (RFC 5681, initial window of 10 segments, RFC 6928), fast retransmit and
// recovery (NewReno, RFC 6582), receive window and its probes, orderly close and reset. When a
// process dies its kernel closes its connections: what was written is still sent, then FIN, or a
// reset if received data was not read. When a host loses its power nothing is sent: its peers run
// into their time-outs, or are reset by the first segment that reaches it after it is on again.
// Not modelled: Nagle's algorithm and delayed acknowledgements (every segment is acknowledged at
// once), SACK, ECN, time stamps, TIME_WAIT, keep-alive, and half-open writing: a side that sees the
// other's FIN closes too.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "sim/network/packet.h"
#include "sim/world.h"

namespace twinbed::sim {

/// What TCP needs from the network below it.
class TcpLower {
 public:
  virtual ~TcpLower() = default;
  /// Sends a segment; takes over one reference to its payload.
  virtual void send_segment(const Packet& segment) = 0;
  virtual void deliver(const Delivery& delivery) = 0;
  virtual bool locate(IpAddress address, DeviceIndex& device) const = 0;
  virtual std::uint16_t take_ephemeral_port(DeviceIndex host) = 0;
  virtual bool find_listener(DeviceIndex host, std::uint16_t port, NodeId& node,
                             ListenerId& listener) const = 0;
};

class Tcp {
 public:
  Tcp(World& world, TcpLower& lower) : world_(world), lower_(lower) {}

  void add_node(DeviceIndex host, IpAddress address);
  void open(NodeId node, StreamId stream, const Endpoint& to);
  void write(NodeId node, StreamId stream, Bytes data);
  void close(NodeId node, StreamId stream);
  /// The process of the node has died.
  void close_all(NodeId node);
  /// The host of the node has lost its power: nobody is told.
  void forget_all(NodeId node);

  void on_segment(const Packet& segment);
  void on_timer(ConnectionRef ref);
  /// The node has read this many bytes of what was delivered to it.
  void consumed(ConnectionRef ref, std::uint32_t bytes);

  /// Whose connection this is; nothing where there is none.
  std::optional<NodeId> node_of(ConnectionRef ref) const;

  /// Connections that are not closed at both ends.
  std::size_t open_connections() const { return connections_.size() - free_.size(); }

  static constexpr std::uint32_t kSegmentBytes = 1460;
  static constexpr std::uint32_t kReceiveBufferBytes = 256 * 1024;
  static constexpr std::uint32_t kSendBufferBytes = 256 * 1024;
  static constexpr Duration kMinTimeout = std::chrono::milliseconds(200);
  static constexpr Duration kMaxTimeout = std::chrono::seconds(120);
  static constexpr Duration kConnectTimeout = std::chrono::seconds(1);
  static constexpr std::uint32_t kConnectRetries = 6;
  static constexpr std::uint32_t kRetries = 15;

 private:
  enum class State : std::uint8_t { kFree, kSynSent, kSynReceived, kEstablished };

  /// Bytes in the order of their sequence numbers.
  struct Chunk {
    std::uint64_t sequence = 0;
    PayloadId payload{};
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
  };
  struct Connection {
    State state = State::kFree;
    std::uint32_t generation = 0;
    NodeId node{};
    bool owned = false;       // the process still wants its events
    StreamId stream{};
    ListenerId listener{};
    DeviceIndex host = 0;
    Endpoint local;
    Endpoint remote;
    ConnectionRef peer;       // from the handshake on
    ConnectionRef accepted_as;  // the other side's connection, so that a repeated SYN finds it
    EventHandle timer;
    // Sending. [unacked, next) is in flight, [next, end) waits; FIN takes the number `end`.
    std::vector<Chunk> chunks;
    std::size_t first_chunk = 0;
    std::uint64_t unacked = 0;
    std::uint64_t next = 0;
    std::uint64_t end = 0;
    std::uint64_t highest_sent = 0;
    bool fin_wanted = false;
    bool fin_acked = false;
    bool drain_wanted = false;
    std::uint64_t window = 0;        // congestion window in bytes
    std::uint64_t threshold = 0;     // slow-start threshold in bytes
    std::uint64_t peer_window = 0;
    std::uint32_t duplicate_acks = 0;
    bool recovering = false;
    std::uint64_t recover = 0;
    Duration smoothed{};
    Duration variation{};
    Duration timeout{};
    std::uint32_t retries = 0;
    bool timing = false;
    std::uint64_t timed_sequence = 0;
    Time timed_at{};
    // Receiving.
    std::uint64_t received = 0;
    std::vector<Chunk> out_of_order;
    bool fin_known = false;
    std::uint64_t fin_sequence = 0;
    bool fin_delivered = false;
    std::uint32_t unread = 0;
  };

  ConnectionRef create(NodeId node, DeviceIndex host);
  Connection* find(ConnectionRef ref);
  ConnectionRef ref_of(const Connection& connection) const;
  Connection* stream_of(NodeId node, StreamId stream);
  void destroy(Connection& connection);
  void disown(Connection& connection);

  void on_syn(const Packet& segment);
  void on_reset(Connection& connection);
  void establish(Connection& connection, const TcpHeader& header);
  void on_acknowledgement(Connection& connection, const Packet& segment);
  void on_new_acknowledgement(Connection& connection, std::uint64_t acknowledged);
  void on_duplicate_acknowledgement(Connection& connection);
  void on_data(Connection& connection, const Packet& segment);
  bool accept_chunk(Connection& connection, Chunk chunk);
  void accept_fin(Connection& connection);
  void finish_if_closed(Connection& connection);

  void pump(Connection& connection);
  void send_from(Connection& connection, std::uint64_t sequence, std::uint32_t limit);
  void send_control(const Connection& connection, bool syn, bool ack, bool fin);
  void refuse(const Packet& segment);
  Packet segment_to_peer(const Connection& connection) const;
  std::uint32_t receive_window(const Connection& connection) const;
  void arm(Connection& connection);
  void disarm(Connection& connection);
  static void measure_round_trip(Connection& connection, Duration sample);
  static void update_timeout(Connection& connection);
  void give_up(Connection& connection, StreamEventKind kind, StreamFailure failure);
  void drop_acknowledged_chunks(Connection& connection);
  void drain_if_due(Connection& connection);
  void hand_over(const Connection& connection, StreamEventKind kind,
                 StreamFailure failure = StreamFailure::kNone);

  struct NodeState {
    DeviceIndex host = 0;
    IpAddress address;
    std::map<StreamId, ConnectionRef> streams;
    std::uint32_t next_accepted = kFirstAcceptedStream;
  };

  World& world_;
  TcpLower& lower_;
  std::vector<Connection> connections_;
  std::vector<std::uint32_t> free_;
  std::vector<NodeState> nodes_;
};

}  // namespace twinbed::sim
