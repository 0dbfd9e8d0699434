// Tells when a Raft cluster has its first leader that lasts, so that a run can end there.
#pragma once

#include <span>

#include "core/io/run_sink.h"

namespace twinbed::testing {

/// The first to execute an entry is the leader who committed it (sim/checkers/measures.h,
/// leaders.first).
class FirstLeader final : public RunSink {
 public:
  bool lasts() const { return lasts_; }

  void sample(Time, NodeId, const Metric&, double) override {}
  void event(Time, NodeId, const EventType& type, std::span<const Field>) override {
    lasts_ = lasts_ || type.name == "raft.apply";
  }
  void fault(Time, const FaultRow&) override {}

 private:
  bool lasts_ = false;
};

}  // namespace twinbed::testing
