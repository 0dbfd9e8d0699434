// Faults of processes, clocks, disks and links in a running simulation.
#include <map>

#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::DeviceKind;
using sim::FaultAction;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

/// Node a is under test and writes down what its handlers see, in `log`; b is the world around it.
class FaultsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    Script& script = world.script(a);
    script.start = [this](Context& c) {
      log.push_back("start");
      c.datagrams.bind(SocketId{1}, {kAnyAddress, 7001});
      c.streams.listen(ListenerId{1}, {kAnyAddress, 7001});
      if (on_start) on_start(c);
    };
    script.timer = [this](Context& c, TimerId id) {
      log.push_back("timer " + std::to_string(static_cast<std::uint32_t>(id)));
      fired_at = world.simulator.now();
      if (on_timer) on_timer(c, id);
    };
    script.datagram = [this](Context&, const Datagram& datagram) {
      log.push_back("datagram " + std::string(as_text(datagram.payload)));
    };
    script.storage = [this](Context&, const StorageResult& result) {
      log.push_back(std::string(to_string(result.status)) + " " +
                    std::string(as_text(result.data)));
      answered_at = world.simulator.now();
    };
    script.stop = [this](Context&) { log.push_back("stop"); };
  }
  void set_timer_at(Duration when, std::uint32_t id, Duration deadline) {
    world.at(when, a, [=](Context& c) { c.timers.set(TimerId{id}, Time{deadline}); });
  }
  void write_at(Duration when, std::string text, bool sync) {
    world.at(when, a, [=](Context& c) {
      c.storage.write("file", 0, as_bytes(text));
      if (sync) c.storage.sync(StorageToken{1}, "file");
    });
  }
  void read_at(Duration when) {
    world.at(when, a, [](Context& c) { c.storage.read(StorageToken{2}, "file", 0, 100); });
  }
  const Lines& rows() const { return world.sink.faults; }

  NetWorld world{line_of_two(link_of(milliseconds(1)))};
  NodeId a = world.add("a");
  NodeId b = world.add("b");
  Lines log;
  std::function<void(Context&)> on_start;
  std::function<void(Context&, TimerId)> on_timer;
  Time fired_at{};
  Time answered_at{};
};

TEST_F(FaultsTest, ACrashTakesTimersAndUnsyncedWritesAndWhatIsSyncedStays) {
  set_timer_at(milliseconds(100), 1, seconds(3));
  write_at(milliseconds(100), "durable", true);
  write_at(milliseconds(200), "volatil", false);
  read_at(milliseconds(300));
  world.simulator.set_faults({fault_of(FaultAction::kCrash, seconds(1), {"a"}),
                              fault_of(FaultAction::kRestart, seconds(2), {"a"})});
  read_at(milliseconds(1500));  // nobody is there
  read_at(milliseconds(2500));
  world.run(seconds(10));
  world.simulator.finish();
  EXPECT_EQ(log, (Lines{"start", "ok ", "ok volatil", "start", "ok durable"}));
  EXPECT_EQ(rows(), (Lines{"crash begin a touched 0", "restart begin a touched 0",
                           "crash end a touched 1", "restart end a touched 1"}));
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST_F(FaultsTest, ACrashForAWhileRestartsTheProcess) {
  world.simulator.set_faults({fault_of(FaultAction::kCrash, seconds(1), {"a"}, seconds(2))});
  world.send_at(milliseconds(1500), b, world.endpoint(a), "too early");
  world.send_at(milliseconds(2999), b, world.endpoint(a), "in time");
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "start", "datagram in time"}));
  EXPECT_EQ(rows(), (Lines{"crash begin a touched 0", "crash end a touched 1"}));
  EXPECT_EQ(world.drops().no_socket, 1U);
}

TEST_F(FaultsTest, ACrashThatFindsTheProcessDownDoesAndUndoesNothing) {
  world.simulator.set_faults({fault_of(FaultAction::kCrash, seconds(1), {"a"}),
                              fault_of(FaultAction::kCrash, seconds(2), {"a"}, seconds(1))});
  world.run(seconds(10));
  EXPECT_EQ(log, Lines{"start"});
  EXPECT_EQ(rows().back(), "crash end a touched 0");
}

