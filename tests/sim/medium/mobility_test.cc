// Positions over time, and the traces they are read from.
#include "sim/medium/mobility.h"

#include <gmock/gmock.h>

#include <cmath>

#include "sim/medium/ns2_trace.h"

namespace twinbed::testing {
namespace {

using sim::Box;
using sim::FixedPosition;
using sim::GaussMarkov;
using sim::GaussMarkovOptions;
using sim::Mobility;
using sim::Position;
using sim::RandomWaypoint;
using sim::RandomWaypointOptions;
using sim::Waypoint;
using sim::Waypoints;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Time at(double run_s) { return Time{Duration{static_cast<std::int64_t>(run_s * 1e9)}}; }

void expect_near(const Position& position, const Position& expected) {
  EXPECT_LT(distance_m(position, expected), 1e-6)
      << position.x << " " << position.y << " " << position.z << ", expected " << expected.x << " "
      << expected.y << " " << expected.z;
}

TEST(Mobility, FixedAndStraightAreAsTheySay) {
  FixedPosition fixed({1, 2, 3});
  EXPECT_EQ(fixed.at(at(0)), (Position{1, 2, 3}));
  EXPECT_EQ(fixed.at(at(1e6)), (Position{1, 2, 3}));
  sim::ConstantVelocity straight({1, 2, 3}, {10, 0, -0.5});
  expect_near(straight.at(at(0)), {1, 2, 3});
  expect_near(straight.at(at(2.5)), {26, 2, 1.75});
}

TEST(Mobility, WaypointsAreStraightLinesAndJumps) {
  Waypoints way({{at(1), {0, 0, 10}},
                 {at(3), {20, 0, 10}},
                 {at(3), {100, 100, 10}},
                 {at(5), {100, 140, 0}}});
  expect_near(way.at(at(0)), {0, 0, 10});
  expect_near(way.at(at(1)), {0, 0, 10});
  expect_near(way.at(at(2)), {10, 0, 10});
  expect_near(way.at(at(2.75)), {17.5, 0, 10});
  expect_near(way.at(at(3)), {100, 100, 10});
  expect_near(way.at(at(4)), {100, 120, 5});
  expect_near(way.at(at(4)), {100, 120, 5});
  expect_near(way.at(at(5)), {100, 140, 0});
  expect_near(way.at(at(500)), {100, 140, 0});
}

TEST(MobilityDeathTest, TimeDoesNotRunBackwards) {
  Waypoints way({{at(1), {}}, {at(3), {}}});
  way.at(at(2));
  EXPECT_DEATH(way.at(at(1)), "before the last one");
  EXPECT_DEATH(Waypoints({{at(3), {}}, {at(1), {}}}), "not in the order of their times");
}

RandomWaypointOptions walk_options() {
  return {.start = {0, 0, 1},
          .area = {{-50, 0, 1}, {50, 30, 5}},
          .speed_mps = {1, 4},
          .pause_s = {0.5, 1.5}};
}

TEST(RandomWaypoint, PausesAndWalksAtItsSpeedsInItsArea) {
  RandomWaypoint walk(walk_options(), RandomStream(1, "mobility"));
  expect_near(walk.at(at(0.49)), {0, 0, 1});
  Position last = walk.at(at(0.5));
  int standing = 0, walking = 0;
  double sum_x = 0, sum_y = 0;
  const int steps = 200'000;
  for (int step = 1; step <= steps; ++step) {
    const Position now = walk.at(at(0.5) + milliseconds(50) * step);
    const double speed = distance_m(now, last) / 0.05;
    EXPECT_LE(speed, 4.000001);
    ++(speed < 1e-9 ? standing : walking);
    ASSERT_TRUE(now.x >= -50 && now.x <= 50 && now.y >= 0 && now.y <= 30 && now.z >= 1 &&
                now.z <= 5);
    sum_x += now.x;
    sum_y += now.y;
    last = now;
  }
  EXPECT_GT(standing, steps / 50);
  EXPECT_GT(walking, steps / 2);
  EXPECT_NEAR(sum_x / steps, 0, 5);
  EXPECT_NEAR(sum_y / steps, 15, 2);
}

// Looking more often changes nothing, as a position draws no random number of its own.
template <class Model, class Options>
void expect_same_however_often_asked(const Options& options) {
  Model often(options, RandomStream(3, "mobility", 7));
  Model seldom(options, RandomStream(3, "mobility", 7));
  Model other(options, RandomStream(3, "mobility", 8));
  Position last{};
  for (int step = 0; step <= 60'000; ++step) last = often.at(Time{} + milliseconds(10) * step);
  EXPECT_EQ(last, seldom.at(at(600)));
  EXPECT_NE(last, other.at(at(600)));
}

TEST(RandomWaypoint, IsTheSameHoweverOftenItIsAsked) {
  expect_same_however_often_asked<RandomWaypoint>(walk_options());
}

TEST(RandomWaypoint, AnAreaOfOnePointIsNoTrap) {
  RandomWaypoint still({.start = {1, 1, 1}, .area = {{1, 1, 1}, {1, 1, 1}}, .pause_s = {1, 1}},
                       RandomStream(1, "mobility"));
  EXPECT_EQ(still.at(at(1000)), (Position{1, 1, 1}));
}

TEST(RandomWaypoint, ImpossibleOptionsAreNamed) {
  using sim::mistake_in_random_waypoint;
  EXPECT_EQ(mistake_in_random_waypoint(walk_options()), "");
  RandomWaypointOptions options = walk_options();
  options.speed_mps = {0, 1};
  EXPECT_EQ(mistake_in_random_waypoint(options),
            "speeds are 0.01 to 1,000,000 m/s, in rising order");
  options = walk_options();
  options.start = {0, -1, 1};
  EXPECT_EQ(mistake_in_random_waypoint(options), "the start must lie in the area");
  options = walk_options();
  options.area.low.x = std::nan("");
  EXPECT_NE(mistake_in_random_waypoint(options), "");
  options = walk_options();
  options.pause_s = {3, 2};
  EXPECT_NE(mistake_in_random_waypoint(options), "");
}

GaussMarkovOptions wander_options() {
  return {.start = {0, 0, 50}, .alpha = 0.85, .mean_velocity_mps = {8, 12}};
}

TEST(GaussMarkov, StaysInItsAreaAndTurnsSmoothly) {
  GaussMarkov wander(wander_options(), RandomStream(5, "mobility"));
  Position last = wander.at(at(0));
  double sum_speed = 0;
  for (int step = 1; step <= 20'000; ++step) {
    const Position now = wander.at(Time{} + milliseconds(500) * step);
    ASSERT_TRUE(std::abs(now.x) <= 100 && std::abs(now.y) <= 100 && now.z >= 0 && now.z <= 100);
    sum_speed += distance_m(now, last) / 0.5;
    last = now;
  }
  EXPECT_GT(sum_speed / 20'000, 7);
  EXPECT_LT(sum_speed / 20'000, 13);
}

TEST(GaussMarkov, WithFullMemoryItIsAStraightLineUntilTheWall) {
  GaussMarkovOptions options = wander_options();
  options.alpha = 1;
  options.mean_velocity_mps = {10, 10};
  options.mean_direction_rad = {0, 0};
  GaussMarkov straight(options, RandomStream(5, "mobility"));
  expect_near(straight.at(at(4.5)), {45, 0, 50});
  expect_near(straight.at(at(10)), {100, 0, 50});
  expect_near(straight.at(at(13)), {70, 0, 50});
  // Back and forth on its line for weeks: turns must not add up.
  const Position late = straight.at(at(3e6));
  EXPECT_LE(std::abs(late.x), 100);
  expect_near(late, {late.x, 0, 50});
}

TEST(GaussMarkov, HasTheVarianceOfItsVelocity) {
  // Without memory every step's velocity is drawn around the mean alone.
  GaussMarkovOptions options = wander_options();
  options.alpha = 0;
  options.area = {{-1e7, -1e7, 0}, {1e7, 1e7, 1e7}};
  options.mean_velocity_mps = {10, 10};
  options.normal_velocity = {4, 100};
  options.normal_direction = options.normal_pitch = {0, 0};
  GaussMarkov wander(options, RandomStream(6, "mobility"));
  Position last = wander.at(at(0));
  double sum = 0, squares = 0;
  const int steps = 20'000;
  for (int step = 1; step <= steps; ++step) {
    const Position now = wander.at(Time{} + seconds(step));
    const double speed = distance_m(now, last);
    sum += speed;
    squares += (speed - 10) * (speed - 10);
    last = now;
  }
  EXPECT_NEAR(sum / steps, 10, 0.1);
  EXPECT_NEAR(squares / steps, 4, 0.2);
}

TEST(GaussMarkov, IsTheSameHoweverOftenItIsAsked) {
  // A position inside a step is computed from the step's begin, not from the last question.
  expect_same_however_often_asked<GaussMarkov>(wander_options());
}

TEST(GaussMarkov, ImpossibleOptionsAreNamed) {
  using sim::mistake_in_gauss_markov;
  EXPECT_EQ(mistake_in_gauss_markov(wander_options()), "");
  GaussMarkovOptions options = wander_options();
  options.alpha = 1.1;
  EXPECT_EQ(mistake_in_gauss_markov(options), "alpha is 0 to 1");
  options = wander_options();
  options.time_step = Duration::zero();
  EXPECT_EQ(mistake_in_gauss_markov(options), "a time step must be above 0");
  options = wander_options();
  options.normal_velocity = {4, 1};
  EXPECT_NE(mistake_in_gauss_markov(options), "");
}

// --- ns-2 ---------------------------------------------------------------------------------------

TEST(Ns2Trace, ReadsWhatItsToolsWrite) {
  const auto ways = sim::parse_ns2_trace("walk.ns_movements",
                                         "# nodes: 2, max x = 100\r\n"
                                         "$node_(0) set X_ 10.0\n"
                                         "$node_(0) set Y_ 20\n"
                                         "$node_(0) set Z_ 1.5\n"
                                         "\n"
                                         "$god_ set-dist 0 1 2\n"
                                         "$ns_ at 2.0 \"$god_ set-dist 0 1 1\"\n"
                                         "$ns_ at 1.0 \"$node_(0) setdest 10.0 40.0 10.0\"\n"
                                         "$ns_ at 10.0 \"$node_(0) setdest 110.0 40.0 20.0\"\n"
                                         "$ns_ at 12.0 \"$node_(0) setdest 50.0 80.0 10.0\"\n"
                                         "$ns_ at 20 \"$node_(0) set X_ -5\";\n"
                                         "$ns_ at 30 \"$node_(7) setdest 3 4 1e0\"\n"
                                         "$ns_ at 32 \"$node_(7) setdest 3 4 0.0\"");
  ASSERT_TRUE(ways.ok()) << ways.error();
  ASSERT_EQ(ways->size(), 2U);
  Waypoints first(ways->at(0));
  expect_near(first.at(at(0)), {10, 20, 1.5});
  expect_near(first.at(at(1)), {10, 20, 1.5});
  expect_near(first.at(at(2)), {10, 30, 1.5});
  expect_near(first.at(at(3)), {10, 40, 1.5});
  expect_near(first.at(at(9)), {10, 40, 1.5});
  expect_near(first.at(at(11)), {30, 40, 1.5});
  // Half way to 110 it turns off, at 50.
  expect_near(first.at(at(12)), {50, 40, 1.5});
  expect_near(first.at(at(14)), {50, 60, 1.5});
  expect_near(first.at(at(17)), {50, 80, 1.5});
  expect_near(first.at(at(19.999)), {50, 80, 1.5});
  expect_near(first.at(at(20)), {-5, 80, 1.5});
  expect_near(first.at(at(90)), {-5, 80, 1.5});
  Waypoints second(ways->at(7));
  expect_near(second.at(at(30)), {0, 0, 0});
  expect_near(second.at(at(31)), {0.6, 0.8, 0});
  expect_near(second.at(at(99)), {1.2, 1.6, 0});
}

TEST(Ns2Trace, TimesOfANodeMayStandInAnyOrder) {
  const auto ways = sim::parse_ns2_trace("t",
                                         "$ns_ at 5 \"$node_(1) setdest 0 0 10\"\n"
                                         "$ns_ at 1 \"$node_(1) setdest 100 0 10\"\n"
                                         "$node_(1) set Y_ 0\n");
  ASSERT_TRUE(ways.ok()) << ways.error();
  Waypoints way(ways->at(1));
  expect_near(way.at(at(5)), {40, 0, 0});
  expect_near(way.at(at(7)), {20, 0, 0});
  expect_near(way.at(at(9)), {0, 0, 0});
}

TEST(Ns2Trace, DamagedFilesAreRefusedOrGiveWaysInOrder) {
  const std::string sound =
      "$node_(0) set X_ 10.0\n$node_(0) set Y_ 20\n"
      "$ns_ at 1.0 \"$node_(0) setdest 10.0 40.0 10.0\"\n"
      "$ns_ at 2.5 \"$node_(0) setdest 0 9e6 0.01\"\n$ns_ at 2.5 \"$node_(1) set Z_ 4\"\n";
  RandomStream random(2, "damage");
  int read = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = sound;
    for (std::uint64_t i = 0; i <= random.below(3); ++i) {
      // Often a digit for another, so that some files stay sound.
      char& damaged = text[random.below(text.size())];
      const bool is_digit = damaged >= '0' && damaged <= '9' && random.chance(0.8);
      damaged = static_cast<char>(is_digit ? '0' + random.below(10) : random.below(256));
    }
    const auto ways = sim::parse_ns2_trace("damaged", text);
    ++(ways.ok() ? read : refused);
    if (!ways.ok()) continue;
    for (const auto& [node, points] : *ways) {
      const Position last = Waypoints(points).at(at(9e9));
      ASSERT_TRUE(std::abs(last.x) <= 1e7 && std::abs(last.y) <= 1e7 && std::abs(last.z) <= 1e7);
    }
  }
  EXPECT_GT(read, 1000);
  EXPECT_GT(refused, 1000);
}

TEST(Ns2Trace, AnErrorSaysWhereAndWhatIsExpected) {
  const auto error = [](std::string_view text) {
    const auto ways = sim::parse_ns2_trace("walk.tcl", text);
    return ways.ok() ? std::string("none") : ways.error();
  };
  EXPECT_EQ(error("$node_(0) set X_ 1\n$node_(0) set Y_ fast\n"),
            "walk.tcl:2:18: expected a coordinate in m from -10000000 to 10000000, not 'fast'");
  EXPECT_EQ(error("$node_(0) set W_ 1"), "walk.tcl:1:15: expected X_, Y_ or Z_, not 'W_'");
  EXPECT_EQ(error("set opt(x) 100"),
            "walk.tcl:1:1: expected '$node_(NUMBER) set ...', '$ns_ at TIME \"...\"' or a comment "
            "(#), not 'set'");
  EXPECT_EQ(error("$ns_ at 1.0 \"$node_(x) setdest 1 2 3\""),
            "walk.tcl:1:14: expected $node_(NUMBER) with a number below 1,000,000, not "
            "'$node_(x)'");
  EXPECT_EQ(error("$ns_ at 1.0 \"$node_(1) setdest 1 2\""),
            "walk.tcl:1:36: expected a speed in m/s from 0 to 1000000, not the end of the line");
  EXPECT_EQ(error("$ns_ at 1.0 \"$node_(1) setdest 1 2 0.001\""),
            "walk.tcl:1:36: expected a speed of 0 or of at least 0.01 m/s, not '0.001'");
  EXPECT_EQ(error("$ns_ at -1 \"$node_(1) setdest 1 2 3\""),
            "walk.tcl:1:9: expected a time in s from 0 to 1000000000, not '-1'");
  EXPECT_EQ(error("$node_(1) setdest 1 2 3"),
            "walk.tcl:1:11: expected 'set X_ VALUE'; movements stand in $ns_ at TIME \"...\", not "
            "'setdest'");
  EXPECT_EQ(error("$node_(1) set X_ 1 2"), "walk.tcl:1:20: expected the end of the line, not '2'");
  EXPECT_EQ(error("$node_(1) set X_ nan").substr(0, 14), "walk.tcl:1:18:");
  EXPECT_EQ(error("$node_(1) set X_ 1e300").substr(0, 14), "walk.tcl:1:18:");
  EXPECT_EQ(error(""), "none");
}

}  // namespace
}  // namespace twinbed::testing
