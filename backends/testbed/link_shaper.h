// Link effects and partitions of mode real, applied at the sending host.
//
// A stock kernel may have no netem, and a node must not need root, so each host shapes what it
// sends: packets pass the same LinkDirection as in the simulator before the system call that sends
// them. The two directions of a link are shaped by the two hosts at its ends.
//
// Datagrams are delayed, lost, duplicated, corrupted, reordered and queued exactly as LinkDirection
// says. A partition drops them: those sent while it lasts, and those under way when it begins.
//
// A stream is real TCP over a perfect path, so what TCP would have made of a bad one is modelled on
// the bytes before they reach the kernel:
//   - modelled: segments of 1460 bytes that each pass the link; in-order release; a lost or
//     corrupted segment comes again after a retransmission time-out of 200 ms that doubles up to
//     120 s, and the stream is given up after 15 of them (as the simulator's TCP and Linux do);
//     segments enter a link of limited bandwidth one after the other. In a partition bytes wait:
//     from the moment the first of them was written the time-outs run, and everything goes out at
//     the first time-out after the heal. The FIN counts as a segment.
//   - not modelled: congestion control, fast retransmit, acknowledgements (a cut of the way back
//     alone stops nothing on the way out), and the receive window (the kernel's real one holds).
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "core/base/bytes.h"
#include "core/base/random.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"
#include "core/io/ids.h"
#include "sim/network/link_effects.h"
#include "sim/network/packet.h"

namespace twinbed::backends {

/// The way from this node to one peer, and whether partitions block it.
class PeerPath {
 public:
  explicit PeerPath(Random& random) : random_(&random) {}

  /// Replaces the link's parameters; default ones make it perfect.
  void set_link(const sim::LinkParams& params);
  void set_blocked(bool out, bool in) {
    is_blocked_out_ = out;
    is_blocked_in_ = in;
  }
  /// One of the two hosts is without power: nothing passes, whatever partitions say.
  void set_off(bool is_off) { is_off_ = is_off; }
  bool is_off() const { return is_off_; }
  bool is_blocked_out() const { return is_blocked_out_ || is_off_; }
  bool is_blocked_in() const { return is_blocked_in_ || is_off_; }
  bool is_perfect() const { return !link_; }

  /// When the copies of a packet arrive; none where it is lost.
  struct Arrival {
    std::uint32_t copies = 1;
    std::array<Time, 2> at{};
    std::int64_t corrupt_bit = -1;
  };
  /// Sends a packet of this size on the wire over the link; partitions are the caller's business.
  Arrival pass(Time now, std::size_t wire_bytes);
  /// How long the transmitter is busy with a packet that it begins at this time; zero on an
  /// unlimited link.
  Duration sending_time(Time at, std::size_t wire_bytes);

 private:
  Random* random_;
  std::optional<sim::LinkDirection> link_;
  Time last_entry_ = Time::min();
  bool is_blocked_out_ = false;
  bool is_blocked_in_ = false;
  bool is_off_ = false;
};

/// A datagram on its way over an emulated link.
struct DelayedDatagram {
  Time due;
  SocketId socket{};
  NodeId peer{};
  Endpoint to;  ///< real
  Buffer payload;
};

/// Datagrams that wait for their instant, in the order of (due, entry).
class DatagramDelay {
 public:
  void add(DelayedDatagram datagram) {
    const Time due = datagram.due;
    waiting_.emplace(due, std::move(datagram));
  }
  /// Takes the next datagram that is due; false when there is none.
  bool take_due(Time now, DelayedDatagram& out);
  /// When the next is due; kNever when nothing waits.
  Time next_due() const { return waiting_.empty() ? kNever : waiting_.begin()->first; }
  /// Drops what is under way to a peer; returns how many.
  std::size_t drop(NodeId peer);
  bool empty() const { return waiting_.empty(); }

 private:
  std::multimap<Time, DelayedDatagram> waiting_;
};

/// The bytes of one stream between the protocol and the kernel, see the head of this file.
class StreamShaper {
 public:
  /// Appends bytes.
  void write(Time now, Bytes data);
  /// The stream ends after what was written.
  void finish(Time now);
  /// A partition has begun: what is under way is lost and waits for retransmission, behind
  /// `not_taken`, bytes that were released before and that the kernel did not take.
  void cut(Bytes not_taken);
  /// Moves on to `now`, over this path, and appends what has arrived to `out`. Returns how late
  /// that was for the first of these bytes; nothing when none came.
  std::optional<Duration> advance(Time now, PeerPath& path, Buffer& out);

  /// When advance has something to do next; kNever while there is nothing.
  Time next_wake() const;
  /// True once the end that finish() announced has arrived.
  bool has_ended() const { return has_ended_; }
  /// Fifteen retransmissions in a row were in vain.
  bool has_given_up() const { return has_given_up_; }
  /// Nothing waits or is under way.
  bool empty() const;
  /// Bytes that wait or are under way.
  std::size_t waiting_bytes() const { return bytes_.size() - bytes_at_; }

 private:
  struct Segment {
    std::size_t size = 0;  // 0: the FIN
    bool is_lost = false;  // waits for its retransmission
    Time due;              // of its arrival
    Duration timeout{};
    std::uint32_t retries = 0;
  };

  bool has_unsent() const { return unsent_ > 0 || (is_finishing_ && !is_fin_sent_); }
  void forget_attempts();
  void begin_stall(Time now);
  bool wait_out_stall(Time now, const PeerPath& path);
  void offer(Time now, PeerPath& path);
  void offer_next(PeerPath& path);
  void attempt(std::uint64_t number, Time at, PeerPath& path);
  std::optional<Duration> release(Time now, Buffer& out);

  Buffer bytes_;            // of the segments, then the unsent ones, from bytes_at_ on
  std::size_t bytes_at_ = 0;
  std::size_t unsent_ = 0;
  std::deque<Segment> segments_;
  std::uint64_t first_number_ = 0;               // of segments_.front()
  std::multimap<Time, std::uint64_t> retries_;  // instant -> number of a lost segment
  Time next_offer_{};                            // when the transmitter is free for this stream
  bool is_finishing_ = false;
  bool is_fin_sent_ = false;
  bool has_ended_ = false;
  bool has_given_up_ = false;
  bool is_stalled_ = false;  // in a partition, or after it until the next time-out
  Time stall_until_{};
  Duration stall_timeout_{};
  std::uint32_t stall_retries_ = 0;
};

/// Connection attempts as Linux repeats them: SYNs leave 0, 1, 3, 7, 15, 31 and 63 s after the
/// start, and the attempt has failed after 127 s.
inline constexpr std::array<std::int64_t, 7> kSynSeconds = {0, 1, 3, 7, 15, 31, 63};
inline constexpr std::int64_t kConnectTimeoutSeconds = 127;

}  // namespace twinbed::backends
