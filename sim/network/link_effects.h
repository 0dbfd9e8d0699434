// What happens to packets on one direction of a link: one small class for each effect, and
// LinkDirection, which puts them in order.
//
//     packet ─► queue and transmitter ─► loss ─► corruption ─► duplication ─► delay ─► reordering
//               (BandwidthEffect)       bursts,  (one bit)    (0 or 1        each copy for itself
//                                       then iid              second copy)
//
// The order is that of a real link: a packet that is lost on the way has occupied the transmitter,
// a flipped bit is the same in both copies, and each copy travels at its own speed.
//
// Without jitter and reordering packets stay in order. Jitter reorders packets that follow each
// other within its spread, as Linux netem does. Effects that are off draw no random numbers, and a
// perfect link draws none at all. New parameters, and each new step of a trace, act on the packets
// that enter after them; those under way keep the times that they were given and may be overtaken.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "sim/network/link_params.h"

namespace twinbed::sim {

/// The longest delay, jitter or hold-back that a link may have: a year.
inline constexpr Duration kMaxLinkDelay = std::chrono::hours{24 * 365};
/// The fastest link, 10^15 bit/s; what is faster must be unlimited.
inline constexpr std::uint64_t kMaxBandwidthBps = 1'000'000'000'000'000;

/// What is wrong with a link's parameters, in one sentence; nothing when they are sound:
/// probabilities from 0 to 1, no negative times, nothing beyond the two limits above.
std::optional<Error> check_link_params(const LinkParams& params);

/// The link while a kLink fault lasts. A fault makes a link worse, never better: delays and jitters
/// add, independent probabilities combine as 1 - (1 - a)(1 - b), and of two bandwidths, queues or
/// hold-backs the tighter one counts. Bursts and the shape of the jitter (distribution and table)
/// are the fault's where it has any, else the link's; the traces of both act. A fault of all zeros
/// changes nothing.
LinkParams combine(const LinkParams& base, const LinkParams& fault);

/// Loses each packet independently with one probability.
class LossEffect {
 public:
  explicit LossEffect(double probability) : probability_(probability) {}
  bool loses(Random& random) { return random.chance(probability_); }

 private:
  double probability_;
};

/// Loses packets in bursts (Gilbert-Elliott). The chain starts in the good state; for each packet
/// it first moves, then loses the packet with the probability of the state it is in.
class BurstLossEffect {
 public:
  explicit BurstLossEffect(const GilbertElliott& params) : params_(params) {}
  bool loses(Random& random);
  /// Other parameters; the chain stays in its state, unless the model is switched off.
  void set_params(const GilbertElliott& params);

 private:
  GilbertElliott params_;
  bool bad_ = false;
};

/// Lets a second copy of a packet arrive.
class DuplicateEffect {
 public:
  explicit DuplicateEffect(double probability) : probability_(probability) {}
  bool duplicates(Random& random) { return random.chance(probability_); }

 private:
  double probability_;
};

/// Flips one bit of a packet, each equally likely.
class CorruptEffect {
 public:
  explicit CorruptEffect(double probability) : probability_(probability) {}
  /// The number of the bit (bit i is 1 << (i % 8) of byte i / 8), or -1 for none.
  std::int64_t bit_to_flip(std::size_t size_bytes, Random& random);

 private:
  double probability_;
};

/// Holds single packets back, so that those behind overtake them.
class ReorderEffect {
 public:
  ReorderEffect(double probability, Duration hold_back)
      : probability_(probability), hold_back_(hold_back) {}
  Duration extra_delay(Random& random) {
    return random.chance(probability_) ? hold_back_ : Duration{};
  }

 private:
  double probability_;
  Duration hold_back_;
};

/// Propagation delay with jitter, see JitterDistribution. A sum below zero counts as zero.
class DelayEffect {
 public:
  explicit DelayEffect(const LinkParams& params);
  Duration delay(Random& random);

