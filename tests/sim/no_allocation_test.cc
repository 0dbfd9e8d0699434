// Once its pools have grown to the needs of a run, the simulator asks for no memory any more.
#include <gtest/gtest.h>

#include "sim/simulator.h"
#include "tests/support/counting_new.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint16_t kPort = 7001;
constexpr std::size_t kNodes = 10;

Endpoint endpoint_of(std::uint32_t node) { return {IpAddress{0x0a00'0001 + node}, kPort}; }

/// Sends a datagram to the next node every millisecond and answers each one that comes in.
class PingPong final : public Protocol {
 public:
  void on_start(Context& c) override {
    c.datagrams.bind(SocketId{1}, {kAnyAddress, kPort});
    on_timer(c, TimerId{1});
  }
  void on_timer(Context& c, TimerId) override {
    const std::uint32_t next = (static_cast<std::uint32_t>(c.self) + 1) % kNodes;
    c.datagrams.send(SocketId{1}, endpoint_of(next), as_bytes("ping, with some bytes"));
    c.timers.set(TimerId{1}, c.now + milliseconds(1));
    c.timers.set(TimerId{2}, c.now + seconds(5));  // re-armed for ever, as a watchdog
  }
  void on_datagram(Context& c, const Datagram& datagram) override {
    if (datagram.payload.size() == 4) return;
    c.datagrams.send(SocketId{1}, datagram.from, as_bytes("pong"));
    c.timers.set(TimerId{3}, c.now + milliseconds(300));
    c.timers.cancel(TimerId{3});
  }
};

/// Node 0 answers; the others keep one request on their stream each.
class RequestAnswer final : public Protocol {
 public:
  void on_start(Context& c) override {
    if (c.self == NodeId{0}) {
      c.streams.listen(ListenerId{1}, {kAnyAddress, kPort});
    } else {
      c.streams.open(StreamId{1}, endpoint_of(0));
      c.streams.write(StreamId{1}, as_bytes("a first request"));
    }
  }
  void on_timer(Context&, TimerId) override {}
  void on_stream(Context& c, const StreamEvent& event) override {
    if (event.kind == StreamEventKind::kData) c.streams.write(event.stream, event.data);
  }
};

sim::Topology star_of_ten() {
  sim::LinkParams link = link_of(milliseconds(1));
  link.jitter = std::chrono::microseconds(100);
  link.bandwidth_bps = 100'000'000;
  Net net;
  net.device("switch", sim::DeviceKind::kSwitch);
  for (std::size_t i = 0; i < kNodes; ++i) {
    const std::string name = "node" + std::to_string(i);
    net.device(name, sim::DeviceKind::kHost).link(name, "switch", link);
  }
  return net.build();
}

/// Runs ten of these nodes and counts what a second half of the run allocates.
template <class NodeProtocol>
void expect_no_allocation(Duration warm_up, Duration until, std::uint64_t events_at_least) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer has its own allocator";
  TextSink sink;
  sim::Simulator simulator(1, star_of_ten(), sink);
  for (std::size_t i = 0; i < kNodes; ++i) {
    const auto host = static_cast<sim::DeviceIndex>(i + 1);
    simulator.add_node({"node" + std::to_string(i), "server", host, {}, 0},
                       [] { return std::make_unique<NodeProtocol>(); });
  }
  simulator.run_until(Time{warm_up});
  const std::uint64_t events_before = simulator.events_executed();
  const std::uint64_t before = allocations();
  simulator.run_until(Time{until});
  const std::uint64_t after = allocations();
  EXPECT_GT(simulator.events_executed() - events_before, events_at_least);
  EXPECT_EQ(after - before, 0U) << "in " << simulator.events_executed() - events_before
                                << " events";
}

TEST(NoAllocation, DatagramsAndTimersNeedNoMemoryInTheSteadyState) {
  expect_no_allocation<PingPong>(seconds(6), seconds(12), 200'000);
}

TEST(NoAllocation, RequestsAndAnswersOnStreamsNeedNoMemoryInTheSteadyState) {
  expect_no_allocation<RequestAnswer>(seconds(6), seconds(12), 50'000);
}

TEST(NoAllocation, TheCounterSeesAnAllocation) {
  if (!kCountsAllocations) GTEST_SKIP() << "a sanitizer has its own allocator";
  const std::uint64_t before = allocations();
  const std::string* text = new std::string(1000, 'x');
  const std::uint64_t after = allocations();
  EXPECT_EQ(text->size(), 1000U);
  delete text;
  EXPECT_EQ(after - before, 2U);
}

}  // namespace
}  // namespace twinbed::testing
