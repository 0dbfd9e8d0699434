// Several live hosts on one loop and on loopback addresses of their own: the world of tests over
// real sockets, and the adapter of the host contract.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/live_host.h"
#include "backends/testbed/loopback_claim.h"
#include "tests/support/scripted_protocol.h"
#include "tests/support/temporary_directory.h"
#include "tests/support/text_sink.h"

namespace twinbed::testing {

class LiveWorld {
 public:
  LiveWorld(std::size_t count, NodeFactory factory)
      : claim_(*backends::LoopbackClaim::take()),
        factory_(std::move(factory)),
        hosts_(count),
        delivered_(count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      const NodeId node{i};
      const IpAddress address = backends::loopback_address(claim_.run_number(), node);
      addresses_.add({node, endpoint(node), {address, kPort}});
    }
    run_start_ns_ = backends::monotonic_now_ns();
  }

  Endpoint endpoint(NodeId node) const {
    return {IpAddress{0x0a00'0001U + static_cast<std::uint32_t>(node)}, kPort};
  }
  void run_for(Duration duration) {
    run_until([] { return false; }, duration);
  }
  /// The first time goes by from where all nodes have started, however busy the machine is.
  bool run_until(const std::function<bool()>& done, Duration limit) {
    start_all();
    if (!std::exchange(has_run_, true)) {
      loop_.run_until([&] { return done() || have_started(); }, kLong);
    }
    return loop_.run_until(done, limit);
  }
  void command(NodeId node, Bytes command) { host(node).command(command); }
  void crash(NodeId node) { hosts_[index(node)].reset(); }
  void restart(NodeId node) {
    hosts_[index(node)] = make_host(node);
    host(node).start();
  }
  void stop(NodeId node) { host(node).request_stop(); }
  void set_hung(NodeId node, bool hung) { host(node).set_hung(hung); }
  const std::vector<std::string>& delivered(NodeId node) const { return delivered_[index(node)]; }
  const std::vector<std::string>& recorded() const { return sink_.lines; }

  // What only live worlds have.

  std::uint32_t run_number() const { return claim_.run_number(); }
  backends::LiveHost& host(NodeId node) {
    start_all();
    return *hosts_[index(node)];
  }
  /// Changes the options of all hosts that are made from now on.
  std::function<void(NodeId, backends::LiveHostOptions&)> adjust;
  std::string storage_root(NodeId node) const {
    return disk_.path() + "/" + std::to_string(index(node));
  }
  backends::EventLoop& loop() { return loop_; }
  const backends::AddressMap& addresses() const { return addresses_; }
  /// Blocks every pair of the two sets in both directions; empty sets heal.
  void block(const backends::BlockedPairs& pairs) {
    for (auto& each : hosts_) {
      if (each != nullptr) each->set_blocked(pairs);
    }
  }

 private:
  static constexpr std::uint16_t kPort = 7001;
  static std::size_t index(NodeId node) { return static_cast<std::size_t>(node); }

  void start_all() {
    if (std::exchange(is_started_, true)) return;
    for (std::uint32_t i = 0; i < hosts_.size(); ++i) restart(NodeId{i});
  }
  bool have_started() const {
    return std::ranges::all_of(hosts_, [](const auto& each) {
      return each == nullptr || each->stopped() || each->counters().handlers > 0;
    });
  }
  std::unique_ptr<backends::LiveHost> make_host(NodeId node) {
    backends::LiveHostOptions options;
    options.self = node;
    options.name = "node" + std::to_string(index(node));
    options.run_start_monotonic_ns = run_start_ns_;
    options.storage.root = storage_root(node);
    options.storage.hold_unsynced = true;
    options.addresses = addresses_;
    options.on_deliver = [this, node](Bytes message) {
      delivered_[index(node)].emplace_back(as_text(message));
    };
    if (adjust) adjust(node, options);
    return std::make_unique<backends::LiveHost>(loop_, std::move(options), sink_,
                                                [this, node] { return factory_(node); });
  }

  backends::LoopbackClaim claim_;  // different worlds live on different loopback networks
  NodeFactory factory_;
  TemporaryDirectory disk_;
  backends::EventLoop loop_;
  TextSink sink_;
  backends::AddressMap addresses_;
  std::int64_t run_start_ns_ = 0;
  bool is_started_ = false;
  bool has_run_ = false;
  std::vector<std::unique_ptr<backends::LiveHost>> hosts_;
  std::vector<std::vector<std::string>> delivered_;
};

}  // namespace twinbed::testing