TEST_F(FaultsTest, ACrashDropsInputThatWaitsForAPausedProcess) {
  world.simulator.set_faults({fault_of(FaultAction::kPause, seconds(1), {"a"}, seconds(8)),
                              fault_of(FaultAction::kCrash, seconds(2), {"a"}, seconds(1))});
  set_timer_at(milliseconds(500), 1, milliseconds(1500));
  world.send_at(milliseconds(1500), b, world.endpoint(a), "lost");
  world.at(milliseconds(1500), a, [&](Context&) { log.push_back("command"); });
  world.run(seconds(20));
  EXPECT_EQ(log, (Lines{"start", "start"}));
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

TEST_F(FaultsTest, ACrashEndsConnectionsAndTheRestartedProcessKnowsNoneOfThem) {
  const Endpoint to = world.endpoint(a);
  world.at(milliseconds(10), b, [=](Context& c) { c.streams.open(StreamId{1}, to); });
  world.simulator.set_faults({fault_of(FaultAction::kCrash, seconds(1), {"a"}, seconds(1))});
  world.at(seconds(3), b, [=](Context& c) { c.streams.open(StreamId{2}, to); });
  world.run(seconds(10));
  EXPECT_EQ(world.streams(b), "opened, closed, opened");
  EXPECT_EQ(world.streams(a), "accepted, accepted");
  EXPECT_EQ(world.simulator.network().tcp().open_connections(), 2U);  // both ends of the second
}

TEST_F(FaultsTest, ARestartHitsARunningProcessTooAndMayTakeTheDisk) {
  sim::FaultSpec with = fault_of(FaultAction::kRestart, seconds(1), {"a"});
  sim::FaultSpec without = fault_of(FaultAction::kRestart, seconds(2), {"a"});
  without.with_disk = false;
  world.simulator.set_faults({with, without});
  write_at(milliseconds(100), "kept", true);
  read_at(milliseconds(1500));
  read_at(milliseconds(2500));
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "ok ", "start", "ok kept", "start", "not found "}));
}

TEST_F(FaultsTest, AStopRunsOnStopAndWhatWasWrittenStaysWithTheKernel) {
  world.simulator.set_faults({fault_of(FaultAction::kStop, seconds(1), {"a"}, seconds(1))});
  set_timer_at(milliseconds(100), 1, milliseconds(1500));
  write_at(milliseconds(100), "unsynced", false);
  read_at(milliseconds(2500));
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "stop", "start", "ok unsynced"}));
  EXPECT_EQ(rows().back(), "stop end a touched 1");
}

TEST_F(FaultsTest, InputWaitsForAPausedProcessInItsOrder) {
  world.simulator.set_faults({fault_of(FaultAction::kPause, seconds(1), {"a"}, seconds(4))});
  set_timer_at(milliseconds(500), 1, milliseconds(2000));
  Time resumed_now{};
  WallTime resumed_wall{};
  world.send_at(milliseconds(1500), b, world.endpoint(a), "one");
  world.at(milliseconds(2500), a, [&](Context& c) {
    log.push_back("command");
    resumed_now = c.now;
    resumed_wall = c.wall;
  });
  world.send_at(milliseconds(3000), b, world.endpoint(a), "two");
  world.run(milliseconds(4999));
  EXPECT_EQ(log, Lines{"start"});
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "datagram one", "timer 1", "command", "datagram two"}));
  EXPECT_EQ(fired_at, Time{seconds(5)});  // late, as the process did not run
  EXPECT_EQ(resumed_now, Time{seconds(5)});  // both clocks went on
  EXPECT_EQ(resumed_wall, sim::kSimulatedEpoch + seconds(5));
  EXPECT_EQ(rows().back(), "pause end a touched 1");
}

