// ns-3's simulator as the benchmarks use it: one at a time, freshly made, with a chosen scheduler.
#pragma once

#include <string>

namespace twinbed::bench {

/// Installs a fresh ns-3 simulator for the lifetime of this object, with the scheduler of this
/// type, e.g. "ns3::MapScheduler", ns-3's default.
class Ns3Run {
 public:
  explicit Ns3Run(const std::string& scheduler);
  ~Ns3Run();
  Ns3Run(const Ns3Run&) = delete;
  Ns3Run& operator=(const Ns3Run&) = delete;
};

}  // namespace twinbed::bench
