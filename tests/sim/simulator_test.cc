// The simulator as a whole: the same seed gives the same run, whatever else goes on around it.
#include "sim/simulator.h"

#include <algorithm>
#include <thread>

#include "core/base/check.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Metric kTestMetric{"test.metric", "1", "a metric of this test"};
constexpr EventType kTestEvent{"test.event", "an event of this test"};

struct ChatterOptions {
  std::size_t talkers = 4;
  std::size_t idle = 0;        ///< nodes on hosts of their own that do nothing
  bool recording = false;
};

sim::Topology chatter_topology(const ChatterOptions& options) {
  sim::LinkParams link = link_of(milliseconds(2));
  link.jitter = milliseconds(1);
  link.loss = 0.05;
  link.duplicate = 0.05;
  Net net;
  net.device("switch", sim::DeviceKind::kSwitch);
  for (std::size_t i = 0; i < options.talkers + options.idle; ++i) {
    const std::string name = "host" + std::to_string(i);
    net.device(name, sim::DeviceKind::kHost).link(name, "switch", link);
  }
  return net.build();
}

/// Nodes that send to random others at random times, write files and talk over streams.
class Chatter {
 public:
  explicit Chatter(std::uint64_t seed, const ChatterOptions& options = {})
      : world(chatter_topology(options), seed), draws(options.talkers) {
    for (std::size_t i = 0; i < options.talkers + options.idle; ++i) {
      const NodeId node = world.add("host" + std::to_string(i));
      if (i >= options.talkers) {
        world.script(node) = {};
        continue;
      }
      Script& script = world.script(node);
      const auto start = script.start;
      script.start = [this, start](Context& c) {
        start(c);
        c.timers.set(TimerId{1}, c.now + milliseconds(1));
        c.streams.open(StreamId{1}, world.endpoint(NodeId{0}));
      };
      script.timer = [this, i, options](Context& c, TimerId) { talk(c, i, options); };
    }
  }

  NetWorld world;
  std::vector<std::vector<std::uint64_t>> draws;  ///< of each node's random stream

 private:
  void talk(Context& c, std::size_t i, const ChatterOptions& options) {
    const std::uint64_t drawn = c.random.next();
    draws[i].push_back(drawn);
    const NodeId to{static_cast<std::uint32_t>(drawn % options.talkers)};
    c.datagrams.send(NetWorld::kSocket, world.endpoint(to), as_bytes(std::to_string(drawn)));
    c.streams.write(StreamId{1}, as_bytes(std::to_string(drawn)));
    c.storage.write("file", 0, as_bytes(std::to_string(drawn)));
    c.storage.sync(StorageToken{drawn}, "file");
    if (options.recording) {
      c.recorder.sample(kTestMetric, 1.0);
      c.recorder.event(kTestEvent, {{"n", std::int64_t{1}}});
    }
    c.timers.set(TimerId{1}, c.now + c.random.between(milliseconds(1), milliseconds(20)));
  }
};

struct Outcome {
  std::uint64_t fingerprint = 0;
  std::uint64_t events = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome outcome(Chatter& chatter) {
  return {chatter.world.simulator.fingerprint().value(), chatter.world.simulator.events_executed()};
}

Outcome run_once(std::uint64_t seed) {
  Chatter chatter(seed);
  chatter.world.run(seconds(1));
  return outcome(chatter);
}

TEST(Simulator, TheSameSeedGivesTheSameRun) {
  EXPECT_EQ(run_once(7), run_once(7));
  EXPECT_GT(run_once(7).events, 1000U);
}

TEST(Simulator, AnotherSeedGivesAnotherRun) {
  EXPECT_NE(run_once(7).fingerprint, run_once(8).fingerprint);
}

TEST(Simulator, RunningInPiecesOrStepByStepIsTheSameRun) {
  Chatter whole(3);
  whole.world.run(seconds(1));
  Chatter pieces(3);
  for (int ms = 7; ms < 1000; ms += 7) pieces.world.run(milliseconds(ms));
  pieces.world.run(seconds(1));
  Chatter steps(3);
  while (steps.world.simulator.next_event_at() <= Time{seconds(1)}) steps.world.simulator.step();
  EXPECT_EQ(outcome(pieces), outcome(whole));
  EXPECT_EQ(outcome(steps), outcome(whole));
}

TEST(Simulator, ANodeThatDoesNothingMovesNoOtherNodesRandomNumbers) {
  Chatter alone(5);
  Chatter joined(5, {4, 3, false});
  alone.world.run(seconds(1));
  joined.world.run(seconds(1));
  EXPECT_GT(alone.draws[0].size(), 50U);
  EXPECT_EQ(alone.draws, joined.draws);
  std::vector<std::uint64_t> firsts;
  for (const auto& draws : alone.draws) firsts.push_back(draws[0]);
  std::sort(firsts.begin(), firsts.end());
  EXPECT_EQ(std::unique(firsts.begin(), firsts.end()), firsts.end());  // a stream for each node
}

TEST(Simulator, RecordingChangesNothing) {
  Chatter silent(5);
  Chatter recorded(5, {4, 0, true});
  silent.world.run(seconds(1));
  recorded.world.run(seconds(1));
  EXPECT_FALSE(recorded.world.sink.lines.empty());
  EXPECT_EQ(outcome(silent), outcome(recorded));
  EXPECT_EQ(silent.draws, recorded.draws);
}

TEST(Simulator, AHundredOfThemInterleavedDoNotDisturbEachOther) {
  std::vector<std::unique_ptr<Chatter>> all;
  for (std::uint64_t seed = 0; seed < 100; ++seed) all.push_back(std::make_unique<Chatter>(seed));
  for (int ms = 10; ms <= 100; ms += 10) {
    for (auto& chatter : all) chatter->world.run(milliseconds(ms));
  }
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    Chatter alone(seed);
    alone.world.run(milliseconds(100));
    EXPECT_EQ(outcome(*all[seed]), outcome(alone)) << "seed " << seed;
  }
}

