// The air of a run in mode real: a process beside those of the nodes.
//
// Radios join it by UDP on loopback, or by virtual radios. It starts before the nodes, which have
// to know where their cards are, and ends after them.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "backends/testbed/child_process.h"
#include "core/base/result.h"

namespace twinbed::scenarios {

struct RealAirOptions {
  std::string program;         ///< twinbed-air
  std::string scenario_file;
  std::uint64_t seed = 0;
  std::uint32_t run_number = 0;  ///< tells interfaces of runs on one machine apart
  bool has_virtual_radios = false;
  bool captures = false;       ///< the frames at all cards go into the database
  std::string database;        ///< that the air writes
  std::string log;
};

class RealAir {
 public:
  /// Starts the air and waits until all cards are there; the error is its own sentence.
  static Result<std::unique_ptr<RealAir>> start(const RealAirOptions& options, std::size_t nodes);

  /// Where a node finds its cards, in their order.
  const std::vector<std::string>& cards_of(std::size_t node) const { return cards_[node]; }
  /// The run begins at this instant of CLOCK_MONOTONIC.
  void begin_run(std::int64_t start_ns);

  /// A fault of radios of the plan begins, at these nodes.
  void begin_fault(std::size_t index, const std::vector<std::uint32_t>& nodes);
  /// And ends; how many frames it may have touched.
  std::uint64_t end_fault(std::size_t index);

  /// To wait on for problem().
  int descriptor() const { return process_->descriptor(); }
  /// Why the air does not go on; empty as long as it does.
  std::string problem();
  /// Ends it in good order, so that its store is whole, or waits until this instant of
  /// CLOCK_MONOTONIC.
  void stop(std::int64_t limit_ns);

 private:
  explicit RealAir(std::unique_ptr<backends::ChildProcess> process)
      : process_(std::move(process)) {}
  std::string wait_for_cards(std::size_t nodes);

  std::unique_ptr<backends::ChildProcess> process_;
  std::vector<std::vector<std::string>> cards_;  // by node
};

}  // namespace twinbed::scenarios
