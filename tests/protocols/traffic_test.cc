// Sources and sinks of traffic, in a simulated network.
#include "core/protocols/traffic/traffic.h"

#include <gmock/gmock.h>

#include <map>
#include <sstream>

#include "core/wire/writer.h"
#include "sim/simulator.h"
#include "tests/support/sim_world.h"

namespace twinbed::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::uint16_t kPort = 7001;

/// Rows of one kind, with their integer fields.
class Rows final : public RunSink {
 public:
  void sample(Time, NodeId, const Metric& metric, double value) override {
    if (metric.name == traffic::kLoss.name) losses.push_back(value);
  }
  void event(Time, NodeId, const EventType& type, std::span<const Field> fields) override {
    if (type.name == kTrafficSentEvent.name) sent.push_back(int_field(fields, "count", -1));
    if (type.name == kTrafficRepeatedEvent.name) {
      repeated.emplace_back(int_field(fields, "second", -1), int_field(fields, "count", -1));
    }
    if (type.name != kTrafficReceivedEvent.name) return;
    delays_ms.emplace_back(text_field(fields, "delays_ms"));
    received.push_back(int_field(fields, "count", -1));
    duplicates.push_back(int_field(fields, "duplicates", -1));
    latency_us.push_back(int_field(fields, "latency_us", -1));
    gap_us.push_back(int_field(fields, "gap_us", -1));
  }
  void fault(Time, const FaultRow&) override {}

  std::vector<double> losses;
  std::vector<std::int64_t> sent, received, duplicates, latency_us, gap_us;
  std::vector<std::string> delays_ms;
  std::vector<std::pair<std::int64_t, std::int64_t>> repeated;  ///< second of sending, copies
};

/// A source and a sink on two hosts of a star, whose links are all alike.
struct Line {
  explicit Line(const sim::LinkParams& link, const traffic::SourceOptions& options = {})
      : simulator(1, star_topology(2, link), rows) {
    traffic::SourceOptions source = options;
    source.local = {kAnyAddress, kPort};
    source.peer = {simulator.network().topology().devices[2].address, kPort};
    simulator.add_node({"source", "source", 1, {}, 0},
                       [source] { return std::make_unique<traffic::Source>(source); });
    simulator.add_node({"sink", "sink", 2, {}, 0}, [] {
      return std::make_unique<traffic::Sink>(Endpoint{kAnyAddress, kPort});
    });
  }

  Rows rows;
  sim::Simulator simulator;
};

