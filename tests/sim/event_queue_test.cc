// The event queue against a std::map of (time, sequence), and the bounds of its work.
#include "sim/event_queue.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "core/base/random_stream.h"
#include "tests/support/counting_new.h"

namespace twinbed::sim {
namespace {

/// As large as a simulator's event is at most.
struct TestEvent {
  std::uint64_t value = 0;
  std::uint64_t rest[5] = {};
};
using Queue = EventQueue<TestEvent>;

TestEvent event(std::uint64_t value) { return {value, {~value}}; }
Time at(std::int64_t ns) { return time_from_ns(ns); }

/// Pops and expects an event; returns its value.
std::uint64_t pop_value(Queue& queue) {
  Queue::Popped popped;
  EXPECT_TRUE(queue.pop(popped));
  EXPECT_EQ(popped.event.rest[0], ~popped.event.value);
  return popped.event.value;
}

// ---- One thing at a time ---------------------------------------------------------------------

TEST(EventQueue, NothingIsPendingAtFirst) {
  Queue queue;
  Queue::Popped popped;
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.size(), 0u);
  EXPECT_EQ(queue.next_time(), kNever);
  EXPECT_FALSE(queue.pop(popped));
  EXPECT_FALSE(queue.cancel(EventHandle{}));
  EXPECT_FALSE(queue.pending(EventHandle{}));
}

TEST(EventQueue, PopsInOrderOfTimeWithTimeAndSequence) {
  Queue queue;
  queue.schedule(at(30), event(3));
  queue.schedule(at(10), event(1));
  queue.schedule(at(20), event(2));
  EXPECT_EQ(queue.scheduled(), 3u);
  EXPECT_EQ(queue.next_time(), at(10));

  Queue::Popped popped;
  ASSERT_TRUE(queue.pop(popped));
  EXPECT_EQ(popped.at, at(10));
  EXPECT_EQ(popped.sequence, 1u);
  EXPECT_EQ(popped.event.value, 1u);
  EXPECT_EQ(pop_value(queue), 2u);
  ASSERT_TRUE(queue.pop(popped));
  EXPECT_EQ(popped.sequence, 0u);
  EXPECT_TRUE(queue.empty());
}

TEST(EventQueue, EqualTimesAreFirstInFirstOutAcrossEveryBatch) {
  Queue queue;
  // 1 ms apart and interleaved, so that equal times arrive in different states of the queue.
  for (std::uint64_t i = 0; i < 3'000; ++i) {
    queue.schedule(at(static_cast<std::int64_t>(i % 3) * 1'000'000), event(i));
  }
  for (std::uint64_t group = 0; group < 3; ++group) {
    for (std::uint64_t i = group; i < 3'000; i += 3) ASSERT_EQ(pop_value(queue), i);
  }
}

TEST(EventQueue, AnEventScheduledAtThePresentTimeComesAfterThoseAlreadyThere) {
  Queue queue;
  for (std::uint64_t i = 0; i < 1'000; ++i) queue.schedule(at(5), event(i));
  for (std::uint64_t i = 0; i < 10'000; ++i) {
    ASSERT_EQ(pop_value(queue), i);
    queue.schedule(at(5), event(1'000 + i));
  }
  EXPECT_EQ(queue.size(), 1'000u);
}

TEST(EventQueue, CancelsOnceAndOnlyWhatIsPending) {
  Queue queue;
  const EventHandle first = queue.schedule(at(10), event(1));
  const EventHandle second = queue.schedule(at(20), event(2));
  EXPECT_TRUE(queue.pending(first));
  EXPECT_TRUE(queue.cancel(first));
  EXPECT_FALSE(queue.pending(first));
  EXPECT_FALSE(queue.cancel(first));
  EXPECT_EQ(queue.size(), 1u);
  EXPECT_EQ(queue.next_time(), at(20));
  EXPECT_EQ(pop_value(queue), 2u);
  EXPECT_FALSE(queue.cancel(second));
}

TEST(EventQueue, AStaleHandleNeverNamesTheEventThatTookItsPlace) {
  Queue queue;
  std::vector<EventHandle> stale;
  for (int round = 0; round < 1'000; ++round) {
    const EventHandle handle = queue.schedule(at(round), event(1));
    for (const EventHandle& old : stale) {
      ASSERT_FALSE(queue.pending(old));
      ASSERT_FALSE(queue.cancel(old));
    }
    ASSERT_TRUE(queue.pending(handle));
    if (round % 2 == 0) {
      ASSERT_TRUE(queue.cancel(handle));
    } else {
      ASSERT_EQ(pop_value(queue), 1u);
    }
    if (round % 10 < 2) stale.push_back(handle);
  }
}

TEST(EventQueue, FarFutureTimesKeepTheirOrder) {
  Queue queue;
  const std::int64_t day_ns = 86'400'000'000'000;
  queue.schedule(kNever, event(7));
  queue.schedule(at(100 * 365 * day_ns), event(5));
  queue.schedule(at(to_ns(kNever) - 1), event(6));
  queue.schedule(at(day_ns), event(3));
  queue.schedule(at(day_ns + 1), event(4));
  queue.schedule(at(1), event(2));
  queue.schedule(at(0), event(1));
  queue.schedule(kNever, event(8));
  for (std::uint64_t value = 1; value <= 8; ++value) EXPECT_EQ(pop_value(queue), value);
  queue.schedule(kNever, event(9));
  EXPECT_EQ(queue.next_time(), kNever);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(pop_value(queue), 9u);
}

TEST(EventQueue, EventsMayComeBeforeATimeThatWasOnlyLookedAt) {
  Queue queue;
  const std::int64_t far_ns = 3'600'000'000'000;
  for (std::uint64_t i = 0; i < 500; ++i) queue.schedule(at(far_ns), event(i));
  std::uint64_t value = 1'000;
  for (std::int64_t now = 0; now < 50; ++now) {
    EXPECT_EQ(queue.next_time(), at(far_ns));
    // Later ones first, and more than the queue keeps sorted at a time.
    for (std::uint64_t i = 200; i-- > 0;) {
      queue.schedule(at(1'000'000 * (now + 1) + static_cast<std::int64_t>(i)), event(value + i));
    }
    for (std::uint64_t i = 0; i < 200; ++i) ASSERT_EQ(pop_value(queue), value + i);
    value += 200;
  }
  for (std::uint64_t i = 0; i < 500; ++i) ASSERT_EQ(pop_value(queue), i);
}

TEST(EventQueue, CancellingTheRestOfAnEqualTimeThatWasLookedAtKeepsItsFirst) {
  // Among these counts is each state in which the rest can be when the dead are swept.
  for (std::uint64_t count = 40; count < 160; ++count) {
    Queue queue;
    std::vector<EventHandle> handles;
    for (std::uint64_t i = 0; i < count; ++i) handles.push_back(queue.schedule(at(500), event(i)));
    EXPECT_EQ(queue.next_time(), at(500));
    for (std::uint64_t i = 10; i < count; ++i) ASSERT_TRUE(queue.cancel(handles[i]));
    for (std::uint64_t i = 0; i < 100; ++i) queue.schedule(at(400), event(1'000 + i));
    queue.schedule(at(500), event(10));
    for (std::uint64_t i = 0; i < 100; ++i) ASSERT_EQ(pop_value(queue), 1'000 + i);
    for (std::uint64_t i = 0; i <= 10; ++i) ASSERT_EQ(pop_value(queue), i);
    ASSERT_TRUE(queue.empty());
  }
}

TEST(EventQueueDeathTest, RefusesATimeBeforeTheLastPop) {
  Queue queue;
  queue.schedule(at(10), event(1));
  pop_value(queue);
  queue.schedule(at(10), event(2));
  EXPECT_DEATH(queue.schedule(at(9), event(3)), "before the time already reached");
}

TEST(EventQueueDeathTest, RefusesATimeBeforeTheStart) {
  Queue queue;
  EXPECT_DEATH(queue.schedule(at(-1), event(1)), "before the time already reached");
}

// ---- Any sequence of operations, against a map -----------------------------------------------

enum class Shape {
  kTiny, kEqual, kExponential, kBimodal, kEveryMagnitude, kGrid, kFalling, kNever
};

struct ShapeName {
  Shape shape;
  const char* name;
};
constexpr ShapeName kShapes[] = {{Shape::kTiny, "Tiny"},
                                 {Shape::kEqual, "Equal"},
                                 {Shape::kExponential, "Exponential"},
                                 {Shape::kBimodal, "Bimodal"},
                                 {Shape::kEveryMagnitude, "EveryMagnitude"},
                                 {Shape::kGrid, "Grid"},
                                 {Shape::kFalling, "Falling"},
                                 {Shape::kNever, "Never"}};

void PrintTo(const ShapeName& shape, std::ostream* out) { *out << shape.name; }

std::int64_t draw_delay(Shape shape, RandomStream& random, std::int64_t step) {
  const auto below = [&random](std::uint64_t bound) {
    return static_cast<std::int64_t>(random.below(bound));
  };
  switch (shape) {
    case Shape::kTiny: return below(3);
    case Shape::kEqual: return 0;
    case Shape::kExponential: return static_cast<std::int64_t>(random.exponential() * 1e9);
    case Shape::kBimodal: return random.chance(0.5) ? below(10) : 1'000'000'000 + below(100);
    case Shape::kEveryMagnitude: return static_cast<std::int64_t>(random.next() >> (1 + below(63)));
    case Shape::kGrid: return 1'000'000 * below(20);
    case Shape::kFalling: return 1'000'000'000 - step * 7;
    case Shape::kNever: return random.chance(0.1) ? to_ns(kNever) : below(5'000);
  }
  return 0;
}

/// A queue and the map it must agree with.
class Twins {
 public:
  Twins(Shape shape, std::uint64_t seed) : shape_(shape), random_(seed, "event queue test") {
    target_ = std::size_t{1} << random_.below(13);
  }

  void step(std::int64_t number) {
    const std::uint64_t choice = random_.below(100);
    if (choice < (expected_.size() < target_ ? 60u : 30u)) {
      schedule(number);
    } else if (choice < 70) {
      cancel();
    } else if (choice < 80) {
      look();
    } else {
      pop();
    }
    ASSERT_EQ(queue_.size(), expected_.size());
    ASSERT_EQ(queue_.empty(), expected_.empty());
  }

  void drain() {
    while (!expected_.empty() && !::testing::Test::HasFatalFailure()) pop();
    pop();
  }

 private:
  using Key = std::pair<std::int64_t, std::uint64_t>;

  void schedule(std::int64_t number) {
    const std::int64_t delay = draw_delay(shape_, random_, number);
    const std::int64_t at_ns = delay > to_ns(kNever) - now_ns_ ? to_ns(kNever) : now_ns_ + delay;
    const Key key{at_ns, queue_.scheduled()};
    const std::uint64_t value = random_.next();
    handles_.emplace_back(queue_.schedule(at(at_ns), event(value)), key);
    expected_[key] = value;
  }

  /// Any handle there ever was, most of them stale.
  void cancel() {
    if (handles_.empty()) return;
    const auto& [handle, key] = handles_[random_.below(handles_.size())];
    const bool was_pending = expected_.erase(key) == 1;
    ASSERT_EQ(queue_.pending(handle), was_pending);
    ASSERT_EQ(queue_.cancel(handle), was_pending);
    ASSERT_FALSE(queue_.pending(handle));
  }

  void look() {
    ASSERT_EQ(queue_.next_time(),
              expected_.empty() ? kNever : at(expected_.begin()->first.first));
  }

  void pop() {
    Queue::Popped popped;
    ASSERT_EQ(queue_.pop(popped), !expected_.empty());
    if (expected_.empty()) return;
    const auto first = expected_.begin();
    ASSERT_EQ(popped.at, at(first->first.first));
    ASSERT_EQ(popped.sequence, first->first.second);
    ASSERT_EQ(popped.event.value, first->second);
    now_ns_ = first->first.first;
    expected_.erase(first);
  }

  Shape shape_;
  RandomStream random_;
  Queue queue_;
  std::map<Key, std::uint64_t> expected_;
  std::vector<std::pair<EventHandle, Key>> handles_;
  std::int64_t now_ns_ = 0;
  std::size_t target_ = 0;
};

class EventQueueShapes : public ::testing::TestWithParam<ShapeName> {};

TEST_P(EventQueueShapes, AgreesWithAMapOverAnySequenceOfOperations) {
  for (std::uint64_t seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Twins twins(GetParam().shape, seed);
    for (std::int64_t i = 0; i < 8'000; ++i) ASSERT_NO_FATAL_FAILURE(twins.step(i));
    ASSERT_NO_FATAL_FAILURE(twins.drain());
  }
}

// ---- What it costs ---------------------------------------------------------------------------

/// Holds `pending` events: each that fires schedules its successor. Returns the work per event.
double hold(Queue& queue, Shape shape, std::size_t pending, std::int64_t events) {
  RandomStream random(1, "hold");
  const std::uint64_t before = queue.work();
  for (std::size_t i = 0; i < pending; ++i) {
    queue.schedule(at(draw_delay(shape, random, 0)), event(i));
  }
  Queue::Popped popped;
  for (std::int64_t i = 0; i < events && queue.pop(popped); ++i) {
    const std::int64_t delay = draw_delay(shape, random, 0);
    const std::int64_t left = to_ns(kNever) - to_ns(popped.at);
    queue.schedule(popped.at + Duration{std::min(delay, left)}, popped.event);
  }
  const auto work = static_cast<double>(queue.work() - before);
  return work / static_cast<double>(events + static_cast<std::int64_t>(pending));
}

TEST_P(EventQueueShapes, MovesEachKeyAFewTimesHoweverManyArePending) {
  for (const std::size_t pending : {1u, 60u, 70u, 1'000u, 100'000u}) {
    Queue queue;
    EXPECT_LT(hold(queue, GetParam().shape, pending, 200'000), 14.0) << pending << " pending";
  }
}

INSTANTIATE_TEST_SUITE_P(All, EventQueueShapes, ::testing::ValuesIn(kShapes),
                         [](const auto& instance) { return instance.param.name; });

TEST(EventQueueWork, AHundredThousandEqualTimesAreMovedAtMostOncePerLevel) {
  Queue queue;
  for (std::uint64_t i = 0; i < 100'000; ++i) queue.schedule(at(123'456'789), event(i));
  for (std::uint64_t i = 0; i < 100'000; ++i) ASSERT_EQ(pop_value(queue), i);
  EXPECT_LE(queue.work(), 12u * 100'000u);
}

TEST(EventQueueWork, ANarrowWindowIsNoWorseThanAWideOne) {
  Queue queue;
  RandomStream random(1, "narrow");
  for (std::uint64_t i = 0; i < 100'000; ++i) {
    queue.schedule(at(1'000'000'000 + static_cast<std::int64_t>(random.below(100))), event(i));
  }
  Queue::Popped popped;
  Time last{};
  while (queue.pop(popped)) {
    ASSERT_LE(last, popped.at);
    last = popped.at;
  }
  EXPECT_LE(queue.work(), 12u * 100'000u);
}

TEST(EventQueueWork, TimesThatFallAreNotInsertedOneByOneBeforeAllOthers) {
  Queue queue;
  queue.schedule(at(1'000'000), event(100'000));
  queue.next_time();
  for (std::uint64_t i = 100'000; i-- > 0;) {
    queue.schedule(at(static_cast<std::int64_t>(5 * i)), event(i));
  }
  for (std::uint64_t i = 0; i <= 100'000; ++i) ASSERT_EQ(pop_value(queue), i);
  EXPECT_LE(queue.work(), 25u * 100'000u);
}

TEST(EventQueueWork, LookingAheadAndSchedulingBeforeDoesNotUnpackTheFarEventsAgain) {
  for (const std::int64_t spread_ns : {0, 1'000'000}) {
    Queue queue;
    RandomStream random(1, "far");
    for (std::uint64_t i = 0; i < 100'000; ++i) {
      const auto jitter = static_cast<std::int64_t>(
          random.below(static_cast<std::uint64_t>(spread_ns) + 1));
      queue.schedule(at(3'600'000'000'000 + jitter), event(i));
    }
    queue.next_time();
    const std::uint64_t before = queue.work();
    for (std::int64_t now = 1; now <= 1'000; ++now) {
      queue.next_time();
      for (std::int64_t i = 0; i < 70; ++i) queue.schedule(at(now * 1'000'000 + i), event(1));
      for (int i = 0; i < 70; ++i) pop_value(queue);
    }
    EXPECT_LE(queue.work() - before, 40u * 70'000u) << "spread over " << spread_ns << " ns";
  }
}

TEST(EventQueueWork, TimersThatAreAlwaysCancelledCostNoMoreThanThoseThatFire) {
  for (const std::size_t nodes : {10u, 1'000u}) {
    Queue queue;
    RandomStream random(1, "timers");
    std::vector<EventHandle> timers(nodes);
    for (std::uint64_t node = 0; node < nodes; ++node) {
      queue.schedule(at(static_cast<std::int64_t>(random.below(50'000'000))), event(node));
    }
    Queue::Popped popped;
    for (int i = 0; i < 200'000; ++i) {
      ASSERT_TRUE(queue.pop(popped));
      EventHandle& timer = timers[popped.event.value];
      queue.cancel(timer);
      const auto wait = static_cast<std::int64_t>(150'000'000 + random.below(150'000'000));
      timer = queue.schedule(popped.at + Duration{wait}, event(popped.event.value));
      queue.schedule(popped.at + Duration{50'000'000}, popped.event);
    }
    EXPECT_EQ(queue.size(), 2 * nodes);
    EXPECT_LE(queue.work(), 4u * 400'000u) << nodes << " nodes";
  }
}

/// Each event schedules its successor, and a timer that is cancelled at once.
void churn(Queue& queue, Shape shape, RandomStream& random, int events) {
  Queue::Popped popped;
  for (int i = 0; i < events; ++i) {
    ASSERT_TRUE(queue.pop(popped));
    const EventHandle timer = queue.schedule(popped.at + Duration{300'000'000}, popped.event);
    queue.schedule(popped.at + Duration{draw_delay(shape, random, 0)}, popped.event);
    queue.cancel(timer);
  }
}

TEST(EventQueueMemory, NothingIsAllocatedOnceThePoolsHaveGrown) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "the sanitizer has its own allocator";
  for (const ShapeName& shape : kShapes) {
    // These two run out of time, literally.
    if (shape.shape == Shape::kNever || shape.shape == Shape::kEveryMagnitude) continue;
    Queue queue;
    RandomStream random(2, "steady");
    hold(queue, shape.shape, 5'000, 100'000);
    churn(queue, shape.shape, random, 200'000);
    const std::uint64_t before = testing::allocations();
    churn(queue, shape.shape, random, 200'000);
    EXPECT_EQ(testing::allocations(), before) << shape.name;
  }
}

TEST(EventQueueMemory, TheCounterCounts) {
  if (!testing::kCountsAllocations) GTEST_SKIP() << "the sanitizer has its own allocator";
  const std::uint64_t before = testing::allocations();
  const auto owned = std::make_unique<std::vector<int>>(100);
  EXPECT_EQ(testing::allocations() - before, 2u) << owned->size();
}

}  // namespace
}  // namespace twinbed::sim
