// What a datagram costs from one protocol's handler to another's, in twinbed and in ns-3.
//
//   datagrams/<side>/pair        two hosts, one link
//   datagrams/<side>/32-pairs    64 hosts, a link for each pair
//   datagrams/<side>/star-64     64 hosts around a router: two links each way
//
// One iteration is one datagram of 1400 bytes received. Links have 1 Gbit/s, 1 ms and a queue of
// 100 packets; each pair keeps eight datagrams under way, and whoever gets one writes its next
// number into its own 1400 bytes and sends them back. Both sides copy these bytes on sending and
// read the number on receipt. Counters show that both do the same: `sum`, of the numbers in the
// first 10000 datagrams, and `sim_ns`, the simulated time a datagram, in which ns-3's links carry
// two bytes more, of PPP. `events` are those a datagram.
//
// What else each side does for it:
//   twinbed   the seam's requests and handler calls, routing by table, port table, transmitter and
//             queue, hash of the payload, fingerprint of every event. One event a link.
//   ns-3      more of a real stack: PPP, IPv4 and UDP headers in bytes, fragmentation, routing
//             protocols as objects, a queue of packets in the device, trace sources and, as its
//             Ipv4AddressHelper installs it, an FqCoDel queue disc. Two events a link. `ns3-bare`
//             is without the queue disc. Checksums are off, as is ns-3's default; there is no ARP
//             on point-to-point links. Its scheduler is its default, too.
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "sim/simulator.h"
#include "tests/bench/datagram_world.h"
#include "tests/bench/dropping_sink.h"
#include "tests/bench/goal_table.h"

namespace twinbed::bench {
namespace {

constexpr std::int64_t kBatch = 10'000;
constexpr SocketId kSocket{0};
/// Payload, IPv4 and UDP headers.
constexpr std::uint64_t kPacketBytes = kDatagramBytes + sim::kUdpOverheadBytes;

Endpoint endpoint_of(std::uint32_t host) { return {IpAddress{0x0a00'0001 + host}, kDatagramPort}; }

struct Tally {
  std::int64_t received = 0;
  std::uint64_t sum = 0;
};

class Exchanger final : public Protocol {
 public:
  /// Sends the first datagrams where it has a peer to send them to.
  Exchanger(std::optional<Endpoint> peer, Tally& tally) : peer_(peer), tally_(tally) {}

  void on_start(Context& context) override {
    context.datagrams.bind(kSocket, {kAnyAddress, kDatagramPort});
    for (std::uint32_t i = 0; peer_ && i < kUnderWay; ++i) send(context, *peer_);
  }
  void on_timer(Context&, TimerId) override {}
  void on_datagram(Context& context, const Datagram& datagram) override {
    std::uint64_t number = 0;
    std::memcpy(&number, datagram.payload.data(), sizeof number);
    tally_.sum += number;
    ++tally_.received;
    send(context, datagram.from);
  }

 private:
  void send(Context& context, const Endpoint& to) {
    ++sent_;
    std::memcpy(datagram_.data(), &sent_, sizeof sent_);
    context.datagrams.send(kSocket, to, datagram_);
  }

  std::optional<Endpoint> peer_;
  Tally& tally_;
  std::array<std::byte, kDatagramBytes> datagram_{};
  std::uint64_t sent_ = 0;
};

sim::Topology topology_of(const Exchange& exchange) {
  sim::LinkParams params;
  params.bandwidth_bps = kLinkBps;
  params.delay = Duration{kLinkDelayNs};
  params.queue_bytes = kQueuePackets * kPacketBytes;
  sim::Topology topology;
  for (std::uint32_t i = 0; i < exchange.hosts; ++i) {
    topology.devices.push_back(
        {"host" + std::to_string(i), sim::DeviceKind::kHost, endpoint_of(i).address});
  }
  if (exchange.through_router) {
    topology.devices.push_back({"router", sim::DeviceKind::kRouter, {}});
    for (std::uint32_t i = 0; i < exchange.hosts; ++i) {
      topology.links.push_back({i, exchange.hosts, params, params});
    }
    return topology;
  }
  const std::uint32_t pairs = exchange.hosts / 2;
  for (std::uint32_t i = 0; i < pairs; ++i) {
    topology.links.push_back({i, i + pairs, params, params});
  }
  return topology;
}

class TwinbedDatagrams {
 public:
  explicit TwinbedDatagrams(const Exchange& exchange)
      : simulator_(1, topology_of(exchange), rows_) {
    for (std::uint32_t i = 0; i < exchange.hosts; ++i) {
      std::optional<Endpoint> peer;
      if (i < exchange.hosts / 2) peer = endpoint_of(i + exchange.hosts / 2);
      simulator_.add_node({"node" + std::to_string(i), "peer", i, {}, 0.0},
                          [this, peer] { return std::make_unique<Exchanger>(peer, tally_); });
    }
  }
  void run(std::int64_t datagrams) {
    const std::int64_t until = tally_.received + datagrams;
    while (tally_.received < until && simulator_.step()) {
    }
  }
  std::int64_t now_ns() const { return to_ns(simulator_.now()); }
  std::uint64_t events() const { return simulator_.events_executed(); }
  std::uint64_t sum() const { return tally_.sum; }

 private:
  DroppingSink rows_;
  Tally tally_;
  sim::Simulator simulator_;
};

/// Runs a world in, and measures whole batches.
template <class World>
void run_world(benchmark::State& state, World& world) {
  world.run(kBatch);
  const std::uint64_t sum = world.sum();
  const std::int64_t start_ns = world.now_ns();
  const std::uint64_t start_events = world.events();
  while (state.KeepRunningBatch(kBatch)) world.run(kBatch);
  const auto datagrams = static_cast<double>(state.iterations());
  state.counters["sim_ns"] = static_cast<double>(world.now_ns() - start_ns) / datagrams;
  state.counters["events"] = static_cast<double>(world.events() - start_events) / datagrams;
  state.counters["sum"] = static_cast<double>(sum);
}

void add(const std::string& shape, const Exchange& exchange) {
  const std::string ours = "datagrams/twinbed/" + shape;
  const std::string theirs = "datagrams/ns3/" + shape;
  const std::string bare = "datagrams/ns3-bare/" + shape;
  benchmark::RegisterBenchmark(ours.c_str(), [exchange](benchmark::State& state) {
    TwinbedDatagrams world(exchange);
    run_world(state, world);
  })->Iterations(20 * kBatch);
  for (const bool traffic_control : {true, false}) {
    const std::string& name = traffic_control ? theirs : bare;
    benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
      Ns3Datagrams world(exchange, traffic_control);
      run_world(state, world);
    })->Iterations(2 * kBatch);
  }
  add_goal({ours, {theirs}, 30.0});
  add_goal({ours, {bare}, 0.0});
}

const bool kRegistered = (add("pair", {2, false}), add("32-pairs", {64, false}),
                          add("star-64", {64, true}), true);

}  // namespace
}  // namespace twinbed::bench
