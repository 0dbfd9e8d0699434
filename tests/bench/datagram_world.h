// The exchange of datagrams that datagram_bench.cc measures, and how ns-3 runs it.
#pragma once

#include <cstdint>
#include <memory>

namespace twinbed::bench {

/// Pairs of hosts keep datagrams under way between them: whoever gets one sends one back.
struct Exchange {
  std::uint32_t hosts = 2;       ///< even; host i talks to host i + hosts / 2
  bool through_router = false;   ///< each host has a link to one router; else each pair has a link
};

inline constexpr std::uint32_t kDatagramBytes = 1400;
inline constexpr std::uint32_t kUnderWay = 8;  ///< datagrams of each pair
inline constexpr std::uint16_t kDatagramPort = 4000;
inline constexpr std::uint64_t kLinkBps = 1'000'000'000;
inline constexpr std::int64_t kLinkDelayNs = 1'000'000;
inline constexpr std::uint32_t kQueuePackets = 100;  ///< ns-3's default for point-to-point

/// The exchange over UDP sockets, IPv4 and point-to-point devices of ns-3.
class Ns3Datagrams {
 public:
  /// Without traffic control, packets go straight into the device's queue.
  Ns3Datagrams(const Exchange& exchange, bool traffic_control);
  ~Ns3Datagrams();
  Ns3Datagrams(const Ns3Datagrams&) = delete;
  Ns3Datagrams& operator=(const Ns3Datagrams&) = delete;

  /// Runs until so many more datagrams have been received.
  void run(std::int64_t datagrams);
  std::int64_t now_ns() const;
  std::uint64_t events() const;  ///< executed so far
  /// The sum of the numbers in the datagrams received.
  std::uint64_t sum() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinbed::bench
