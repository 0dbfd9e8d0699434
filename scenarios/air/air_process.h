// The air of a scenario in real time, as a process of its own: the inside of the program
// twinbed-air.
//
// Without a runner it stands alone: it names the cards, runs the scenario's faults of radios at
// their times, and lets programs come and go. With a runner (scenarios/real_air.h) it starts with
// the nodes and learns from the runner when faults begin and end, so that those that wait for
// events come, too.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

struct AirProcessOptions {
  Scenario scenario;
  std::uint64_t seed = 0;
  bool uses_udp = false;   ///< else virtual radios
  /// Before the names of virtual radios, which are then numbered ("tb7n0c1"); empty: they are
  /// called after their nodes ("ground-0").
  std::string prefix;
  std::string database;    ///< result store of this process, with a runner
  bool captures = false;   ///< with a runner: the frames at all cards go into the store, too
  int control = -1;        ///< descriptor of the control channel, or -1: it stands alone
};

/// Runs the air to its end: the scenario's duration, SIGINT or SIGTERM, or the runner's end. The
/// result is the process's exit status; an error is one sentence for standard error.
Result<int> run_air_process(const AirProcessOptions& options);

}  // namespace twinbed::scenarios
