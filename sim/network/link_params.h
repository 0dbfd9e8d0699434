// What a link does to packets, as plain data. All zero is a perfect link: instant, endless,
// lossless.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/time.h"
#include "sim/network/link_trace.h"

namespace twinbed::sim {

enum class JitterDistribution : std::uint8_t {
  kUniform,  ///< delay + U(-jitter, +jitter)
  kNormal,   ///< delay + N(0, jitter), never below zero
  kPareto,   ///< delay + jitter * (P - 1), P Pareto of shape 3: a long tail, never below delay
  kTable,    ///< delay + an entry of `jitter_table`, each equally likely
};

/// Gilbert-Elliott bursts (Elliott, "Estimates of error rates for codes on burst-noise channels",
/// 1963): a two-state chain that moves once a packet.
struct GilbertElliott {
  double good_to_bad = 0;  ///< probability a packet, 0 switches the model off
  double bad_to_good = 1;
  double loss_good = 0;    ///< loss probability in the good state
  double loss_bad = 1;     ///< and in the bad one

  bool operator==(const GilbertElliott&) const = default;
};

/// One direction of a link.
struct LinkParams {
  Duration delay{};   ///< propagation, one way
  Duration jitter{};  ///< spread of the delay, see `distribution`
  JitterDistribution distribution = JitterDistribution::kNormal;
  std::vector<Duration> jitter_table;  ///< kTable only
  std::uint64_t bandwidth_bps = 0;     ///< bit/s, 0 is unlimited
  std::uint64_t queue_bytes = 0;       ///< drop-tail queue before the bandwidth, 0 is unlimited
  double loss = 0;                     ///< independent, per packet
  GilbertElliott bursts;
  double duplicate = 0;                ///< probability that a packet arrives twice
  double corrupt = 0;                  ///< probability that one bit of a packet is flipped
  double reorder = 0;                  ///< probability that a packet is held back by reorder_delay
  Duration reorder_delay{};
  std::vector<LinkTrace> traces;       ///< what changes with time; several act together

  bool operator==(const LinkParams&) const = default;
};

}  // namespace twinbed::sim
