#include "tests/bench/ns3_support.h"

#include <ns3/object-factory.h>
#include <ns3/simulator.h>

namespace twinbed::bench {

Ns3Run::Ns3Run(const std::string& scheduler) {
  ns3::Simulator::Destroy();
  ns3::ObjectFactory factory;
  factory.SetTypeId(scheduler);
  ns3::Simulator::SetScheduler(factory);
  // Until its first run ns-3 keeps every Time in a global set, which would make its first
  // measurement slower than a user's.
  ns3::Simulator::Run();
}

Ns3Run::~Ns3Run() { ns3::Simulator::Destroy(); }

}  // namespace twinbed::bench