TEST(Traffic, CountsEachSecondBySending) {
  sim::LinkParams slow;
  slow.delay = 400ms;  // twice on the way
  Line line(slow, {.interval = 100ms});
  line.simulator.run_until(Time{10s});
  ASSERT_GE(line.rows.received.size(), 6U);
  EXPECT_THAT(line.rows.sent, ::testing::Each(10));
  EXPECT_THAT(line.rows.received, ::testing::Each(10)) << "though they came 0.8 s later";
  EXPECT_THAT(line.rows.latency_us, ::testing::Each(800'000));
  EXPECT_THAT(line.rows.losses, ::testing::Each(0.0));
  EXPECT_THAT(line.rows.delays_ms, ::testing::Each("800:10"));
}

TEST(Traffic, TellsDelaysInWholeMillisecondsRoundedUp) {
  sim::LinkParams link;
  link.delay = 250us;  // twice on the way
  link.reorder = 0.5;
  link.reorder_delay = 3ms;
  Line line(link, {.interval = 1ms});
  line.simulator.run_until(Time{6s});
  std::map<int, int> delays;
  for (const std::string& text : line.rows.delays_ms) {
    std::istringstream words(text);
    int ms = 0, count = 0;
    for (char colon = 0; words >> ms >> colon >> count;) delays[ms] += count;
  }
  // Half a millisecond, and 3 ms more on none, one or both of the links.
  EXPECT_THAT(delays, ::testing::UnorderedElementsAre(::testing::Pair(1, ::testing::Gt(500)),
                                                      ::testing::Pair(4, ::testing::Gt(1000)),
                                                      ::testing::Pair(7, ::testing::Gt(500))));
}

TEST(Traffic, TellsLostOnesAndPauses) {
  sim::LinkParams lossy;
  lossy.loss = 0.3;
  Line line(lossy, {.interval = 1ms, .start = 500ms});
  line.simulator.run_until(Time{20s});
  std::int64_t sent = 0, received = 0, longest = 0;
  for (std::size_t i = 0; i < line.rows.received.size(); ++i) {
    sent += line.rows.sent[i];
    received += line.rows.received[i];
    longest = std::max(longest, line.rows.gap_us[i]);
  }
  EXPECT_EQ(line.rows.sent.front(), 500) << "it starts in the middle of a second";
  // Each of the two links lets 70 % pass; four standard errors of some 17,000.
  EXPECT_NEAR(static_cast<double>(received) / static_cast<double>(sent), 0.49, 0.016);
  EXPECT_GE(longest, 5'000);
  EXPECT_LE(longest, 40'000);
}

TEST(Traffic, CountsCopiesApart) {
  sim::LinkParams doubling;
  doubling.duplicate = 1;
  Line line(doubling, {.interval = 10ms});
  line.simulator.run_until(Time{6s});
  EXPECT_THAT(line.rows.received, ::testing::Each(100));
  EXPECT_THAT(line.rows.duplicates, ::testing::Each(300)) << "doubled on both links";
}

TEST(Traffic, EndsInTime) {
  Line line({}, {.interval = 100ms, .lasts = 1500ms});
  line.simulator.run_until(Time{8s});
  EXPECT_EQ(line.rows.received.at(0), 10);
  EXPECT_EQ(line.rows.received.at(1), 5);
  EXPECT_EQ(line.rows.received.at(2), 0);
}

/// A sink that is sent datagrams written by hand, from 1 s on.
struct LoneSink {
  LoneSink() : simulator(1, star_topology(1), rows) {
    simulator.add_node({"sink", "sink", 1, {}, 0}, [] {
      return std::make_unique<traffic::Sink>(Endpoint{kAnyAddress, kPort});
    });
    simulator.run_until(Time{1s});
    EXPECT_EQ(simulator.network().bind(NodeId{0}, SocketId{9}, {kAnyAddress, 9}), "");
  }
  void send(std::uint64_t number, std::uint64_t time, std::size_t bytes = 20) {
    Buffer datagram;
    Writer writer(datagram);
    writer.u32be(7);
    writer.u64be(number);
    writer.u64be(time);
    datagram.resize(bytes);
    simulator.network().send(NodeId{0}, SocketId{9},
                             {simulator.network().topology().devices[1].address, kPort}, datagram);
    simulator.run_until(simulator.now() + 1ms);
  }

  Rows rows;
  sim::Simulator simulator;
};

TEST(Traffic, ASinkBearsWhateverComes) {
  LoneSink sink;
  sink.send(5, 1'000'000'000);
  sink.send(~std::uint64_t{0}, 1'000'000'000);  // a number far beyond the others
  sink.send(6, ~std::uint64_t{0});              // a time before the run
  sink.send(6, 1'000'000'000, 19);              // too short
  sink.simulator.run_until(Time{5s});
  ASSERT_GE(sink.rows.received.size(), 2U);
  EXPECT_EQ(sink.rows.received[1], 1);
}

TEST(Traffic, KnowsCopiesThatComeLongAfterwards) {
  LoneSink sink;
  for (const std::uint64_t number : {5, 6, 8}) sink.send(number, 1'000'000'000);
  sink.simulator.run_until(Time{60s});
  EXPECT_THAT(sink.rows.repeated, ::testing::IsEmpty());
  sink.send(5, 1'000'000'000);
  sink.send(6, 1'000'000'000);
  sink.send(6, 1'000'000'000);
  sink.send(7, 1'000'000'000);   // for the first time, and far too late
  sink.send(5, 30'000'000'000);  // of another second
  sink.simulator.run_until(Time{62s});
  EXPECT_THAT(sink.rows.repeated, ::testing::ElementsAre(::testing::Pair(1, 3)));
  sink.send(7, 1'000'000'000);
  sink.send(~std::uint64_t{0}, 1'000'000'000);
  sink.simulator.run_until(Time{64s});
  EXPECT_THAT(sink.rows.repeated,
              ::testing::ElementsAre(::testing::Pair(1, 3), ::testing::Pair(1, 1)));
  EXPECT_EQ(sink.rows.received[1], 3);
}

TEST(Traffic, RemembersWithinBounds) {
  LoneSink sink;
  // Seventeen seconds of a million numbers each: the oldest one is forgotten.
  for (std::uint64_t second = 1; second <= 17; ++second) {
    sink.simulator.run_until(Time{std::chrono::seconds(second)});
    sink.send(0, second * 1'000'000'000);
    sink.send(1'000'000, second * 1'000'000'000);
  }
  sink.simulator.run_until(Time{30s});
  sink.send(0, 1'000'000'000);
  sink.send(0, 2'000'000'000);
  sink.simulator.run_until(Time{32s});
  EXPECT_THAT(sink.rows.repeated, ::testing::ElementsAre(::testing::Pair(2, 1)));
}

}  // namespace
}  // namespace twinbed::testing
