// Faults that wait for an event: when they begin, whom they hit, and what a process that crashes at
// an event leaves undone.
#include <gmock/gmock.h>

#include <set>

#include "core/base/random_stream.h"
#include "sim/faults/describe.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using sim::FaultAction;
using sim::FaultSpec;
using std::chrono::milliseconds;
using std::chrono::seconds;
using Lines = std::vector<std::string>;

constexpr EventType kStep{"test.step", "a step of the test"};
constexpr EventType kAfter{"test.after", "what the handler records after the step"};

FaultSpec fault_on(FaultAction action, std::vector<std::string> nodes = {},
                   std::optional<Duration> lasts = std::nullopt) {
  FaultSpec fault = fault_of(action, Duration{}, std::move(nodes), lasts);
  fault.on = kStep.name;
  return fault;
}

/// Node a and node b; each may record the step in a handler that also asks for something.
class FaultTriggerTest : public ::testing::Test {
 protected:
  /// The step, with a write and a datagram to the other node in the same handler.
  void step_at(Duration when, NodeId node) {
    const Endpoint other = world.endpoint(node == a ? b : a);
    world.at(when, node, [=](Context& c) {
      c.storage.write("file", 0, as_bytes(std::string_view("before")));
      c.storage.sync(StorageToken{1}, "file");
      c.recorder.event(kStep, {});
      c.datagrams.send(NetWorld::kSocket, other, as_bytes(std::string_view("step")));
      c.recorder.event(kAfter, {});
    });
  }
  void take_role_at(Duration when, NodeId node, std::string role) {
    world.at(when, node, [=](Context& c) {
      c.recorder.event(kRoleEvent, {{"role", std::string_view(role)}});
    });
  }
  const Lines& rows() const { return world.sink.faults; }
  sim::ProcessState state(NodeId node) { return world.simulator.node(node).state(); }

  NetWorld world{line_of_two(link_of(milliseconds(1)))};
  NodeId a = world.add("a");
  NodeId b = world.add("b");
};

constexpr auto kDown = sim::ProcessState::kDown;
constexpr auto kRunning = sim::ProcessState::kRunning;

TEST_F(FaultTriggerTest, ACrashAtAnEventHitsTheRecorderAtThatVeryStep) {
  world.simulator.set_faults({fault_on(FaultAction::kCrash)});
  step_at(seconds(1), a);
  step_at(seconds(2), b);
  world.run(seconds(3));
  EXPECT_EQ(world.sink.lines, (Lines{"test.step", "test.step", "test.after"}))
      << "the dead handler records nothing more, and the other node's event comes too late";
  EXPECT_THAT(world.received(b), IsEmpty()) << "its requests are not carried out";
  EXPECT_EQ(state(a), kDown);
  EXPECT_EQ(state(b), kRunning);
  EXPECT_EQ(world.simulator.payloads_in_use(), 0U);
  world.simulator.finish();
  EXPECT_THAT(rows(), ElementsAre("crash begin a touched 0", "crash end a touched 1"));
}

TEST_F(FaultTriggerTest, WhatTheHandlerAskedForNeverReachesTheDisk) {
  std::string found;
  world.script(a).storage = [&](Context&, const StorageResult& result) {
    found += std::string(to_string(result.status)) + ";";
  };
  world.simulator.set_faults({fault_on(FaultAction::kCrash, {}, seconds(1))});
  step_at(seconds(1), a);
  world.at(seconds(3), a, [](Context& c) { c.storage.read(StorageToken{2}, "file", 0, 9); });
  world.run(seconds(4));
  EXPECT_EQ(found, "not found;");
}

TEST_F(FaultTriggerTest, ACrashOfAnotherNodeLeavesTheHandlerAlone) {
  world.simulator.set_faults({fault_on(FaultAction::kCrash, {"b"})});
  step_at(seconds(1), a);
  world.run(seconds(2));
  EXPECT_EQ(world.sink.lines, (Lines{"test.step", "test.after"}));
  EXPECT_EQ(state(a), kRunning);
  EXPECT_EQ(state(b), kDown);
  EXPECT_EQ(world.drops().no_socket, 1U) << "the step's datagram finds nobody";
}

TEST_F(FaultTriggerTest, ItLastsFromTheEventOn) {
  world.simulator.set_faults({fault_on(FaultAction::kCrash, {}, seconds(2))});
  step_at(milliseconds(1500), a);
  world.run(milliseconds(3499));
  EXPECT_EQ(state(a), kDown);
  world.run(milliseconds(3500));
  EXPECT_EQ(state(a), kRunning);
  EXPECT_THAT(rows(), ElementsAre("crash begin a touched 0", "crash end a touched 1"));
}

