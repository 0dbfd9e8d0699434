// One node of a scenario as a process of its own: the inside of the program twinbed-node.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/socket/address_map.h"
#include "backends/testbed/loopback_claim.h"
#include "core/base/result.h"
#include "scenarios/scenario.h"

namespace twinbed::scenarios {

struct NodeProcessOptions {
  Scenario scenario;
  std::size_t node = 0;
  std::uint64_t seed = 0;
  std::string database;        ///< result store of this process
  std::string storage_root;    ///< directory of the node's files
  /// NAME=ADDRESS:PORT of nodes that are not at their loopback addresses.
  std::vector<std::string> addresses;
  /// Where each of the node's radio cards is, see open_node_radio.
  std::vector<std::string> cards;
  /// Tells runs on one machine apart, see loopback_address.
  std::uint32_t run_number = backends::kManualRunNumber;
  int control = -1;            ///< descriptor of the control channel, or -1: on its own
  std::int64_t run_start_ns = 0;  ///< on its own: CLOCK_MONOTONIC of the start, 0 for now
  bool workload = true;        ///< on its own: give the node its commands of the workload
};

/// Runs the node to its end, printing its log on standard output. The result is the process's exit
/// status; an error is one sentence for standard error.
Result<int> run_node_process(const NodeProcessOptions& options);

/// The addresses of all nodes of a run on this machine, with those that are given otherwise.
Result<backends::AddressMap> make_address_map(const Scenario& scenario,
                                              const std::vector<Endpoint>& endpoints,
                                              std::uint32_t run_number,
                                              const std::vector<std::string>& addresses);

}  // namespace twinbed::scenarios