TEST_F(FaultsTest, ATimerThatAHandlerCancelsOrSetsAnewAfterAPauseDoesNotFireLate) {
  world.simulator.set_faults({fault_of(FaultAction::kPause, seconds(1), {"a"}, seconds(4))});
  for (const std::uint32_t id : {1U, 2U, 3U, 4U}) {
    set_timer_at(milliseconds(500), id, milliseconds(2000 + id));
  }
  std::map<std::uint32_t, Time> fired;
  on_timer = [&](Context& c, TimerId id) {
    fired[static_cast<std::uint32_t>(id)] = c.now;
    if (id != TimerId{1}) return;
    c.timers.cancel(TimerId{2});
    c.timers.set(TimerId{3}, c.now + seconds(2));
  };
  world.run(seconds(20));
  EXPECT_EQ(log, (Lines{"start", "timer 1", "timer 4", "timer 3"}));
  EXPECT_EQ(fired, (std::map<std::uint32_t, Time>{
                       {1, Time{seconds(5)}}, {4, Time{seconds(5)}}, {3, Time{seconds(7)}}}));
}

TEST_F(FaultsTest, AStorageAnswerWaitsForAPausedProcess) {
  sim::FaultSpec slow = fault_of(FaultAction::kDisk, Duration{}, {"a"});
  slow.disk.sync_delay = seconds(1);
  world.simulator.set_faults(
      {slow, fault_of(FaultAction::kPause, seconds(1), {"a"}, seconds(4))});
  write_at(milliseconds(500), "x", true);
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "ok "}));
  EXPECT_EQ(answered_at, Time{seconds(5)});
}

TEST_F(FaultsTest, AHungProcessLosesItsInputAndHearsItsTimersWhenItGoesOn) {
  world.simulator.set_faults({fault_of(FaultAction::kHang, seconds(1), {"a"}, seconds(4))});
  set_timer_at(milliseconds(500), 1, milliseconds(2000));
  set_timer_at(milliseconds(500), 2, milliseconds(6000));
  world.send_at(milliseconds(1500), b, world.endpoint(a), "lost");
  world.send_at(milliseconds(7000), b, world.endpoint(a), "read");
  world.at(milliseconds(2500), a, [&](Context&) { log.push_back("command"); });
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "timer 1", "timer 2", "datagram read"}));
  EXPECT_EQ(rows().back(), "hang end a touched 1");
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
}

// Clocks

TEST_F(FaultsTest, AClockStepMovesTheWallClockAloneAndStays) {
  sim::FaultSpec step = fault_of(FaultAction::kClock, seconds(1), {"a"}, seconds(1));
  step.clock.step = seconds(-30);
  world.simulator.set_faults({step});
  set_timer_at(milliseconds(500), 1, seconds(4));
  std::vector<Duration> wall;
  for (const int second : {0, 2, 3}) {
    world.at(seconds(second) + milliseconds(500), a, [&](Context& c) {
      EXPECT_EQ(c.now, world.simulator.now());
      wall.push_back(c.wall - sim::kSimulatedEpoch - c.now.time_since_epoch());
    });
  }
  world.run(seconds(10));
  EXPECT_EQ(wall, (std::vector<Duration>{Duration{}, seconds(-30), seconds(-30)}));
  EXPECT_EQ(fired_at, Time{seconds(4)});
}