 private:
  Duration delay_;
  Duration jitter_;
  JitterDistribution distribution_;
  std::vector<Duration> table_;
};

/// A transmitter of fixed speed behind a drop-tail queue.
///
/// Queue and transmitter together hold what was accepted and is not sent yet, counted in bytes to
/// the bit that is being sent; a packet that would raise this above queue_bytes is dropped, unless
/// the transmitter is idle: an idle link takes any packet. Sending times add up exactly: fractions
/// of nanoseconds carry over from packet to packet. No more than ten years of work ever queue up.
class BandwidthEffect {
 public:
  BandwidthEffect(std::uint64_t bandwidth_bps, std::uint64_t queue_bytes);

  /// When the last bit leaves, counted from `now`; nothing when the queue is full. `now` must not
  /// decrease from call to call, and a packet is smaller than 64 MiB.
  std::optional<Duration> pass(Time now, std::size_t size_bytes);
  /// Another speed. What waits is reckoned at the new speed from the next packet on; an unlimited
  /// link has nothing waiting.
  void set_params(std::uint64_t bandwidth_bps, std::uint64_t queue_bytes);

 private:
  void change_speed(Time now);
  bool has_room(Duration backlog, std::uint64_t work) const;

  std::uint64_t bandwidth_bps_ = 0;
  std::uint64_t queue_bytes_ = 0;
  std::uint64_t next_bandwidth_bps_ = 0;  // differs from bandwidth_bps_ until the next packet
  Time busy_until_{};
  std::uint64_t fraction_ = 0;            // of busy_until_, in ns / bandwidth_bps_
};

enum class DropReason : std::uint8_t { kNone, kLoss, kBurst, kQueue };

/// "none", "loss", "burst", "queue".
std::string_view to_string(DropReason reason);

/// What becomes of one packet.
struct Fate {
  std::uint32_t copies = 1;         ///< 0: dropped, 2: duplicated
  std::array<Duration, 2> after{};  ///< when each copy arrives, counted from the entry
  std::int64_t corrupt_bit = -1;    ///< to flip in every copy, see CorruptEffect; -1: none
  DropReason reason = DropReason::kNone;

  bool operator==(const Fate&) const = default;
};

/// All effects of one direction of a link, with their state.
class LinkDirection {
 public:
  explicit LinkDirection(const LinkParams& params);

  /// Acts on the packets that enter from now on. The queue and the burst chain keep their state.
  void set_params(const LinkParams& params);

  /// Decides over a packet that enters the link. `now` must not decrease from call to call.
  Fate pass(Time now, std::size_t size_bytes, Random& random) {
    if (plain_) return {1, {plain_delay_, plain_delay_}, -1, DropReason::kNone};
    if (steady_) return pass_steady(now, size_bytes);
    return pass_effects(now, size_bytes, random);
  }

  /// The speed at a time, in bit/s, 0 is unlimited; a call as pass() is.
  std::uint64_t bandwidth_bps(Time now) {
    if (now >= step_until_) follow_traces(now);
    return bandwidth_bps_;
  }

 private:
  Fate pass_steady(Time now, std::size_t size_bytes);
  Fate pass_effects(Time now, std::size_t size_bytes, Random& random);
  void apply(const LinkParams& params);
  void follow_traces(Time now);

  bool plain_ = false;      // nothing but a constant delay, the most frequent case
  bool steady_ = false;     // nothing but a constant delay, transmitter and queue, the next
  Duration plain_delay_{};
  std::uint64_t bandwidth_bps_ = 0;
  Time step_until_ = kNever;                   // when a trace has its next step
  std::shared_ptr<const LinkParams> traced_;  // what the steps come on top of; null: no trace
  BandwidthEffect bandwidth_;
  BurstLossEffect bursts_;
  LossEffect loss_;
  CorruptEffect corrupt_;
  DuplicateEffect duplicate_;
  DelayEffect delay_;
  ReorderEffect reorder_;
};

}  // namespace twinbed::sim
