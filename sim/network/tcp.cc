#include "sim/network/tcp.h"

#include <algorithm>

#include "core/base/check.h"

namespace twinbed::sim {

void Tcp::add_node(DeviceIndex host, IpAddress address) {
  nodes_.push_back({host, address, {}, kFirstAcceptedStream});
}

ConnectionRef Tcp::create(NodeId node, DeviceIndex host) {
  std::uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<std::uint32_t>(connections_.size());
    connections_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Connection& connection = connections_[index];
  const std::uint32_t generation = connection.generation + 1;
  connection = Connection{};
  connection.generation = generation;
  connection.node = node;
  connection.host = host;
  connection.window = 10 * kSegmentBytes;
  connection.threshold = 1U << 30;
  connection.timeout = kConnectTimeout;
  connection.timed_at = world_.now;
  return {index, generation};
}

Tcp::Connection* Tcp::find(ConnectionRef ref) {
  if (ref.index >= connections_.size()) return nullptr;
  Connection& connection = connections_[ref.index];
  if (connection.generation != ref.generation || connection.state == State::kFree) return nullptr;
  return &connection;
}

ConnectionRef Tcp::ref_of(const Connection& connection) const {
  return {static_cast<std::uint32_t>(&connection - connections_.data()), connection.generation};
}

Tcp::Connection* Tcp::stream_of(NodeId node, StreamId stream) {
  const NodeState& state = nodes_[static_cast<std::size_t>(node)];
  const auto found = state.streams.find(stream);
  return found == state.streams.end() ? nullptr : find(found->second);
}

void Tcp::destroy(Connection& connection) {
  disarm(connection);
  for (std::size_t i = connection.first_chunk; i < connection.chunks.size(); ++i) {
    world_.payloads.release(connection.chunks[i].payload);
  }
  for (const Chunk& chunk : connection.out_of_order) world_.payloads.release(chunk.payload);
  disown(connection);
  connection.state = State::kFree;
  free_.push_back(ref_of(connection).index);
}

/// The process gets nothing more from this connection, and its name for it is free again.
void Tcp::disown(Connection& connection) {
  if (!connection.owned) return;
  connection.owned = false;
  nodes_[static_cast<std::size_t>(connection.node)].streams.erase(connection.stream);
}

void Tcp::open(NodeId node, StreamId stream, const Endpoint& to) {
  NodeState& state = nodes_[static_cast<std::size_t>(node)];
  if (stream_of(node, stream) != nullptr) close(node, stream);
  DeviceIndex target = 0;
  if (!lower_.locate(to.address, target)) {
    Delivery failed;
    failed.node = node;
    failed.is_stream = true;
    failed.kind = StreamEventKind::kFailed;
    failed.stream = stream;
    failed.failure = StreamFailure::kUnreachable;
    lower_.deliver(failed);
    return;
  }
  const ConnectionRef ref = create(node, state.host);
  Connection& connection = connections_[ref.index];
  connection.state = State::kSynSent;
  connection.owned = true;
  connection.stream = stream;
  connection.local = {state.address, lower_.take_ephemeral_port(state.host)};
  connection.remote = to;
  state.streams[stream] = ref;
  send_control(connection, true, false, false);
  arm(connection);
}

void Tcp::write(NodeId node, StreamId stream, Bytes data) {
  Connection* connection = stream_of(node, stream);
  if (connection == nullptr || connection->fin_wanted || data.empty()) return;
  Chunk chunk;
  chunk.sequence = connection->end;
  chunk.payload = world_.payloads.make(data);
  chunk.length = static_cast<std::uint32_t>(data.size());
  connection->chunks.push_back(chunk);
  connection->end += chunk.length;
  connection->drain_wanted = true;
  pump(*connection);
  drain_if_due(*connection);
}

void Tcp::close(NodeId node, StreamId stream) {
  Connection* connection = stream_of(node, stream);
  if (connection == nullptr) return;
  disown(*connection);
  if (connection->state == State::kSynSent) {
    destroy(*connection);
    return;
  }
  connection->fin_wanted = true;
  pump(*connection);
}

void Tcp::close_all(NodeId node) {
  for (std::size_t i = 0; i < connections_.size(); ++i) {
    Connection& connection = connections_[i];
    if (connection.state == State::kFree || connection.node != node) continue;
    disown(connection);
    if (connection.state == State::kSynSent) {
      destroy(connection);
    } else if (connection.unread > 0) {
      Packet reset = segment_to_peer(connection);
      reset.tcp.rst = true;
      lower_.send_segment(reset);
      destroy(connection);
    } else if (!connection.fin_wanted) {
      connection.fin_wanted = true;
      pump(connection);
    }
  }
}

void Tcp::forget_all(NodeId node) {
  for (Connection& connection : connections_) {
    if (connection.state != State::kFree && connection.node == node) destroy(connection);
  }
}

void Tcp::consumed(ConnectionRef ref, std::uint32_t bytes) {
  Connection* connection = find(ref);
  if (connection == nullptr) return;
  const bool was_small = receive_window(*connection) < 2 * kSegmentBytes;
  connection->unread -= std::min(bytes, connection->unread);
  if (was_small && receive_window(*connection) >= 2 * kSegmentBytes) {
    send_control(*connection, false, true, false);
  }
}

void Tcp::on_segment(const Packet& segment) {
  const TcpHeader& header = segment.tcp;
  if (header.syn && !header.ack) {
    on_syn(segment);
    return;
  }
  Connection* connection = find(header.to);
  if (connection == nullptr) {
    if (!header.rst) refuse(segment);
    return;
  }
  if (header.rst) {
    on_reset(*connection);
    return;
  }
  if (connection->state != State::kEstablished) {
    if (connection->state == State::kSynSent && !header.syn) return;
    establish(*connection, header);
  }
  const ConnectionRef ref = ref_of(*connection);
  on_acknowledgement(*connection, segment);
  connection = find(ref);
  if (connection == nullptr) return;
  if (segment.length > 0 || header.fin) {
    on_data(*connection, segment);
  } else if (header.syn || header.probe) {
    send_control(*connection, false, true, false);
  }
}

void Tcp::on_syn(const Packet& segment) {
  NodeId node{};
  ListenerId listener{};
  Connection* caller = find(segment.tcp.from);
  if (caller != nullptr && find(caller->accepted_as) != nullptr) {
    const Connection& existing = *find(caller->accepted_as);
    send_control(existing, true, true, false);  // our answer was lost
    return;
  }
  if (!lower_.find_listener(segment.target, segment.to.port, node, listener)) {
    refuse(segment);
    return;
  }
  const ConnectionRef ref = create(node, segment.target);
  if (Connection* from = find(segment.tcp.from)) from->accepted_as = ref;
  Connection& connection = connections_[ref.index];
  connection.state = State::kSynReceived;
  connection.listener = listener;
  connection.local = segment.to;
  connection.remote = segment.from;
  connection.peer = segment.tcp.from;
  connection.peer_window = segment.tcp.window;
  send_control(connection, true, true, false);
  arm(connection);
}

void Tcp::establish(Connection& connection, const TcpHeader& header) {
  const bool active = connection.state == State::kSynSent;
  connection.state = State::kEstablished;
  connection.peer = header.from;
  connection.peer_window = header.window;
  if (connection.retries == 0) measure_round_trip(connection, world_.now - connection.timed_at);
  if (connection.smoothed > Duration{}) update_timeout(connection);
  connection.retries = 0;
  disarm(connection);
  if (active) {
    hand_over(connection, StreamEventKind::kOpened);
  } else {
    NodeState& state = nodes_[static_cast<std::size_t>(connection.node)];
    connection.stream = StreamId{state.next_accepted++};
    connection.owned = !connection.fin_wanted;
    if (connection.owned) state.streams[connection.stream] = ref_of(connection);
    hand_over(connection, StreamEventKind::kAccepted);
  }
}

void Tcp::on_reset(Connection& connection) {
  if (connection.state == State::kSynSent) {
    give_up(connection, StreamEventKind::kFailed, StreamFailure::kRefused);
  } else {
    give_up(connection, StreamEventKind::kReset, StreamFailure::kNone);
  }
}

void Tcp::give_up(Connection& connection, StreamEventKind kind, StreamFailure failure) {
  if (!connection.fin_delivered) hand_over(connection, kind, failure);
  destroy(connection);
}

/// Answers a segment that belongs to no connection.
void Tcp::refuse(const Packet& segment) {
  Packet reset;
  reset.transport = Transport::kTcp;
  reset.source = segment.target;
  reset.from = segment.to;
  reset.to = segment.from;
  reset.tcp.rst = true;
  reset.tcp.to = segment.tcp.from;
  lower_.send_segment(reset);
}

void Tcp::hand_over(const Connection& connection, StreamEventKind kind, StreamFailure failure) {
  if (!connection.owned) return;
  Delivery delivery;
  delivery.node = connection.node;
  delivery.is_stream = true;
  delivery.kind = kind;
  delivery.stream = connection.stream;
  delivery.listener = connection.listener;
  delivery.failure = failure;
  delivery.peer = connection.remote;
  delivery.connection = ref_of(connection);
  lower_.deliver(delivery);
}

void Tcp::on_data(Connection& connection, const Packet& segment) {
  if (!connection.owned && !connection.fin_delivered && segment.length > 0) {
    // The process has closed and will never read this (RFC 2525 section 2.17).
    Packet reset = segment_to_peer(connection);
    reset.tcp.rst = true;
    lower_.send_segment(reset);
    destroy(connection);
    return;
  }
  if (segment.tcp.fin) {
    connection.fin_known = true;
    connection.fin_sequence = segment.tcp.sequence + segment.length;
  }
  const std::uint64_t limit = connection.received + receive_window(connection);
  if (segment.length > 0 && segment.tcp.sequence + segment.length <= limit) {
    world_.payloads.retain(segment.payload);
    Chunk chunk{segment.tcp.sequence, segment.payload, segment.offset, segment.length};
    if (!accept_chunk(connection, chunk)) {
      const auto at = std::lower_bound(
          connection.out_of_order.begin(), connection.out_of_order.end(), chunk,
          [](const Chunk& a, const Chunk& b) { return a.sequence < b.sequence; });
      connection.out_of_order.insert(at, chunk);
    } else {
      std::size_t done = 0;
      std::vector<Chunk>& waiting = connection.out_of_order;
      while (done < waiting.size() && accept_chunk(connection, waiting[done])) ++done;
      waiting.erase(waiting.begin(), waiting.begin() + static_cast<std::ptrdiff_t>(done));
    }
  }
  accept_fin(connection);
}

/// Takes a chunk that continues what was received, or repeats it; false when a gap is before it.
/// Taking it uses up its reference to the payload.
bool Tcp::accept_chunk(Connection& connection, Chunk chunk) {
  if (chunk.sequence > connection.received) return false;
  const std::uint64_t end = chunk.sequence + chunk.length;
  if (end <= connection.received || !connection.owned) {
    world_.payloads.release(chunk.payload);
    return true;
  }
  const auto repeated = static_cast<std::uint32_t>(connection.received - chunk.sequence);
  Delivery delivery;
  delivery.node = connection.node;
  delivery.is_stream = true;
  delivery.kind = StreamEventKind::kData;
  delivery.stream = connection.stream;
  delivery.payload = chunk.payload;
  delivery.offset = chunk.offset + repeated;
  delivery.length = chunk.length - repeated;
  delivery.connection = ref_of(connection);
  connection.unread += delivery.length;
  connection.received = end;
  lower_.deliver(delivery);
  return true;
}

/// Answers the segment, and closes this side too once all of the peer's bytes have come.
void Tcp::accept_fin(Connection& connection) {
  const bool complete = connection.fin_known && connection.received == connection.fin_sequence;
  if (complete && !connection.fin_delivered) {
    connection.fin_delivered = true;
    ++connection.received;  // FIN has a sequence number
    connection.fin_sequence = connection.received;
    hand_over(connection, StreamEventKind::kClosed);
    disown(connection);
    connection.fin_wanted = true;
  }
  send_control(connection, false, true, false);
  if (complete) pump(connection);
  finish_if_closed(connection);
}

void Tcp::finish_if_closed(Connection& connection) {
  if (connection.fin_acked && connection.fin_delivered) destroy(connection);
}

std::uint32_t Tcp::receive_window(const Connection& connection) const {
  return connection.unread >= kReceiveBufferBytes ? 0 : kReceiveBufferBytes - connection.unread;
}

}  // namespace twinbed::sim
