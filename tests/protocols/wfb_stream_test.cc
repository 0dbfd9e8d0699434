// WFB-NG's programs in the simulator, joined by links that lose packets: what arrives of a stream.
#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "core/protocols/wfb/keys.h"
#include "core/protocols/wfb/receiver_node.h"
#include "core/protocols/wfb/transmitter_node.h"
#include "tests/support/net_world.h"

namespace twinbed::wfb {
namespace {

using testing::Net;
using namespace std::chrono_literals;

constexpr std::uint16_t kInputPort = 5600;
constexpr std::uint16_t kReceiverPort = 10000;
constexpr std::uint16_t kControlPort = 7000;

/// Sends a payload to the transmitter's input at an interval: its number, and bytes to fill it up.
class Source final : public Protocol {
 public:
  Source(Endpoint to, Duration every, std::size_t count) : to_(to), every_(every), left_(count) {}

  void on_start(Context& context) override {
    context.datagrams.bind(SocketId{1}, {kAnyAddress, 0});
    on_timer(context, TimerId{1});
  }
  void on_timer(Context& context, TimerId) override {
    if (left_-- == 0) return;
    const Buffer payload(60, static_cast<std::byte>(left_));
    context.datagrams.send(SocketId{1}, to_, payload);
    context.timers.set(TimerId{1}, context.now + every_);
  }

 private:
  Endpoint to_;
  Duration every_;
  std::size_t left_;
};

struct Stream {
  double loss = 0;
  int antennas = 1;
  std::size_t payloads = 0;
  FecParams fec{8, 12};
  Duration every = 100us;
  Duration fec_timeout{};
  Duration fec_delay{};
};

/// A source, a transmitter whose packets go to the receiver once for each antenna, and a receiver.
class StreamWorld {
 public:
  explicit StreamWorld(const Stream& stream, std::uint64_t seed = 1)
      : simulator_(seed, topology(stream.loss), sink_) {
    RandomStream random(1, "keys", 0);
    const LinkKeys keys = make_link_keys(random);
    const ChannelId channel = ChannelId::of(1, 0);
    TransmitterOptions sender;
    sender.encoder = {keys.drone, channel, 0, stream.fec, 1s};
    sender.outputs.assign(static_cast<std::size_t>(stream.antennas),
                          AggregatorAddress{{address("receiver"), kReceiverPort}});
    sender.mirror = true;
    sender.first_input_port = kInputPort;
    sender.control = Endpoint{kAnyAddress, kControlPort};
    sender.fec_timeout = stream.fec_timeout;
    sender.fec_delay = stream.fec_delay;
    const ReceiverOptions receiver{{keys.ground, channel, 0}, kReceiverPort, std::nullopt, 1h};
    testing::add_node(simulator_, "receiver", [=, this] {
      auto node = std::make_unique<ReceiverNode>(receiver);
      receiver_ = node.get();
      return node;
    });
    testing::add_node(simulator_, "transmitter",
                      [=] { return std::make_unique<TransmitterNode>(sender); });
    const Endpoint input{address("transmitter"), kInputPort};
    testing::add_node(simulator_, "source", [=] {
      return std::make_unique<Source>(input, stream.every, stream.payloads);
    });
    simulator_.on_deliver([this](NodeId, Bytes) { ++delivered_; });
  }

  void run(Duration until) {
    simulator_.run_until(Time{until});
    EXPECT_FALSE(simulator_.failure()) << *simulator_.failure();
  }
  ReceiverCounters counters() const { return receiver_->aggregator().counters(); }
  std::size_t delivered() const { return delivered_; }

 private:
  static sim::Topology topology(double loss) {
    sim::LinkParams lossy;
    lossy.delay = 10us;
    lossy.loss = loss;
    return Net()
        .hosts({"source", "transmitter", "receiver"})
        .link("source", "transmitter", testing::link_of(10us))
        .link("transmitter", "receiver", lossy)
        .build();
  }
  IpAddress address(std::string_view host) { return testing::address_of(simulator_, host); }

  testing::TextSink sink_;
  sim::Simulator simulator_;
  const ReceiverNode* receiver_ = nullptr;
  std::size_t delivered_ = 0;
};

// ---- Residual loss ---------------------------------------------------------------------------

double choose(int n, int k) {
  return std::exp(std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0));
}

/// Mean and variance of the payloads of a block that are lost for good, when each fragment is lost
/// by itself with this probability: all lost data fragments, where more than n - k fragments are.
struct BlockLoss {
  double mean = 0;
  double variance = 0;

