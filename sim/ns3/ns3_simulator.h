// ns-3's simulator on the event queue of a World: its events and ours are on one timeline, and of
// equal times the one that was scheduled first fires first, whoever's it is.
//
//   ns-3's models ──► ns3::Simulator ──► this, a SimulatorImpl ──► World's queue, kind kNs3
//                                                                        │
//   ns-3's models ◄── ns3::EventImpl ◄── Ns3Events::execute ◄────────────┘
//
// ns-3's simulator is one for the whole process, and so are its random numbers: there is one
// Ns3Simulator at a time. When it is gone another one can be made, and a run that is built again in
// the same way is the same again if every model was given its streams (AssignStreams). Make it
// before the first model and destroy it after the last.
//
// What fires when is the World's matter: ns-3's Simulator::Run and Simulator::Stop are not for
// those who are guests here.
#pragma once

#include <memory>

#include "sim/world.h"

namespace twinbed::sim {

class Ns3Simulator {
 public:
  /// The world outlives it. ns-3's random numbers are from here on those of the world's seed.
  explicit Ns3Simulator(World& world);
  /// Runs what models have scheduled for the end (ns3::Simulator::ScheduleDestroy) and forgets
  /// their other events.
  ~Ns3Simulator();
  Ns3Simulator(const Ns3Simulator&) = delete;
  Ns3Simulator& operator=(const Ns3Simulator&) = delete;

  /// Whether there is one in this process, so that a second one cannot be made.
  static bool is_in_use();

 private:
  World& world_;
};

}  // namespace twinbed::sim