TEST_F(FaultsTest, ADriftMovesTimersToWhereTheirDeadlinesAreNow) {
  sim::FaultSpec drift = fault_of(FaultAction::kClock, seconds(10), {"a"}, seconds(10));
  drift.clock.drift_ppm = 100'000;  // the clock gains a second in ten
  world.simulator.set_faults({drift});
  std::map<std::uint32_t, Time> fired;
  on_timer = [&](Context&, TimerId id) {
    fired[static_cast<std::uint32_t>(id)] = world.simulator.now();
  };
  set_timer_at(seconds(1), 1, milliseconds(15'500));  // 5.5 s of its clock after the drift began
  set_timer_at(seconds(1), 2, seconds(31));           // the clock shows 21 s when the drift ends
  set_timer_at(seconds(1), 3, seconds(10));           // at the very moment
  world.run(seconds(100));
  EXPECT_EQ(fired[1], Time{seconds(15)});
  EXPECT_EQ(fired[2], Time{seconds(30)});
  EXPECT_EQ(fired[3], Time{seconds(10)});
}

TEST_F(FaultsTest, OverlappingDriftsAddUpAndEachIsLiftedAlone) {
  sim::FaultSpec fast = fault_of(FaultAction::kClock, seconds(10), {"a"}, seconds(20));
  fast.clock.drift_ppm = 100'000;
  sim::FaultSpec slow = fault_of(FaultAction::kClock, seconds(20), {"a"}, seconds(20));
  slow.clock.drift_ppm = -50'000;
  world.simulator.set_faults({fast, slow});
  world.run(seconds(50));
  // 10 s true, 10 s at +10 %, 10 s at +5 %, 10 s at -5 %, 10 s true.
  EXPECT_EQ(world.simulator.node(a).clock().local(world.simulator.now()), Time{seconds(51)});
}

// Disks

TEST_F(FaultsTest, AFullDiskAnswersTheSyncWithNoSpaceUntilItIsLifted) {
  sim::FaultSpec full = fault_of(FaultAction::kDisk, seconds(1), {"a"}, seconds(1));
  full.disk.full = true;
  world.simulator.set_faults({full});
  write_at(milliseconds(1500), "x", true);
  write_at(milliseconds(2500), "y", true);
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "no space ", "ok "}));
  EXPECT_EQ(rows().back(), "disk end a touched 1");
}

TEST_F(FaultsTest, OverlappingDiskFaultsAddUpAndEachIsLiftedAlone) {
  sim::FaultSpec slow = fault_of(FaultAction::kDisk, seconds(1), {"a"}, seconds(6));
  slow.disk.sync_delay = milliseconds(100);
  sim::FaultSpec slower = fault_of(FaultAction::kDisk, seconds(3), {"a"}, seconds(2));
  slower.disk.sync_delay = milliseconds(300);
  world.simulator.set_faults({slow, slower});
  std::vector<Duration> took;
  for (const int second : {0, 2, 4, 6, 8}) {
    const Duration at = seconds(second) + milliseconds(10);
    write_at(at, "x", true);
    world.run(seconds(second + 1) - Duration{1});
    took.push_back(answered_at - Time{at});
  }
  EXPECT_EQ(took, (std::vector<Duration>{Duration{}, milliseconds(100), milliseconds(400),
                                         milliseconds(100), Duration{}}));
}

TEST_F(FaultsTest, SyncsThatJitterTakeExponentiallyDistributedTimesBeyondTheDelay) {
  sim::FaultSpec slow = fault_of(FaultAction::kDisk, seconds(0), {"a"});
  slow.disk.sync_delay = milliseconds(50);
  slow.disk.sync_jitter = milliseconds(10);
  world.simulator.set_faults({slow});
  constexpr int kSyncs = 2'000;
  double sum_ms = 0;
  int above_mean = 0;
  for (int second = 1; second <= kSyncs; ++second) {
    write_at(seconds(second), "x", true);
    world.run(seconds(second + 1) - Duration{1});
    const double beyond_ms =
        std::chrono::duration<double, std::milli>(answered_at - Time{seconds(second)}).count() - 50;
    ASSERT_GE(beyond_ms, 0);
    sum_ms += beyond_ms;
    above_mean += beyond_ms > 10;
  }
  // Three standard errors of the mean, and of the share e^-1 that is above it.
  EXPECT_NEAR(sum_ms / kSyncs, 10, 0.67);
  EXPECT_NEAR(above_mean / double{kSyncs}, 0.368, 0.033);
}

TEST_F(FaultsTest, AWriteThatTheDiskLosesIsGoneAfterACrash) {
  sim::FaultSpec lying = fault_of(FaultAction::kDisk, seconds(1), {"a"});
  lying.disk.lose_write = 1;
  world.simulator.set_faults({lying, fault_of(FaultAction::kRestart, seconds(2), {"a"})});
  write_at(milliseconds(500), "old", true);
  write_at(milliseconds(1500), "new", true);
  read_at(milliseconds(1600));
  read_at(milliseconds(2500));
  world.run(seconds(10));
  EXPECT_EQ(log, (Lines{"start", "ok ", "ok ", "ok new", "start", "ok old"}));
}

