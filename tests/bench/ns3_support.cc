#include "tests/bench/ns3_support.h"

#include <ns3/nstime.h>
#include <ns3/object-factory.h>
#include <ns3/simulator.h>

namespace twinbed::bench {

Ns3Run::Ns3Run(const std::string& scheduler) {
  // Until the resolution is set or the first run has begun, ns-3 keeps every Time in a global set,
  // which would make its first measurement slower than a user's.
  static const bool resolution_set = (ns3::Time::SetResolution(ns3::Time::NS), true);
  static_cast<void>(resolution_set);
  ns3::Simulator::Destroy();
  ns3::ObjectFactory factory;
  factory.SetTypeId(scheduler);
  ns3::Simulator::SetScheduler(factory);
}

Ns3Run::~Ns3Run() { ns3::Simulator::Destroy(); }

}  // namespace twinbed::bench
