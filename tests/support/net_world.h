// Simulations over any topology, written down in a few lines: a builder of topologies, and a world
// whose nodes do what the test says and write down what happens to them.
#pragma once

#include <gtest/gtest.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/simulator.h"
#include "tests/support/scripted_protocol.h"
#include "tests/support/text_sink.h"

namespace twinbed::testing {

/// Builds a topology by the names of its devices. Hosts get 10.0.0.1, 10.0.0.2, ... in order.
class Net {
 public:
  Net& device(std::string name, sim::DeviceKind kind) {
    topology_.devices.push_back({std::move(name), kind, {}});
    return *this;
  }
  Net& hosts(std::initializer_list<const char*> names) {
    for (const char* name : names) device(name, sim::DeviceKind::kHost);
    return *this;
  }
  Net& link(std::string_view a, std::string_view b, const sim::LinkParams& params = {},
            bool nat_inside = false) {
    topology_.links.push_back({index(a), index(b), params, params, nat_inside});
    return *this;
  }
  sim::Topology build() {
    sim::assign_addresses(topology_);
    return topology_;
  }

 private:
  sim::DeviceIndex index(std::string_view name) const {
    return sim::find_device(topology_, name).value();
  }
  sim::Topology topology_;
};

inline sim::LinkParams link_of(Duration delay) {
  sim::LinkParams params;
  params.delay = delay;
  return params;
}

/// A fault at one instant on nodes of these names; without `lasts` it stays to the end of the run.
inline sim::FaultSpec fault_of(sim::FaultAction action, Duration at, std::vector<std::string> nodes,
                               std::optional<Duration> lasts = std::nullopt) {
  sim::FaultSpec fault;
  fault.action = action;
  fault.at = {at, at};
  fault.select.nodes = std::move(nodes);
  if (lasts) fault.lasts = sim::DurationRange{*lasts, *lasts};
  return fault;
}

/// Two hosts a and b on one link.
inline sim::Topology line_of_two(const sim::LinkParams& params = {}) {
  return Net().hosts({"a", "b"}).link("a", "b", params).build();
}

inline IpAddress address_of(sim::Simulator& simulator, std::string_view host) {
  const sim::Topology& topology = simulator.network().topology();
  return topology.devices[sim::find_device(topology, host).value()].address;
}

/// A node of its host's name, which is its role, too.
inline NodeId add_node(sim::Simulator& simulator, std::string_view host,
                       sim::ProtocolFactory factory) {
  const auto device = sim::find_device(simulator.network().topology(), host).value();
  return simulator.add_node({std::string(host), std::string(host), device, {}, 0},
                            std::move(factory));
}

/// Nodes bind socket 1 to port 7001 and listen on port 7001, unless their script starts otherwise.
class NetWorld {
 public:
  static constexpr SocketId kSocket{1};
  static constexpr ListenerId kListener{1};
  static constexpr std::uint16_t kPort = 7001;

  struct Received {
    Time at{};
    Endpoint from;
    std::string text;
  };

  explicit NetWorld(sim::Topology topology, std::uint64_t seed = 1)
      : simulator(seed, std::move(topology), sink) {}

  /// A node of its host's name.
  NodeId add(std::string_view host) { return add(host, std::string(host), "server"); }
  NodeId add(std::string_view host, std::string name, std::string role) {
    const auto device = sim::find_device(simulator.network().topology(), host).value();
    nodes_.push_back({default_script(nodes_.size()), {}, {}});
    const std::size_t index = nodes_.size() - 1;
    return simulator.add_node({std::move(name), std::move(role), device, {}, 0}, [this, index] {
      return std::make_unique<ScriptedProtocol>(nodes_[index].script, watch_);
    });
  }
  /// May be changed until the node starts. A node on a host with others binds nothing in its own.
  Script& script(NodeId node) { return state(node).script; }
  const std::vector<Received>& received(NodeId node) { return state(node).received; }
  /// "accepted, data hello, closed"
  std::string streams(NodeId node) { return state(node).streams; }
  Endpoint endpoint(NodeId node, std::uint16_t port = kPort) {
    sim::Network& network = simulator.network();
    return {network.topology().devices[network.host_of(node)].address, port};
  }

  /// Runs an action in the node's on_command.
  void at(Duration when, NodeId node, std::function<void(Context&)> action) {
    actions_.push_back(std::move(action));
    simulator.schedule_command(Time{when}, node, as_bytes(std::to_string(actions_.size() - 1)));
  }
  void send_at(Duration when, NodeId from, const Endpoint& to, std::string text,
               SocketId socket = kSocket) {
    at(when, from, [=](Context& c) { c.datagrams.send(socket, to, as_bytes(text)); });
  }
  void run(Duration until) { simulator.run_until(Time{until}); }
  const sim::DropCounts& drops() { return simulator.network().drops(); }

  TextSink sink;
  sim::Simulator simulator;

 private:
  struct NodeState {
    Script script;
    std::vector<Received> received;
    std::string streams;
  };
  NodeState& state(NodeId node) { return nodes_[static_cast<std::size_t>(node)]; }

  Script default_script(std::size_t index) {
    Script script;
    script.start = [](Context& c) {
      c.datagrams.bind(kSocket, {kAnyAddress, kPort});
      c.streams.listen(kListener, {kAnyAddress, kPort});
    };
    script.datagram = [this, index](Context& c, const Datagram& datagram) {
      nodes_[index].received.push_back(
          {simulator.now(), datagram.from, std::string(as_text(datagram.payload))});
      EXPECT_EQ(c.self, NodeId{static_cast<std::uint32_t>(index)});
    };
    script.stream = [this, index](Context&, const StreamEvent& event) {
      std::string& text = nodes_[index].streams;
      text += (text.empty() ? "" : ", ") + std::string(to_string(event.kind));
      if (event.failure != StreamFailure::kNone) {
        text += " " + std::string(to_string(event.failure));
      }
      if (!event.data.empty()) text += " " + std::string(as_text(event.data));
    };
    script.command = [this](Context& c, Bytes command) {
      actions_[std::stoul(std::string(as_text(command)))](c);
    };
    return script;
  }

  ContractWatch watch_;
  std::deque<NodeState> nodes_;
  std::deque<std::function<void(Context&)>> actions_;
};

}  // namespace twinbed::testing
