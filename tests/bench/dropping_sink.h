// Where rows go when nobody wants them.
#pragma once

#include <cstdint>
#include <span>

#include "core/io/run_sink.h"

namespace twinbed::bench {

class DroppingSink final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric&, double) override { ++rows_; }
  void event(Time, NodeId, const EventType&, std::span<const Field>) override { ++rows_; }
  void fault(Time, const FaultRow&) override { ++rows_; }

  std::uint64_t rows() const { return rows_; }

 private:
  std::uint64_t rows_ = 0;
};

}  // namespace twinbed::bench