TEST_F(FaultTriggerTest, OnlyEventsFromItsTimeOnCountAndThoseOfAllNodes) {
  FaultSpec third = fault_on(FaultAction::kCrash);
  third.at = {seconds(2), seconds(2)};
  third.nth = 3;
  world.simulator.set_faults({third});
  step_at(seconds(1), a);  // too early
  step_at(seconds(2), a);
  step_at(seconds(3), a);
  step_at(seconds(4), b);
  step_at(seconds(5), a);
  world.run(seconds(6));
  EXPECT_EQ(state(a), kRunning);
  EXPECT_EQ(state(b), kDown);
  EXPECT_EQ(rows(), Lines{"crash begin b touched 0"}) << "it begins once";
}

TEST_F(FaultTriggerTest, ARoleIsTheOneAtTheMomentOfTheEvent) {
  FaultSpec crash = fault_on(FaultAction::kCrash);
  crash.select.role = "leader";
  world.simulator.set_faults({crash});
  take_role_at(seconds(1), a, "leader");
  take_role_at(seconds(2), a, "follower");
  take_role_at(seconds(3), b, "leader");
  step_at(seconds(4), b);
  world.run(seconds(5));
  EXPECT_EQ(rows(), Lines{"crash begin b touched 0"});
  EXPECT_THAT(world.received(a), IsEmpty());
}

TEST_F(FaultTriggerTest, TheRecorderMayBeOneOfTheGroupsOfAPartition) {
  FaultSpec cut = fault_on(FaultAction::kPartition, {}, seconds(1));
  cut.groups = {{{}, std::string(sim::kRecorderRole), 0}, {{"a"}, "", 0}};
  world.simulator.set_faults({cut});
  step_at(seconds(1), b);
  world.send_at(milliseconds(1500), a, world.endpoint(b), "held off");
  world.run(seconds(3));
  EXPECT_THAT(rows(), ElementsAre("partition begin b | a touched 0",
                                  "partition end b | a touched 2"))
      << "the step's datagram is on its way when the partition begins";
  EXPECT_THAT(world.received(a), IsEmpty());
}

TEST_F(FaultTriggerTest, OtherFaultsBeginWhenTheHandlersRequestsAreCarriedOut) {
  FaultSpec restart = fault_on(FaultAction::kRestart);
  world.simulator.set_faults({restart});
  step_at(seconds(1), a);
  world.run(seconds(2));
  EXPECT_EQ(world.sink.lines, (Lines{"test.step", "test.after"}));
  EXPECT_EQ(world.received(b).size(), 1U);
  EXPECT_EQ(rows(), Lines{"restart begin a touched 0"});
}

TEST_F(FaultTriggerTest, TwoCrashesAtOneEventHitOnceAndThoseOfDifferentEventsInTurn) {
  FaultSpec second = fault_on(FaultAction::kCrash);
  second.nth = 2;
  world.simulator.set_faults(
      {fault_on(FaultAction::kCrash), fault_on(FaultAction::kCrash, {"a"}), second});
  step_at(seconds(1), a);
  step_at(seconds(2), b);
  world.run(seconds(3));
  world.simulator.finish();
  EXPECT_THAT(rows(), ElementsAre("crash begin a touched 0", "crash begin a touched 0",
                                  "crash begin b touched 0", "crash end a touched 1",
                                  "crash end a touched 0", "crash end b touched 1"));
}

TEST_F(FaultTriggerTest, AnEventThatNeverComesLeavesNoRow) {
  world.simulator.set_faults({fault_on(FaultAction::kCrash, {}, seconds(1))});
  take_role_at(seconds(1), a, "leader");
  world.run(seconds(5));
  world.simulator.finish();
  EXPECT_THAT(rows(), IsEmpty());
}

TEST_F(FaultTriggerTest, AProcessMayCrashAsItStartsStopsOrWakes) {
  for (const FaultAction action : {FaultAction::kStop, FaultAction::kPause}) {
    NetWorld around{line_of_two()};
    const NodeId node = around.add("a");
    around.add("b");
    const auto step = [](Context& c) { c.recorder.event(kStep, {}); };
    around.script(node).stop = step;
    around.script(node).timer = [&](Context& c, TimerId) { step(c); };
    around.at(milliseconds(500), node,
              [](Context& c) { c.timers.set(TimerId{1}, Time{milliseconds(1500)}); });
    FaultSpec stop = fault_of(FaultAction::kStop, seconds(3), {"a"});
    around.simulator.set_faults(
        {fault_on(FaultAction::kCrash), fault_of(action, seconds(1), {"a"}), stop});
    around.run(seconds(4));
    EXPECT_EQ(around.simulator.node(node).state(), kDown);
    EXPECT_THAT(around.sink.lines, ElementsAre("test.step")) << to_string(action);
  }
  world.script(a).start = [](Context& c) { c.recorder.event(kStep, {}); };
  FaultSpec crash = fault_on(FaultAction::kCrash, {}, seconds(1));
  world.simulator.set_faults({crash});
  world.run(milliseconds(500));
  EXPECT_EQ(state(a), kDown);
  world.run(seconds(2));
  EXPECT_EQ(state(a), kRunning);
}