// Links

TEST_F(FaultsTest, LinkFaultsCombineAndAreLiftedOneByOne) {
  sim::FaultSpec slow = fault_of(FaultAction::kLink, seconds(1), {}, seconds(6));
  slow.link.delay = milliseconds(10);
  sim::FaultSpec slower = fault_of(FaultAction::kLink, seconds(3), {}, seconds(2));
  slower.link.delay = milliseconds(20);
  sim::FaultSpec lossy = fault_of(FaultAction::kLink, seconds(9), {}, seconds(1));
  lossy.link.loss = 1;
  world.simulator.set_faults({slow, slower, lossy});
  for (int second = 0; second <= 10; second += 2) {
    world.send_at(seconds(second) + milliseconds(500), a, world.endpoint(b), "x");
  }
  world.send_at(milliseconds(9500), a, world.endpoint(b), "lost");
  world.run(seconds(20));
  std::vector<Duration> took;
  for (const auto& item : world.received(b)) {
    took.push_back((item.at.time_since_epoch() - milliseconds(500)) % seconds(1));
  }
  EXPECT_EQ(took, (std::vector<Duration>{milliseconds(1), milliseconds(11), milliseconds(31),
                                         milliseconds(11), milliseconds(1), milliseconds(1)}));
  EXPECT_EQ(rows(), (Lines{"link begin a-b touched 0", "link begin a-b touched 0",
                           "link end a-b touched 1", "link end a-b touched 3",
                           "link begin a-b touched 0", "link end a-b touched 1"}));
}

TEST(LinkFault, ItHitsTheLinksOnTheWayBetweenTheTwoThatItNames) {
  Net net;
  net.device("switch", DeviceKind::kSwitch).hosts({"a", "b", "c"});
  net.link("a", "switch").link("b", "switch").link("c", "switch");
  NetWorld world(net.build());
  const NodeId a = world.add("a", "node_a", "server");
  const NodeId b = world.add("b", "node_b", "server");
  const NodeId c = world.add("c", "node_c", "server");
  sim::FaultSpec by_node = fault_of(FaultAction::kLink, seconds(1), {}, seconds(1));
  by_node.link.delay = milliseconds(10);
  by_node.link_between = std::vector<std::string>{"node_a", "node_b"};
  sim::FaultSpec by_device = by_node;
  by_device.at = {seconds(3), seconds(3)};
  by_device.link_between = std::vector<std::string>{"c", "switch"};
  world.simulator.set_faults({by_node, by_device});
  world.send_at(milliseconds(1500), a, world.endpoint(c), "one of its links");
  world.send_at(milliseconds(1500), a, world.endpoint(b), "both");
  world.send_at(milliseconds(3500), a, world.endpoint(b), "none");
  world.run(seconds(5));
  EXPECT_EQ(world.received(c).at(0).at, Time{milliseconds(1510)});
  EXPECT_EQ(world.received(b).at(0).at, Time{milliseconds(1520)});
  EXPECT_EQ(world.received(b).at(1).at, Time{milliseconds(3500)});
  EXPECT_EQ(world.sink.faults,
            (Lines{"link begin a-switch b-switch touched 0", "link end a-switch b-switch touched 3",
                   "link begin c-switch touched 0", "link end c-switch touched 0"}));
}

// Selectors in a run, and the drawn plan

