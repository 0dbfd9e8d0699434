// sim: the measures that every run is given.
#include <array>

#include "bindings/bindings.h"
#include "sim/checkers/measures.h"

namespace twinbed::bindings {

void bind_sim(pybind11::module_& module) {
  module.def(
      "measures",
      [] {
        return std::array{sim::kFailoverDetect,  sim::kFailoverElect,      sim::kFailoverView,
                          sim::kImagesSubmitted, sim::kImagesAcknowledged, sim::kImagesStored,
                          sim::kImagesLost,      sim::kLeadersDual,        sim::kLeadersChanges,
                          sim::kLeadersFirst,    sim::kLeadersFirstTerm,   sim::kTrafficLost,
                          sim::kTrafficPause,    sim::kTrafficDelay};
      },
      "The metrics that the testbed itself computes for each run, in the order of reports.");
}

}  // namespace twinbed::bindings