TEST(Simulator, TwoThreadsGiveTheResultsOfOne) {
  const std::vector<std::uint64_t> seeds = {1, 2, 3, 4, 5, 6};
  std::vector<Outcome> threaded(seeds.size());
  const auto work = [&](std::size_t from) {
    for (std::size_t i = from; i < seeds.size(); i += 2) threaded[i] = run_once(seeds[i]);
  };
  std::thread first(work, 0);
  std::thread second(work, 1);
  first.join();
  second.join();
  for (std::size_t i = 0; i < seeds.size(); ++i) EXPECT_EQ(threaded[i], run_once(seeds[i]));
}

TEST(Simulator, RunUntilAPredicateStopsAfterTheEventThatMakesItTrue) {
  NetWorld world(line_of_two(link_of(milliseconds(5))));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  world.send_at(milliseconds(10), a, world.endpoint(b), "x");
  world.send_at(milliseconds(20), a, world.endpoint(b), "y");
  const auto got = [&](std::size_t count) {
    return [&, count] { return world.received(b).size() >= count; };
  };
  EXPECT_TRUE(world.simulator.run_until(got(1), Time{seconds(1)}));
  EXPECT_EQ(world.simulator.now(), Time{milliseconds(15)});
  EXPECT_FALSE(world.simulator.run_until(got(2), Time{milliseconds(24)}));
  EXPECT_EQ(world.simulator.now(), Time{milliseconds(24)});
  EXPECT_TRUE(world.simulator.run_until(got(2), Time{milliseconds(25)}));  // the limit is included
  EXPECT_FALSE(world.simulator.run_until(got(3), Time{seconds(9)}));
  EXPECT_EQ(world.simulator.now(), Time{seconds(9)});
}

TEST(Simulator, TimeNeverRunsBack) {
  Chatter chatter(1);
  sim::Simulator& simulator = chatter.world.simulator;
  Time last{};
  for (int i = 0; i < 5000 && simulator.step(); ++i) {
    ASSERT_GE(simulator.now(), last);
    last = simulator.now();
  }
  simulator.run_until(Time{});
  EXPECT_EQ(simulator.now(), last);
  EXPECT_FALSE(simulator.run_until([] { return true; }, Time{milliseconds(1)}));
  EXPECT_EQ(simulator.now(), last);
  simulator.schedule_command(Time{}, NodeId{0}, as_bytes("late"));  // becomes due at once
  EXPECT_EQ(simulator.next_event_at(), last);
}

TEST(Simulator, NothingLeftToDoIsNeverAndTheClockStillMoves) {
  NetWorld world(line_of_two());
  world.add("a");
  world.run(seconds(3));
  EXPECT_EQ(world.simulator.next_event_at(), kNever);
  EXPECT_FALSE(world.simulator.step());
  EXPECT_EQ(world.simulator.now(), Time{seconds(3)});
  EXPECT_EQ(world.simulator.events_executed(), 1U);
}

