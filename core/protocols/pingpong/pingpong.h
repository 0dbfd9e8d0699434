// Ping-pong: the smallest protocol, to read first and to copy from.
//
//   pinger ── ping N (datagram) ──► ponger
//   pinger ◄── ping N, echoed ───── ponger        the round trip is sampled as pingpong.round_trip
//
// A ping is eight bytes: its number, most significant byte first. The pinger sends one each
// interval, counts what comes back, and takes every number once.
#pragma once

#include <cstdint>
#include <vector>

#include "core/io/protocol.h"

namespace twinbed::pingpong {

inline constexpr Metric kRoundTrip{"pingpong.round_trip", "s",
                                   "from the sending of a ping to the arrival of its echo"};
inline constexpr EventType kEcho{"pingpong.echo", "the echo of a ping has arrived"};

class Pinger final : public Protocol {
 public:
  Pinger(Endpoint local, Endpoint peer, Duration interval)
      : local_(local), peer_(peer), interval_(interval) {}

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_datagram(Context& context, const Datagram& datagram) override;

 private:
  Endpoint local_;
  Endpoint peer_;
  Duration interval_;
  std::vector<Time> sent_at_;     // by number
  std::vector<bool> echoed_;
};

class Ponger final : public Protocol {
 public:
  explicit Ponger(Endpoint local) : local_(local) {}

  void on_start(Context& context) override;
  void on_timer(Context&, TimerId) override {}
  void on_datagram(Context& context, const Datagram& datagram) override;

 private:
  Endpoint local_;
};

}  // namespace twinbed::pingpong