TEST_F(FaultTriggerTest, APowerFailureAtAnEventSilencesTheHost) {
  FaultSpec crash = fault_on(FaultAction::kCrash);
  crash.cause = sim::CrashCause::kPowerFailure;
  world.simulator.set_faults({crash});
  const Endpoint to = world.endpoint(a);
  world.at(milliseconds(10), b, [=](Context& c) { c.streams.open(StreamId{1}, to); });
  step_at(seconds(1), a);
  world.run(seconds(3));
  EXPECT_EQ(world.streams(b), "opened") << "no kernel ends the connection";
  EXPECT_EQ(state(a), kDown);
}

/// Both nodes step at drawn times, and a crash waits for the third step from a drawn time on.
struct Steps {
  Steps(std::uint64_t seed, const sim::FaultPlan& plan) : world(line_of_two(), seed) {
    for (const char* host : {"a", "b"}) {
      const NodeId node = world.add(host);
      Script& script = world.script(node);
      script.start = [](Context& c) { c.timers.set(TimerId{1}, c.now + milliseconds(1)); };
      script.timer = [](Context& c, TimerId id) {
        c.recorder.event(kStep, {});
        c.timers.set(id, c.now + c.random.between(milliseconds(1), milliseconds(900)));
      };
    }
    world.simulator.set_faults(plan);
    world.run(seconds(20));
    world.simulator.finish();
  }
  NetWorld world;
};

sim::FaultPlan third_step() {
  FaultSpec crash = fault_on(FaultAction::kCrash);
  crash.at = {seconds(1), seconds(4)};
  crash.lasts = sim::DurationRange{seconds(1), seconds(2)};
  crash.nth = 3;
  return {crash};
}

TEST(TriggeredPlan, DrawnAloneItReplaysTheRun) {
  std::set<std::string> hit;
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    Steps first(seed, third_step());
    const sim::FaultPlan drawn = first.world.simulator.drawn_faults();
    EXPECT_EQ(drawn[0].on, kStep.name);
    EXPECT_EQ(drawn[0].nth, 3U);
    EXPECT_EQ(drawn[0].at.low, drawn[0].at.high);
    EXPECT_EQ(drawn[0].select.role, sim::kRecorderRole);
    Steps replay(seed, drawn);
    EXPECT_EQ(replay.world.simulator.drawn_faults(), drawn);
    EXPECT_EQ(replay.world.simulator.fingerprint(), first.world.simulator.fingerprint());
    EXPECT_EQ(replay.world.sink.faults, first.world.sink.faults);
    EXPECT_EQ(first.world.sink.faults.size(), 2U);
    hit.insert(first.world.sink.faults[0]);
  }
  EXPECT_EQ(hit.size(), 2U);  // each of the nodes was the victim at times
}

TEST(TriggeredPlan, AFaultWhoseEventNeverComesChangesNoFingerprint) {
  FaultSpec never = third_step()[0];
  never.on = "test.never";
  EXPECT_EQ(Steps(1, {never}).world.simulator.fingerprint(),
            Steps(1, {}).world.simulator.fingerprint());
  EXPECT_NE(Steps(1, third_step()).world.simulator.fingerprint(),
            Steps(1, {}).world.simulator.fingerprint());
}

TEST(TriggeredPlan, OnlyWhereSomebodyMustBeSelectedItIsTheRecorder) {
  RandomStream random(1, "plan");
  FaultSpec link = fault_on(FaultAction::kLink);
  FaultSpec ring = fault_on(FaultAction::kPartition);
  ring.partition = sim::PartitionKind::kMajoritiesRing;
  FaultSpec alone = fault_on(FaultAction::kPartition);
  alone.partition = sim::PartitionKind::kIsolate;
  const FaultSpec named = fault_on(FaultAction::kPause, {"a"});
  const FaultSpec timed = fault_of(FaultAction::kPause, seconds(1), {});
  const sim::FaultPlan drawn = sim::draw_plan({link, ring, alone, named, timed}, random);
  Lines roles;
  for (const FaultSpec& fault : drawn) roles.push_back(fault.select.role);
  EXPECT_EQ(roles, (Lines{"", "", "recorder", "", ""}));
}

TEST(TriggeredPlan, TheRowSaysWhatItWaitedForInValidJson) {
  FaultSpec crash = third_step()[0];
  crash.on = "a \"name\"\\\n";
  crash.select.role = "leader";
  crash.lasts.reset();
  EXPECT_EQ(describe_fault(crash),
            R"({"on": "a \"name\"\\\u000a", "nth": 3, "selected_role": "leader"})");
}

}  // namespace
}  // namespace twinbed::testing
