// Policy robust of WFB-NG in the simulator: losses, restarts, replays, two transmitters with one
// key; each beside policy original.
#include <gmock/gmock.h>

#include <memory>

#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "tests/support/net_world.h"

namespace twinbed::wfb {
namespace {

using testing::fault_of;
using testing::Net;
using testing::Script;
using ::testing::ElementsAre;
using ::testing::Gt;
using namespace std::chrono_literals;

constexpr std::uint16_t kReceiverPort = 10000;
constexpr std::uint16_t kTapPort = 10001;
const ChannelId kChannel = ChannelId::of(1, 0);

enum class Policy { kOriginal, kRobust };

/// Two transmitters with one key, the packets of both go to a receiver; and somebody who records
/// the packets of the first one, and sends to the receiver what it is told to.
class RobustWorld {
 public:
  explicit RobustWorld(Policy policy, double loss = 0) : simulator_(1, topology(loss), sink_) {
    const bool is_robust = policy == Policy::kRobust;
    RandomStream random(1, "keys", 0);
    const LinkKeys keys = make_link_keys(random);
    TransmitterOptions sender;
    sender.encoder = {keys.drone, kChannel, 0, {2, 3}, 1s};
    sender.encoder.session_repeat = sender.encoder.refuse_replay = is_robust;
    sender.outputs = {AggregatorAddress{{address("receiver"), kReceiverPort}},
                      AggregatorAddress{{address("tap"), kTapPort}}};
    sender.mirror = true;
    ReceiverOptions options{{keys.ground, kChannel, 0}, kReceiverPort, std::nullopt, 1s};
    options.decoder.refuse_replay = is_robust;
    options.decoder.ring_timeout = is_robust ? 50ms : 0ms;
    receiver = add("receiver", [=] { return std::make_unique<ReceiverNode>(options); });
    first = add("first", [=] { return std::make_unique<TransmitterNode>(sender); });
    tap = add("tap", [this] { return std::make_unique<testing::ScriptedProtocol>(tap_, watch_); });
    tap_.start = [](Context& c) { c.datagrams.bind(SocketId{1}, {kAnyAddress, kTapPort}); };
    tap_.datagram = [this](Context&, const Datagram& d) { heard.push_back(to_buffer(d.payload)); };
    tap_.command = [this](Context& c, Bytes number) {
      const std::size_t index = std::stoul(std::string(as_text(number)));
      c.datagrams.send(SocketId{1}, {address("receiver"), kReceiverPort}, heard.at(index));
    };
    simulator_.on_deliver([this](NodeId, Bytes payload) {
      delivered.emplace_back(as_text(payload));
      delivered_at.push_back(simulator_.now());
    });
    sender.outputs.pop_back();
    second_ = [=] { return std::make_unique<TransmitterNode>(sender); };
  }

  /// The second transmitter starts at 0, too: the scenario crashes it until it shall be there.
  NodeId add_second() { return add("second", second_); }
  void payload_at(Duration at, NodeId node, std::string_view text) {
    simulator_.schedule_command(Time{at}, node, as_bytes(text));
  }
  void replay_at(Duration at, std::size_t index) {
    simulator_.schedule_command(Time{at}, tap, as_bytes(std::to_string(index)));
  }
  void faults(const sim::FaultPlan& plan) { simulator_.set_faults(plan); }
  void run(Duration until) {
    simulator_.run_until(Time{until});
    ASSERT_FALSE(simulator_.failure()) << *simulator_.failure();
  }
  std::vector<std::string> lines(std::string_view type) const {
    std::vector<std::string> found;
    for (const std::string& line : sink_.lines) {
      if (line.starts_with(std::string(type) + " ")) found.push_back(line);
    }
    return found;
  }

  NodeId receiver{};
  NodeId first{};
  NodeId tap{};
  std::vector<Buffer> heard;
  std::vector<std::string> delivered;
  std::vector<Time> delivered_at;

 private:
  static sim::Topology topology(double loss) {
    sim::LinkParams lossy;
    lossy.delay = 10us;
    lossy.loss = loss;
    return Net()
        .hosts({"first", "second", "receiver", "tap"})
        .device("air", sim::DeviceKind::kSwitch)
        .link("first", "air", testing::link_of(10us))
        .link("second", "air", testing::link_of(10us))
        .link("tap", "air", testing::link_of(10us))
        .link("air", "receiver", lossy)
        .build();
  }
  IpAddress address(std::string_view host) { return testing::address_of(simulator_, host); }
  NodeId add(std::string_view host, sim::ProtocolFactory factory) {
    return testing::add_node(simulator_, host, std::move(factory));
  }

