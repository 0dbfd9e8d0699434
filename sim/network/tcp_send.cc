// The sending half of TCP: segments, acknowledgements, retransmission and congestion control.
#include <algorithm>

#include "core/base/check.h"
#include "sim/network/tcp.h"

namespace twinbed::sim {

Packet Tcp::segment_to_peer(const Connection& connection) const {
  Packet segment;
  segment.transport = Transport::kTcp;
  segment.source = connection.host;
  segment.from = connection.local;
  segment.to = connection.remote;
  segment.tcp.from = ref_of(connection);
  segment.tcp.to = connection.peer;
  segment.tcp.window = receive_window(connection);
  segment.tcp.ack = connection.state != State::kSynSent;
  segment.tcp.acknowledged = connection.received;
  return segment;
}

void Tcp::send_control(const Connection& connection, bool syn, bool ack, bool fin) {
  Packet segment = segment_to_peer(connection);
  segment.tcp.syn = syn;
  segment.tcp.ack = ack;
  segment.tcp.fin = fin;
  segment.tcp.sequence = fin ? connection.end : connection.next;
  lower_.send_segment(segment);
}

/// Sends one segment of at most `limit` bytes from a sequence number; the FIN when that is its own.
void Tcp::send_from(Connection& connection, std::uint64_t sequence, std::uint32_t limit) {
  if (sequence == connection.end) {
    send_control(connection, false, true, true);
    connection.next = std::max(connection.next, connection.end + 1);
    connection.highest_sent = std::max(connection.highest_sent, connection.next);
    return;
  }
  const auto after = std::upper_bound(
      connection.chunks.begin() + static_cast<std::ptrdiff_t>(connection.first_chunk),
      connection.chunks.end(), sequence,
      [](std::uint64_t value, const Chunk& chunk) { return value < chunk.sequence; });
  const Chunk& chunk = *std::prev(after);
  const auto skipped = static_cast<std::uint32_t>(sequence - chunk.sequence);
  Packet segment = segment_to_peer(connection);
  segment.tcp.sequence = sequence;
  segment.payload = chunk.payload;
  segment.offset = chunk.offset + skipped;
  segment.length = std::min({chunk.length - skipped, limit, kSegmentBytes});
  world_.payloads.retain(segment.payload);
  const std::uint64_t sent_to = sequence + segment.length;
  if (!connection.timing && sequence >= connection.highest_sent) {
    // Only bytes sent once are timed (Karn's algorithm, RFC 6298 section 3).
    connection.timing = true;
    connection.timed_sequence = sent_to;
    connection.timed_at = world_.now;
  }
  connection.next = std::max(connection.next, sent_to);
  connection.highest_sent = std::max(connection.highest_sent, connection.next);
  lower_.send_segment(segment);
}

/// Sends what the windows allow.
void Tcp::pump(Connection& connection) {
  if (connection.state != State::kEstablished) return;
  const std::uint64_t window = std::min(connection.window, connection.peer_window);
  const std::uint64_t last = connection.end + (connection.fin_wanted ? 1 : 0);
  while (connection.next < last) {
    const std::uint64_t in_flight = connection.next - connection.unacked;
    const bool only_fin = connection.next == connection.end;
    // After a time-out the window is one segment until it is acknowledged. Linux counts segments,
    // not bytes, so new small messages wait behind the repeated one.
    if (connection.retries > 0 && in_flight > 0) break;
    if (in_flight >= window && !only_fin) break;
    const std::uint64_t room = only_fin ? 1 : window - in_flight;
    send_from(connection, connection.next,
              static_cast<std::uint32_t>(std::min<std::uint64_t>(room, kSegmentBytes)));
  }
  const bool waiting = connection.unacked < last;
  if (waiting && !world_.queue.pending(connection.timer)) arm(connection);
}

void Tcp::on_acknowledgement(Connection& connection, const Packet& segment) {
  const TcpHeader& header = segment.tcp;
  if (!header.ack) return;
  const bool window_changed = header.window != connection.peer_window;
  connection.peer_window = header.window;
  if (header.acknowledged > connection.unacked &&
      header.acknowledged <= connection.highest_sent) {
    on_new_acknowledgement(connection, header.acknowledged);
    const bool fin_sent = connection.fin_wanted && connection.unacked == connection.end + 1;
    if (fin_sent) {
      connection.fin_acked = true;
      if (connection.fin_delivered) {
        destroy(connection);
        return;
      }
    }
  } else if (header.acknowledged == connection.unacked && connection.next > connection.unacked &&
             segment.length == 0 && !header.fin && !header.syn && !window_changed) {
    on_duplicate_acknowledgement(connection);
  }
  pump(connection);
  drain_if_due(connection);
}

void Tcp::on_new_acknowledgement(Connection& connection, std::uint64_t acknowledged) {
  const std::uint64_t fresh = acknowledged - connection.unacked;
  if (connection.timing && acknowledged >= connection.timed_sequence) {
    connection.timing = false;
    measure_round_trip(connection, world_.now - connection.timed_at);
  }
  connection.unacked = acknowledged;
  connection.next = std::max(connection.next, acknowledged);
  connection.retries = 0;
  if (connection.smoothed > Duration{}) update_timeout(connection);
  drop_acknowledged_chunks(connection);
  if (connection.recovering && acknowledged < connection.recover) {
    send_from(connection, acknowledged, kSegmentBytes);  // the next hole (RFC 6582 section 3.2)
    connection.window -= std::min(connection.window, fresh);
    connection.window = std::max<std::uint64_t>(connection.window + kSegmentBytes, kSegmentBytes);
  } else {
    if (connection.recovering) connection.window = connection.threshold;
    connection.recovering = false;
    connection.duplicate_acks = 0;
    if (connection.window < connection.threshold) {
      connection.window += std::min<std::uint64_t>(fresh, 2 * kSegmentBytes);
    } else {
      connection.window += std::max<std::uint64_t>(
          1, std::uint64_t{kSegmentBytes} * kSegmentBytes / connection.window);
    }
  }
  disarm(connection);
  if (connection.next > connection.unacked) arm(connection);
}

void Tcp::on_duplicate_acknowledgement(Connection& connection) {
  ++connection.duplicate_acks;
  if (connection.recovering) {
    connection.window += kSegmentBytes;
    return;
  }
  if (connection.duplicate_acks != 3) return;
  const std::uint64_t flight = connection.next - connection.unacked;
  connection.threshold = std::max<std::uint64_t>(flight / 2, 2 * kSegmentBytes);
  connection.window = connection.threshold + 3 * kSegmentBytes;
  connection.recovering = true;
  connection.recover = connection.next;
  connection.timing = false;
  send_from(connection, connection.unacked, kSegmentBytes);
}

void Tcp::on_timer(ConnectionRef ref) {
  Connection* connection = find(ref);
  if (connection == nullptr) return;
  connection->timer = {};
  const bool connecting = connection->state != State::kEstablished;
  const bool probing = !connecting && connection->peer_window == 0;
  if (!probing && connection->retries >= (connecting ? kConnectRetries : kRetries)) {
    give_up(*connection, connecting ? StreamEventKind::kFailed : StreamEventKind::kReset,
            connecting ? StreamFailure::kTimedOut : StreamFailure::kNone);
    return;
  }
  ++connection->retries;
  connection->timeout = std::min(connection->timeout * 2, kMaxTimeout);
  if (connecting) {
    send_control(*connection, true, connection->state == State::kSynReceived, false);
  } else if (probing) {
    Packet probe = segment_to_peer(*connection);
    probe.tcp.sequence = connection->next;
    probe.tcp.probe = true;
    lower_.send_segment(probe);
  } else {
    const std::uint64_t flight = connection->next - connection->unacked;
    connection->threshold = std::max<std::uint64_t>(flight / 2, 2 * kSegmentBytes);
    connection->window = kSegmentBytes;
    connection->next = connection->unacked;  // everything from here on is sent again
    connection->recovering = false;
    connection->duplicate_acks = 0;
    connection->timing = false;
    pump(*connection);
  }
  if (!world_.queue.pending(connection->timer)) arm(*connection);
}

void Tcp::arm(Connection& connection) {
  const ConnectionRef ref = ref_of(connection);
  connection.timer = world_.schedule_after(
      connection.timeout, {EventKind::kTcpTimer, static_cast<std::uint32_t>(connection.node),
                           ref.index, ref.generation});
}

void Tcp::disarm(Connection& connection) {
  world_.queue.cancel(connection.timer);
  connection.timer = {};
}

void Tcp::measure_round_trip(Connection& connection, Duration sample) {
  if (connection.smoothed == Duration{}) {
    connection.smoothed = std::max(sample, Duration{1});
    connection.variation = sample / 2;
  } else {
    const Duration error = sample > connection.smoothed ? sample - connection.smoothed
                                                        : connection.smoothed - sample;
    connection.variation = (3 * connection.variation + error) / 4;
    connection.smoothed = (7 * connection.smoothed + sample) / 8;
  }
}

void Tcp::update_timeout(Connection& connection) {
  connection.timeout =
      std::clamp(connection.smoothed + 4 * connection.variation, kMinTimeout, kMaxTimeout);
}

void Tcp::drop_acknowledged_chunks(Connection& connection) {
  std::vector<Chunk>& chunks = connection.chunks;
  while (connection.first_chunk < chunks.size()) {
    const Chunk& chunk = chunks[connection.first_chunk];
    if (chunk.sequence + chunk.length > connection.unacked) break;
    world_.payloads.release(chunk.payload);
    ++connection.first_chunk;
  }
  if (connection.first_chunk == chunks.size()) {
    chunks.clear();
    connection.first_chunk = 0;
  } else if (connection.first_chunk > 64 && connection.first_chunk * 2 > chunks.size()) {
    const auto done = static_cast<std::ptrdiff_t>(connection.first_chunk);
    chunks.erase(chunks.begin(), chunks.begin() + done);
    connection.first_chunk = 0;
  }
}

void Tcp::drain_if_due(Connection& connection) {
  if (!connection.drain_wanted || connection.state != State::kEstablished) return;
  const std::uint64_t queued = connection.end - std::min(connection.unacked, connection.end);
  if (queued > kSendBufferBytes) return;
  connection.drain_wanted = false;
  hand_over(connection, StreamEventKind::kDrained);
}

}  // namespace twinbed::sim