TEST(Simulator, AFilePutOnADiskIsThereAtTheStartAndAfterACrash) {
  NetWorld world(line_of_two());
  const NodeId a = world.add("a");
  std::vector<std::string> read;
  world.simulator.put_file(a, "config", as_bytes("answer=42"));
  world.script(a).start = [](Context& c) { c.storage.read(StorageToken{1}, "config", 0, 100); };
  world.script(a).storage = [&](Context&, const StorageResult& result) {
    read.emplace_back(as_text(result.data));
  };
  world.run(seconds(1));
  world.simulator.node(a).crash();
  world.simulator.node(a).start();
  world.run(seconds(2));
  EXPECT_EQ(read, (std::vector<std::string>{"answer=42", "answer=42"}));
}

TEST(Simulator, NodeOptionsSetTheClocks) {
  NetWorld world(line_of_two());
  WallTime wall{};
  Time now{};
  Script script;
  script.start = [](Context& c) { c.timers.set(TimerId{1}, Time{seconds(11)}); };
  script.timer = [&](Context& c, TimerId) {
    now = c.now;
    wall = c.wall;
  };
  ContractWatch watch;
  world.simulator.add_node({"a", "server", 0, seconds(-2), 100'000},
                           [&] { return std::make_unique<ScriptedProtocol>(script, watch); });
  EXPECT_TRUE(world.simulator.run_until([&] { return now != Time{}; }, Time{seconds(99)}));
  EXPECT_EQ(world.simulator.now(), Time{seconds(10)});
  EXPECT_EQ(now, Time{seconds(11)});
  EXPECT_EQ(wall, sim::kSimulatedEpoch + seconds(9));
}

TEST(Simulator, EventsCanBePutIntoWordsWithoutChangingTheRun) {
  const auto run = [](bool describing, std::vector<std::string>& lines) {
    NetWorld world(line_of_two(link_of(milliseconds(5))), 3);
    const NodeId a = world.add("a");
    const NodeId b = world.add("b");
    world.simulator.set_faults({fault_of(sim::FaultAction::kPause, milliseconds(1), {"b"},
                                         milliseconds(1))});
    world.at(milliseconds(2), a, [&](Context& c) {
      c.timers.set(TimerId{9}, c.now + milliseconds(1));
      c.datagrams.send(NetWorld::kSocket, world.endpoint(b), as_bytes("hello"));
      c.storage.sync(StorageToken{1}, "f");
    });
    world.at(milliseconds(20), a, [&](Context& c) {
      c.streams.open(StreamId{1}, world.endpoint(b));
    });
    if (describing) world.simulator.describe_events();
    while (world.simulator.step()) lines.push_back(world.simulator.last_description());
    return world.simulator.fingerprint();
  };
  std::vector<std::string> lines;
  std::vector<std::string> empty;
  EXPECT_EQ(run(true, lines), run(false, empty));
  EXPECT_EQ(empty[0], "");
  EXPECT_EQ(lines, (std::vector<std::string>{
      "0.000000000 s  a starts",
      "0.000000000 s  b starts",
      "0.001000000 s  fault 0 (pause) begins",
      "0.002000000 s  fault 0 (pause) ends",
      "0.002000000 s  a command '0'",
      "0.002000000 s  a storage answer",
      "0.003000000 s  a timer 9",
      "0.007000000 s  at b: datagram 10.0.0.1:7001 -> 10.0.0.2:7001, 5 bytes",
      "0.020000000 s  a command '1'",
      "0.025000000 s  at b: segment SYN 10.0.0.1:49152 -> 10.0.0.2:7001, 0 bytes, sequence 0, "
      "acknowledges 0",
      "0.030000000 s  at a: segment SYN 10.0.0.2:7001 -> 10.0.0.1:49152, 0 bytes, sequence 0, "
      "acknowledges 0",
      "0.035000000 s  at b: segment 10.0.0.1:49152 -> 10.0.0.2:7001, 0 bytes, sequence 0, "
      "acknowledges 0"}));
}

TEST(SimulatorDeathTest, AFailedCheckPrintsSeedAndTimeOfTheSimulatorThatRuns) {
  const auto die = [] {
    NetWorld world(line_of_two(), 4711);
    Chatter other(1);
    const NodeId a = world.add("a");
    world.script(a).start = [](Context& c) { c.timers.set(TimerId{1}, Time{milliseconds(1500)}); };
    world.script(a).timer = [](Context&, TimerId) { TWINBED_CHECK(1 + 1 == 3, "sums are wrong"); };
    other.world.run(seconds(1));
    world.run(seconds(2));
  };
  EXPECT_DEATH(die(), "1 \\+ 1 == 3: sums are wrong\n.*seed 4711 at 1500000000 ns");
}

}  // namespace
}  // namespace twinbed::testing
