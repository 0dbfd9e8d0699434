// A star of simulated hosts: the world of tests in virtual time, and the adapter of the host
// contract.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/simulator.h"
#include "tests/support/scripted_protocol.h"
#include "tests/support/text_sink.h"

namespace twinbed::testing {

/// `count` hosts node1, node2, ... around one switch. Each way leads over two links.
inline sim::Topology star_topology(std::size_t count, const sim::LinkParams& link = {}) {
  sim::Topology topology;
  topology.devices.push_back({"switch", sim::DeviceKind::kSwitch, {}});
  for (std::uint32_t i = 1; i <= count; ++i) {
    topology.devices.push_back({"node" + std::to_string(i), sim::DeviceKind::kHost, {}});
    topology.links.push_back({i, 0, link, link, false});
  }
  sim::assign_addresses(topology);
  return topology;
}

class SimWorld {
 public:
  SimWorld(std::size_t count, NodeFactory factory, const sim::LinkParams& link = {},
           std::uint64_t seed = 1)
      : simulator_(seed, star_topology(count, link), sink_), delivered_(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      simulator_.add_node({"node" + std::to_string(i + 1), "server", i + 1, {}, 0},
                          [factory, i] { return factory(NodeId{i}); });
    }
    simulator_.on_deliver([this](NodeId node, Bytes message) {
      delivered_[static_cast<std::size_t>(node)].emplace_back(as_text(message));
    });
  }

  Endpoint endpoint(NodeId node) {
    return {simulator_.network().topology().devices[simulator_.network().host_of(node)].address,
            7001};
  }
  void run_for(Duration duration) { simulator_.run_until(simulator_.now() + duration); }
  bool run_until(const std::function<bool()>& done, Duration limit) {
    return done() || simulator_.run_until(done, simulator_.now() + limit);
  }
  void command(NodeId node, Bytes command) {
    simulator_.schedule_command(simulator_.now(), node, command);
  }
  void crash(NodeId node) { simulator_.node(node).crash(); }
  void restart(NodeId node) { simulator_.node(node).start(); }
  void stop(NodeId node) { simulator_.node(node).stop(); }
  void set_hung(NodeId node, bool hung) {
    hung ? simulator_.node(node).hang() : simulator_.node(node).resume();
  }
  const std::vector<std::string>& delivered(NodeId node) const {
    return delivered_[static_cast<std::size_t>(node)];
  }
  const std::vector<std::string>& recorded() const { return sink_.lines; }

  sim::Simulator& simulator() { return simulator_; }
  TextSink& sink() { return sink_; }

 private:
  TextSink sink_;
  sim::Simulator simulator_;
  std::vector<std::vector<std::string>> delivered_;
};

}  // namespace twinbed::testing