  BlockLoss(FecParams fec, double loss) {
    for (int data = 0; data <= fec.k; ++data) {
      for (int parity = 0; parity <= fec.n - fec.k; ++parity) {
        if (data + parity <= fec.n - fec.k) continue;
        const double probability = choose(fec.k, data) * choose(fec.n - fec.k, parity) *
                                   std::pow(loss, data + parity) *
                                   std::pow(1 - loss, fec.n - data - parity);
        mean += probability * data;
        variance += probability * data * data;
      }
    }
    variance -= mean * mean;
  }
};

struct LossCase {
  const char* name;
  double loss;
  int antennas;
  double published;  ///< share of payloads
  std::size_t payloads;
};

class ResidualLoss : public ::testing::TestWithParam<LossCase> {};

// The closed form: a block of 12 fragments fails where more than 4 are lost.
TEST_P(ResidualLoss, OfEightOfTwelveIsThatOfTheClosedForm) {
  const auto& [name, loss, antennas, published, payloads] = GetParam();
  const FecParams fec{8, 12};
  const BlockLoss block(fec, std::pow(loss, antennas));
  ASSERT_NEAR(block.mean / fec.k, published, published * 0.02);
  StreamWorld world({loss, antennas, payloads, fec});
  world.run(static_cast<std::int64_t>(payloads) * 100us + 1s);
  const ReceiverCounters counters = world.counters();
  const auto all = static_cast<double>(counters.out + counters.lost);
  const double found = static_cast<double>(counters.lost) / all;
  const double error = std::sqrt(block.variance / (all / fec.k)) / fec.k;
  std::printf("%s: %.3g of %.0f payloads lost, closed form %.3g, standard error %.2g\n", name,
              found, all, block.mean / fec.k, error);
  EXPECT_NEAR(found, block.mean / fec.k, 3 * error);
  EXPECT_GT(all, 0.9 * static_cast<double>(payloads));
  EXPECT_EQ(world.delivered(), counters.out);
}

INSTANTIATE_TEST_SUITE_P(
    Losses, ResidualLoss,
    ::testing::Values(LossCase{"Loss5", 0.05, 1, 7.8e-5, 400'000},
                      LossCase{"Loss10", 0.1, 1, 1.85e-3, 200'000},
                      LossCase{"Loss20", 0.2, 1, 0.0322, 100'000},
                      LossCase{"Loss30", 0.3, 1, 0.1291, 100'000},
                      LossCase{"Loss20TwoAntennas", 0.2, 2, 2.7e-5, 400'000},
                      LossCase{"Loss30TwoAntennas", 0.3, 2, 1.16e-3, 200'000}),
    [](const auto& loss) { return std::string(loss.param.name); });

// ---- Timers ----------------------------------------------------------------------------------

TEST(WfbTimeout, ClosesABlockWithOneFillerATime) {
  // Two payloads, six free places: the parities come 6 x 30 ms after the second payload.
  Stream stream{0, 1, 2};
  stream.fec_timeout = 30ms;
  StreamWorld world(stream);
  world.run(170ms);
  EXPECT_EQ(world.counters().data, 7u) << "two payloads and five fillers";
  world.run(200ms);
  EXPECT_EQ(world.counters().data, 12u);
  EXPECT_EQ(world.counters().out, 2u) << "fillers are not delivered";
  world.run(5s);
  EXPECT_EQ(world.counters().data, 12u) << "no block is open any more";
}

TEST(WfbTimeout, IsOffUnlessAskedFor) {
  StreamWorld world({0, 1, 2});
  world.run(60s);
  EXPECT_EQ(world.counters().data, 2u);
}

TEST(WfbDelay, SpacesParitiesAndHoldsBackPayloads) {
  Stream stream{0, 1, 16};
  stream.every = 1ms;
  stream.fec_delay = 10ms;
  StreamWorld world(stream);
  world.run(16ms);
  EXPECT_EQ(world.counters().data, 8u) << "the first block, and no parity before 17 ms";
  world.run(40ms);
  EXPECT_EQ(world.counters().data, 11u) << "parities at 17, 27 and 37 ms";
  world.run(48ms);
  EXPECT_EQ(world.counters().data, 20u) << "the last parity, then all payloads that waited";
  world.run(1s);
  EXPECT_EQ(world.counters().data, 24u);
  EXPECT_EQ(world.counters().out, 16u);
}

}  // namespace
}  // namespace twinbed::wfb