  testing::TextSink sink_;
  sim::Simulator simulator_;
  testing::ContractWatch watch_;
  Script tap_;
  std::function<std::unique_ptr<TransmitterNode>()> second_;
};

/// Nothing of the first transmitter arrives for this long.
sim::FaultSpec silence(Duration at, Duration lasts) {
  sim::FaultSpec fault = fault_of(sim::FaultAction::kLink, at, {}, lasts);
  fault.link.loss = 1;
  fault.link_between = {"first", "air"};
  return fault;
}

// ---- session_repeat --------------------------------------------------------------------------

std::size_t heard_after_a_lost_session(Policy policy) {
  RobustWorld world(policy);
  world.faults({silence(5s - 1ms, 2ms)});
  for (int i = 0; i < 200; ++i) world.payload_at(5s + i * 10ms, world.first, "x");
  world.run(8s);
  return world.delivered.size();
}

TEST(WfbRobust, ALostFirstSessionCostsNothingWhereItWasAnnouncedWhileIdle) {
  EXPECT_EQ(heard_after_a_lost_session(Policy::kOriginal), 100u) << "a second of data";
  // The first payload falls into the silence, too, and is computed from the parity.
  EXPECT_EQ(heard_after_a_lost_session(Policy::kRobust), 200u);
}

// ---- ring_timeout ----------------------------------------------------------------------------

Duration longest_wait(Policy policy) {
  RobustWorld world(policy, 0.3);
  constexpr int kPayloads = 2'000;
  for (int i = 0; i < kPayloads; ++i) {
    world.payload_at(1s + i * 10ms, world.first, std::to_string(i));
  }
  world.run(60s);
  EXPECT_GT(world.delivered.size(), kPayloads / 2u);
  Duration longest{};
  int last = -1;
  for (std::size_t i = 0; i < world.delivered.size(); ++i) {
    const int number = std::stoi(world.delivered[i]);
    EXPECT_GT(number, last) << "in order, each at most once";
    last = number;
    longest = std::max(longest, world.delivered_at[i] - Time{1s + number * 10ms});
  }
  return longest;
}

TEST(WfbRobust, NothingWaitsLongerThanTheTimeoutBehindAHole) {
  EXPECT_GT(longest_wait(Policy::kOriginal), 60ms);
  EXPECT_LE(longest_wait(Policy::kRobust), 51ms);
}

// ---- refuse_replay ---------------------------------------------------------------------------

TEST(WfbRobust, OfTwoTransmittersWithOneKeyTheLaterOneStays) {
  for (const Policy policy : {Policy::kOriginal, Policy::kRobust}) {
    RobustWorld world(policy);
    const NodeId second = world.add_second();
    world.faults({fault_of(sim::FaultAction::kCrash, 500ms, {"second"}, 1500ms)});
    for (int i = 0; i < 1000; ++i) {
      world.payload_at(3s + i * 10ms, world.first, "first");
      world.payload_at(3s + i * 10ms + 5ms, second, "second");
    }
    world.run(14s);
    const auto adopted = world.lines("wfb.session").size();
    if (policy == Policy::kOriginal) {
      EXPECT_GE(adopted, 19u) << "twice a second";
    } else {
      EXPECT_LE(adopted, 3u) << "the first, the second's first life, its second life";
      EXPECT_EQ(std::ranges::count(world.delivered, "second"), 1000);
      EXPECT_EQ(std::ranges::count(world.delivered, "first"), 0);
      EXPECT_THAT(world.lines("wfb.refused").size(), Gt(0u));
    }
  }
}

TEST(WfbRobust, ARestartOpensTheReceiverToNoReplay) {
  for (const Policy policy : {Policy::kOriginal, Policy::kRobust}) {
    RobustWorld world(policy);
    world.payload_at(1s, world.first, "old");
    world.payload_at(1s, world.first, "old");
    // The transmitter's second life; then it is off, and the receiver starts again.
    world.payload_at(4s, world.first, "new");
    world.faults({fault_of(sim::FaultAction::kCrash, 2s, {"first"}, 1s),
                  fault_of(sim::FaultAction::kCrash, 5s, {"first"}),
                  fault_of(sim::FaultAction::kCrash, 6s, {"receiver"}, 1s)});
    world.run(1500ms);
    const std::size_t recorded = world.heard.size();
    for (std::size_t i = 0; i < recorded; ++i) world.replay_at(8s + i * 1ms, i);
    world.run(9s);
    const auto old = std::ranges::count(world.delivered, "old");
    EXPECT_EQ(old, policy == Policy::kOriginal ? 4 : 2);
    EXPECT_EQ(world.lines("wfb.refused").size(), policy == Policy::kOriginal ? 0u : 1u);
  }
}

TEST(WfbRobust, TheReceiverTakesUpTheSessionAfterItsRestart) {
  RobustWorld world(Policy::kRobust);
  world.faults({fault_of(sim::FaultAction::kCrash, 3s, {"receiver"}, 1s)});
  world.payload_at(2s, world.first, "before");
  world.payload_at(2s, world.first, "end of the block");
  world.payload_at(6s, world.first, "after");
  world.run(7s);
  EXPECT_THAT(world.delivered, ElementsAre("before", "end of the block", "after"));
}

TEST(WfbRobust, AWallClockThatWasSetBackLowersNoEpoch) {
  RobustWorld world(Policy::kRobust);
  sim::FaultSpec clock = fault_of(sim::FaultAction::kClock, 2s, {"first"});
  clock.clock.step = -1h;
  world.faults({clock, fault_of(sim::FaultAction::kCrash, 3s, {"first"}, 1s)});
  world.payload_at(1s, world.first, "before");
  world.payload_at(5s, world.first, "after");
  world.run(6s);
  EXPECT_THAT(world.delivered, ElementsAre("before", "after"));
}

TEST(WfbRobust, NothingIsSentBeforeItsEpochIsDurable) {
  RobustWorld world(Policy::kRobust);
  sim::FaultSpec full = fault_of(sim::FaultAction::kDisk, 0s, {"first"}, 4500ms);
  full.disk.full = true;
  world.faults({full});
  world.payload_at(2s, world.first, "kept");
  world.run(4s);
  EXPECT_TRUE(world.heard.empty());
  world.run(7s);
  EXPECT_THAT(world.delivered, ElementsAre("kept")) << "the disk was asked again";
}

}  // namespace
}  // namespace twinbed::wfb
