// What the builders of protocols (protocol_*.cc) share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/result.h"
#include "scenarios/files.h"
#include "scenarios/scenario.h"
#include "sim/node.h"

namespace twinbed::scenarios {

/// A node's options are the protocol's with its own on top.
Options merged_options(const Scenario& scenario, const NodeSpec& node);

/// "node a: the protocol p has no role 'r'; its roles are ..."
Error unknown_role(const NodeSpec& node, const std::string& protocol, const std::string& roles);

/// The number by which a protocol of servers and clients calls the node: servers are numbered in
/// the order of the scenario, from 1, unless a node has the option `id`; 0 is a client.
std::int64_t server_number(const Scenario& scenario, std::size_t node);

/// Builds one protocol object now, so that a mistake in its options is found before the run, and
/// another one each time the node starts.
template <class Make>
Result<sim::ProtocolFactory> checked_factory(const NodeSpec& node, Make make) {
  auto first = make();
  if (!first) return Error{"node " + node.name + ": " + first.error()};
  return sim::ProtocolFactory([make] { return std::move(*make()); });
}

// One builder for each protocol. An error is the user's.
Result<sim::ProtocolFactory> make_election(const Scenario& scenario, std::size_t node,
                                           const std::vector<Endpoint>& endpoints);
Result<sim::ProtocolFactory> make_raft(const Scenario& scenario, std::size_t node,
                                       const std::vector<Endpoint>& endpoints);
Result<sim::ProtocolFactory> make_wfb(const Scenario& scenario, std::size_t node,
                                      const std::vector<Endpoint>& endpoints,
                                      const ScenarioFiles& files);

}  // namespace twinbed::scenarios