TEST(FaultTargets, TheLeaderIsWhoSaidSoLastAndACrashedNodeIsFoundAgain) {
  NetWorld world(Net().hosts({"a", "b", "c"}).build());
  const std::vector<NodeId> nodes = {world.add("a"), world.add("b"), world.add("c")};
  const auto become = [&](Duration when, NodeId node, std::string role) {
    world.at(when, node, [=](Context& c) {
      c.recorder.event(kRoleEvent, {{"role", std::string_view(role)}, {"term", std::int64_t{1}}});
    });
  };
  sim::FaultSpec crash = fault_of(FaultAction::kCrash, seconds(2), {});
  crash.select.role = "leader";
  sim::FaultSpec again = crash;
  again.at = {seconds(4), seconds(4)};
  sim::FaultSpec revive = fault_of(FaultAction::kRestart, seconds(3), {});
  revive.select.role = "crashed";
  world.simulator.set_faults({crash, revive, again});
  become(seconds(1), nodes[0], "leader");
  become(milliseconds(1100), nodes[0], "follower");
  become(milliseconds(1200), nodes[1], "leader");
  world.run(milliseconds(2500));
  EXPECT_EQ(world.simulator.node(nodes[1]).state(), sim::ProcessState::kDown);
  world.run(seconds(10));
  // The leader that crashed has no role when it is back, so that the last fault finds nobody.
  EXPECT_EQ(world.sink.faults,
            (Lines{"crash begin b touched 0", "restart begin b touched 0",
                   "crash begin  touched 0"}));
}

/// Three nodes that gossip for ten seconds under faults with ranges and random targets.
struct Gossip {
  explicit Gossip(std::uint64_t seed, const sim::FaultPlan& plan)
      : world(Net().hosts({"a", "b", "c"}).device("s", DeviceKind::kSwitch)
                  .link("a", "s").link("b", "s").link("c", "s").build(), seed) {
    const std::vector<NodeId> nodes = {world.add("a"), world.add("b"), world.add("c")};
    for (int step = 0; step < 100; ++step) {
      for (std::size_t i = 0; i < nodes.size(); ++i) {
        world.send_at(milliseconds(100 * step), nodes[i], world.endpoint(nodes[(i + 1) % 3]), "x");
      }
    }
    world.simulator.set_faults(plan);
    world.run(seconds(11));
    world.simulator.finish();
  }
  NetWorld world;
};

sim::FaultPlan plan_with_ranges() {
  sim::FaultSpec crash = fault_of(FaultAction::kCrash, {}, {});
  crash.at = {seconds(1), seconds(2)};
  crash.lasts = sim::DurationRange{milliseconds(100), seconds(2)};
  crash.select.count = 1;
  sim::FaultSpec lossy = fault_of(FaultAction::kLink, {}, {});
  lossy.at = {seconds(3), seconds(6)};
  lossy.lasts = sim::DurationRange{seconds(1), seconds(2)};
  lossy.link.loss = 0.3;
  sim::FaultSpec isolate = fault_of(FaultAction::kPartition, {}, {});
  isolate.at = {seconds(5), seconds(7)};
  isolate.partition = sim::PartitionKind::kIsolate;
  isolate.select.count = 1;
  return {crash, lossy, isolate};
}

TEST(DrawnPlan, AloneItReplaysTheRunAndDrawingItAgainChangesNothing) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Gossip first(seed, plan_with_ranges());
    const sim::FaultPlan drawn = first.world.simulator.drawn_faults();
    for (const sim::FaultSpec& fault : drawn) EXPECT_EQ(fault.at.low, fault.at.high);
    Gossip replay(seed, drawn);
    EXPECT_EQ(replay.world.simulator.drawn_faults(), drawn);
    EXPECT_EQ(replay.world.simulator.fingerprint(), first.world.simulator.fingerprint());
    EXPECT_EQ(replay.world.sink.faults, first.world.sink.faults);
    EXPECT_EQ(first.world.sink.faults.size(), 6U);
  }
}

TEST(DrawnPlan, ItDependsOnTheSeedAndSoDoesWhomItHits) {
  std::map<std::string, int> hit;
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    Gossip run(seed, plan_with_ranges());
    ++hit[run.world.sink.faults[0]];
    EXPECT_NE(run.world.simulator.drawn_faults(),
              Gossip(seed + 1, plan_with_ranges()).world.simulator.drawn_faults());
  }
  EXPECT_EQ(hit.size(), 3U);  // each of the nodes was the victim at times
}

}  // namespace
}  // namespace twinbed::testing
