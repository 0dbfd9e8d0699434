// Links whose loss, delay and bandwidth follow a trace.
#include "sim/network/link_trace.h"

#include "sim/network/link_effects.h"
#include "tests/support/net_world.h"

namespace twinbed::testing {
namespace {

using sim::Fate;
using sim::LinkDirection;
using sim::LinkParams;
using sim::LinkTrace;
using sim::TraceStep;
using std::chrono::milliseconds;
using std::chrono::seconds;

TraceStep step(Duration at, Duration delay, double loss = 0, std::uint64_t bandwidth_bps = 0) {
  return {at, loss, delay, bandwidth_bps};
}

LinkParams link_with(std::vector<TraceStep> steps, std::optional<Duration> repeat = std::nullopt) {
  LinkParams params;
  params.traces = {LinkTrace(std::move(steps), repeat)};
  return params;
}

/// The delay of a packet that enters at a time; nothing where it is lost.
std::optional<Duration> delay_at(LinkDirection& link, Duration at, std::size_t size = 1000) {
  RandomStream random(1, "link");
  const Fate fate = link.pass(Time{at}, size, random);
  return fate.copies == 0 ? std::nullopt : std::optional(fate.after[0]);
}

TEST(LinkTrace, AStepHoldsUntilTheNextAndTheLastForGood) {
  const LinkTrace trace({step(seconds(1), milliseconds(5)), step(seconds(3), milliseconds(7))});
  EXPECT_EQ(trace.at(Time{}).step, TraceStep{}) << "nothing before the first";
  EXPECT_EQ(trace.at(Time{}).until, Time{seconds(1)});
  EXPECT_EQ(trace.at(Time{seconds(1)}).step.delay, milliseconds(5)) << "from its very time on";
  EXPECT_EQ(trace.at(Time{seconds(3)} - Duration{1}).step.delay, milliseconds(5));
  EXPECT_EQ(trace.at(Time{seconds(3)} - Duration{1}).until, Time{seconds(3)});
  EXPECT_EQ(trace.at(Time{seconds(3)}).step.delay, milliseconds(7));
  EXPECT_EQ(trace.at(Time{std::chrono::hours(9)}).step.delay, milliseconds(7));
  EXPECT_EQ(trace.at(Time{seconds(3)}).until, kNever);
}

TEST(LinkTrace, ARepetitionBeginsWithNothingAgain) {
  const LinkTrace trace({step(seconds(1), milliseconds(5)), step(seconds(3), milliseconds(7))},
                        seconds(4));
  const Time third{seconds(8)};
  EXPECT_EQ(trace.at(third - Duration{1}).step.delay, milliseconds(7));
  EXPECT_EQ(trace.at(third - Duration{1}).until, third);
  EXPECT_EQ(trace.at(third).step, TraceStep{});
  EXPECT_EQ(trace.at(third).until, third + seconds(1));
  EXPECT_EQ(trace.at(third + seconds(2)).step.delay, milliseconds(5));
}

TEST(LinkTrace, EqualStepsAreEqualWhereverTheyLie) {
  const LinkTrace one({step(seconds(1), milliseconds(5))});
  const LinkTrace same({step(seconds(1), milliseconds(5))});
  EXPECT_EQ(one, same);
  EXPECT_EQ(one, LinkTrace(one));
  EXPECT_NE(one, LinkTrace({step(seconds(1), milliseconds(5))}, seconds(9)));
  EXPECT_NE(one, LinkTrace({step(seconds(1), milliseconds(6))}));
  EXPECT_EQ(LinkTrace(), LinkTrace(std::vector<TraceStep>{}));
}

TEST(LinkTrace, TheDelayOfALinkFollowsIt) {
  LinkParams params = link_with({step({}, milliseconds(1)), step(seconds(2), milliseconds(30))});
  params.delay = milliseconds(10);
  LinkDirection link(params);
  EXPECT_EQ(delay_at(link, {}), milliseconds(11));
  EXPECT_EQ(delay_at(link, seconds(2) - Duration{1}), milliseconds(11));
  EXPECT_EQ(delay_at(link, seconds(2)), milliseconds(40));
}

TEST(LinkTrace, TheLossOfALinkFollowsIt) {
  LinkDirection link(link_with({step(seconds(1), {}, 1), step(seconds(2), {}, 0)}, seconds(3)));
  for (int round = 0; round < 3; ++round) {
    const Duration begin = seconds(3) * round;
    EXPECT_TRUE(delay_at(link, begin));
    EXPECT_FALSE(delay_at(link, begin + seconds(1)));
    EXPECT_FALSE(delay_at(link, begin + milliseconds(1999)));
    EXPECT_TRUE(delay_at(link, begin + seconds(2)));
  }
}

TEST(LinkTrace, LossCombinesWithTheLinksOwn) {
  LinkParams params = link_with({step({}, {}, 0.5)});
  params.loss = 0.5;
  LinkDirection link(params);
  RandomStream random(1, "link");
  int lost = 0;
  for (int i = 0; i < 10'000; ++i) lost += link.pass(Time{}, 100, random).copies == 0;
  EXPECT_NEAR(lost, 7500, 150);  // three standard deviations and more
}

TEST(LinkTrace, TheBandwidthOfALinkFollowsIt) {
  LinkParams params = link_with({step({}, {}, 0, 8'000'000), step(seconds(1), {}, 0, 800'000)});
  params.bandwidth_bps = 4'000'000;
  LinkDirection link(params);
  EXPECT_EQ(delay_at(link, {}), milliseconds(2)) << "the link itself is the slower one";
  EXPECT_EQ(delay_at(link, seconds(1)), milliseconds(10));
  EXPECT_EQ(link.bandwidth_bps(Time{seconds(1)}), 800'000U);
}

TEST(LinkTrace, SeveralActTogether) {
  LinkParams params = link_with({step({}, milliseconds(1)), step(seconds(2), milliseconds(2))});
  params.traces.push_back(LinkTrace({step(seconds(1), milliseconds(10))}));
  LinkDirection link(params);
  EXPECT_EQ(delay_at(link, {}), milliseconds(1));
  EXPECT_EQ(delay_at(link, seconds(1)), milliseconds(11));
  EXPECT_EQ(delay_at(link, seconds(2)), milliseconds(12));
}

TEST(LinkTrace, CombineKeepsTheTracesOfBoth) {
  const LinkParams a = link_with({step({}, milliseconds(1))});
  const LinkParams b = link_with({step({}, milliseconds(2))});
  const LinkParams both = sim::combine(a, b);
  ASSERT_EQ(both.traces.size(), 2U);
  EXPECT_EQ(both.traces[0], a.traces[0]);
  EXPECT_EQ(both.traces[1], b.traces[0]);
  EXPECT_EQ(sim::combine(a, LinkParams{}), a);
}

TEST(LinkTrace, NewParametersReplaceTheTrace) {
  LinkDirection link(link_with({step({}, milliseconds(1))}));
  EXPECT_EQ(delay_at(link, {}), milliseconds(1));
  link.set_params(link_of(milliseconds(9)));
  EXPECT_EQ(delay_at(link, seconds(1)), milliseconds(9));
  link.set_params(link_with({step({}, milliseconds(4))}));
  EXPECT_EQ(delay_at(link, seconds(2)), milliseconds(4));
}

TEST(LinkTrace, StepsWithoutLossDrawNothing) {
  LinkDirection link(link_with({step({}, milliseconds(1)), step(seconds(1), {}, 0, 1'000'000)}));
  RandomStream used(7, "link");
  RandomStream fresh(7, "link");
  for (int i = 0; i < 20; ++i) (void)link.pass(Time{milliseconds(100) * i}, 100, used);
  EXPECT_EQ(used.next(), fresh.next());
}

TEST(LinkTrace, AMistakeIsFound) {
  const auto message = [](const LinkParams& params) {
    const auto error = sim::check_link_params(params);
    return error ? error->message : std::string("no error");
  };
  EXPECT_EQ(message(link_with({step({}, milliseconds(1)), step(seconds(1), {}, 1)})), "no error");
  EXPECT_EQ(message(link_with({step(seconds(1), {}), step(seconds(1), {})})),
            "the steps of a link's trace must be in the order of their times, from 0 s on; the one "
            "at 1 s is not");
  EXPECT_NE(message(link_with({step(-seconds(1), {})})), "no error");
  EXPECT_EQ(message(link_with({step({}, {}, 2)})),
            "the link's loss must be a probability from 0 to 1, not 2.000000");
  EXPECT_EQ(message(link_with({step(seconds(5), {})}, seconds(5))),
            "a link's trace cannot repeat after 5 s, its last step comes at 5 s");
}

TEST(LinkTrace, DatagramsInTheSimulatorMeetIt) {
  LinkParams params = link_with({step({}, milliseconds(10)), step(seconds(2), {}, 1),
                                 step(seconds(4), milliseconds(70))});
  NetWorld world(line_of_two(params));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  for (const int second : {1, 3, 5}) {
    world.send_at(seconds(second), a, world.endpoint(b), std::to_string(second));
  }
  world.run(seconds(9));
  ASSERT_EQ(world.received(b).size(), 2U);
  EXPECT_EQ(world.received(b)[0].at, Time{milliseconds(1010)});
  EXPECT_EQ(world.received(b)[1].at, Time{milliseconds(5070)});
  EXPECT_EQ(world.drops().loss, 1U);
}

TEST(LinkTrace, AFaultBringsItsOwnForAsLongAsItLasts) {
  NetWorld world(line_of_two(link_of(milliseconds(1))));
  const NodeId a = world.add("a");
  const NodeId b = world.add("b");
  sim::FaultSpec fault = fault_of(sim::FaultAction::kLink, seconds(1), {}, seconds(4));
  fault.link = link_with({step(seconds(3), milliseconds(50))});
  world.simulator.set_faults({fault});
  for (const int second : {2, 4, 6}) {
    world.send_at(seconds(second), a, world.endpoint(b), std::to_string(second));
  }
  world.run(seconds(9));
  ASSERT_EQ(world.received(b).size(), 3U);
  EXPECT_EQ(world.received(b)[0].at, Time{milliseconds(2001)});
  EXPECT_EQ(world.received(b)[1].at, Time{milliseconds(4051)}) << "times count from the start";
  EXPECT_EQ(world.received(b)[2].at, Time{milliseconds(6001)});
}

}  // namespace
}  // namespace twinbed::testing
