// What all parts of one simulation share: the event queue, the payloads, the present time.
#pragma once

#include <cstdint>

#include "core/io/ids.h"
#include "sim/event_queue.h"
#include "sim/payload_pool.h"

namespace twinbed::sim {

enum class EventKind : std::uint32_t {
  kNodeStart,    ///< subject: node
  kNodeTimer,    ///< subject: node, first: timer
  kNodeStorage,  ///< subject: node, first: slot of the pending answer
  kNodeCommand,  ///< subject: node, first: payload
  kNodeStop,     ///< subject: node
  kPacket,       ///< subject: device it arrives at, first: packet
  kTcpTimer,     ///< subject: node, first: connection, second: its generation
  kFaultBegin,   ///< first: index in the drawn plan
  kFaultEnd,     ///< first: index in the drawn plan
  kFrameEnd,     ///< subject: card, first: transmission
  kChannelAccess,  ///< subject: card
  kNs3,  ///< subject: ns-3's context, first: index of the event, second: ns-3's number of it
};

/// An event as plain data: it can be hashed, compared and printed.
struct Event {
  EventKind kind{};
  std::uint32_t subject = 0;
  std::uint32_t first = 0;
  std::uint32_t second = 0;
};

/// Executes the events of kind kNs3: ns-3's simulator (sim/ns3/ns3_simulator.h).
class Ns3Events {
 public:
  virtual ~Ns3Events() = default;
  virtual void execute(std::uint32_t index) = 0;
};

struct World {
  std::uint64_t seed = 0;
  Time now{};
  EventQueue<Event> queue;
  PayloadPool payloads;
  Ns3Events* ns3 = nullptr;  ///< null where ns-3 has no events here

  EventHandle schedule(Time at, Event event) {
    return queue.schedule(at < now ? now : at, event);
  }
  EventHandle schedule_after(Duration delay, Event event) {
    return queue.schedule(now + delay, event);
  }
};

}  // namespace twinbed::sim
