// ns-3's simulator on our queue, beside ns-3's own.
#include "sim/ns3/ns3_simulator.h"

#include <gmock/gmock.h>
#include <ns3/default-simulator-impl.h>
#include <ns3/random-variable-stream.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/random_stream.h"

namespace twinbed::testing {
namespace {

using sim::EventKind;
using sim::Ns3Simulator;
using sim::World;

/// Runs whatever is in the world; `before` sees each event.
void run(World& world, const std::function<void(const sim::Event&)>& before) {
  sim::EventQueue<sim::Event>::Popped popped;
  while (world.queue.pop(popped)) {
    world.now = popped.at;
    before(popped.event);
    if (popped.event.kind == EventKind::kNs3) world.ns3->execute(popped.event.first);
  }
}

/// What happened, one line for each event and observation.
using Trace = std::vector<std::string>;

/// Says of each event what its simulator knows of it.
class TracedDefault final : public ns3::DefaultSimulatorImpl {
 public:
  explicit TracedDefault(Trace& trace) : trace_(trace) {}

 private:
  void PreEventHook(const ns3::EventId& id) override {
    trace_.push_back(std::to_string(id.GetTs()) + " " + std::to_string(id.GetContext()) + " " +
                     std::to_string(id.GetUid()));
  }
  Trace& trace_;
};

/// A program that schedules, cancels and removes at random; times have ties.
class Churn {
 public:
  Churn(Trace& trace, int events) : trace_(trace), left_(events) {
    for (int i = 0; i < 20; ++i) schedule();
    ns3::Simulator::ScheduleDestroy(&Churn::note, this, std::string("at the end"));
    const ns3::EventId never =
        ns3::Simulator::ScheduleDestroy(&Churn::note, this, std::string("never"));
    note(never.IsRunning() ? "runs at the end" : "does not");
    ns3::Simulator::Cancel(never);
    note(never.IsRunning() ? "runs at the end" : "does not");
  }

 private:
  void schedule() {
    const auto delay = ns3::MicroSeconds(random_.below(8));
    switch (random_.below(4)) {
      case 0:
        ns3::Simulator::ScheduleWithContext(static_cast<std::uint32_t>(random_.below(5)), delay,
                                            &Churn::on_event, this);
        break;
      case 1: ids_.push_back(ns3::Simulator::ScheduleNow(&Churn::on_event, this)); break;
      default: ids_.push_back(ns3::Simulator::Schedule(delay, &Churn::on_event, this));
    }
  }
  void on_event() {
    note("context " + std::to_string(ns3::Simulator::GetContext()) + ", event " +
         std::to_string(ns3::Simulator::GetEventCount()) + " at " +
         std::to_string(ns3::Simulator::Now().GetTimeStep()));
    if (left_ <= 0) return;
    left_ -= 1;
    schedule();
    if (random_.below(3) == 0) schedule();
    if (ids_.empty()) return;
    const ns3::EventId id = ids_[random_.below(ids_.size())];
    note(std::to_string(id.GetUid()) + (id.IsExpired() ? " expired" : " pending") + ", left " +
         std::to_string(ns3::Simulator::GetDelayLeft(id).GetTimeStep()));
    const std::uint64_t what = random_.below(6);
    if (what == 0) ns3::Simulator::Cancel(id);
    if (what == 1) ns3::Simulator::Remove(id);
    if (what <= 1) note(id.IsExpired() ? "expired" : "pending");
  }
  void note(std::string line) { trace_.push_back(std::move(line)); }

  Trace& trace_;
  int left_;
  RandomStream random_{5, "churn", 0};
  std::vector<ns3::EventId> ids_;
};

// The same events in the same order under the same numbers.
TEST(Ns3Simulator, ExecutesWhatNs3sOwnSimulatorDoes) {
  constexpr int kEvents = 5000;
  Trace expected;
  {
    ns3::Simulator::Destroy();
    ns3::Simulator::SetImplementation(ns3::CreateObject<TracedDefault>(expected));
    const Churn churn(expected, kEvents);
    ns3::Simulator::Run();
    ns3::Simulator::Destroy();
  }
  Trace found;
  {
    World world;
    auto simulator = std::make_unique<Ns3Simulator>(world);
    const Churn churn(found, kEvents);
    run(world, [&](const sim::Event& event) {
      found.push_back(std::to_string(to_ns(world.now)) + " " + std::to_string(event.subject) + " " +
                      std::to_string(event.second));
    });
    EXPECT_TRUE(ns3::Simulator::IsFinished());
    simulator.reset();
  }
  EXPECT_GT(expected.size(), 2U * kEvents);
  EXPECT_EQ(found.size(), expected.size());
  const auto [differs, instead] = std::ranges::mismatch(found, expected);
  EXPECT_TRUE(differs == found.end()) << *differs << "\ninstead of\n" << *instead;
  EXPECT_THAT(found, ::testing::Contains("at the end"));
}

TEST(Ns3Simulator, OfEqualTimesWhatWasScheduledFirstFiresFirstWhoseverItIs) {
  World world;
  const Ns3Simulator simulator(world);
  std::string order;
  const Time at{std::chrono::microseconds(3)};
  ns3::Simulator::Schedule(ns3::MicroSeconds(3), [&] { order += 'a'; });
  world.schedule(at, {EventKind::kNodeTimer, 0, 0, 0});
  ns3::Simulator::Schedule(ns3::MicroSeconds(3), [&] { order += 'c'; });
  world.schedule(at, {EventKind::kNodeTimer, 0, 0, 0});
  run(world, [&](const sim::Event& event) { order += event.kind == EventKind::kNs3 ? "" : "b"; });
  EXPECT_EQ(order, "abcb");
}

// The number of the last event of ns-3's is higher than that of one that is due now.
TEST(Ns3Simulator, AnEventThatIsDueNowIsNotExpiredBeforeIt) {
  World world;
  const Ns3Simulator simulator(world);
  const Time at{std::chrono::microseconds(2)};
  world.schedule(at, {EventKind::kNodeTimer, 0, 0, 0});
  const ns3::EventId due = ns3::Simulator::Schedule(ns3::MicroSeconds(2), [] {});
  ns3::Simulator::Schedule(ns3::MicroSeconds(1), [] {});
  world.schedule(at, {EventKind::kNodeTimer, 0, 0, 0});
  std::vector<bool> pending;
  run(world, [&](const sim::Event& event) {
    if (event.kind != EventKind::kNs3) pending.push_back(due.IsRunning());
  });
  EXPECT_THAT(pending, ::testing::ElementsAre(true, false));
}

TEST(Ns3Simulator, ForgetsWhatIsLeftAndOtherEventsStay) {
  const auto held = std::make_shared<int>(0);
  World world;
  {
    const Ns3Simulator simulator(world);
    ns3::Simulator::Schedule(ns3::MicroSeconds(3), [held] {});
    const ns3::EventId removed = ns3::Simulator::Schedule(ns3::MicroSeconds(3), [held] {});
    world.schedule(Time{std::chrono::microseconds(5)}, {EventKind::kNodeTimer, 0, 0, 0});
    EXPECT_EQ(held.use_count(), 3);
    ns3::Simulator::Remove(removed);
    EXPECT_EQ(world.queue.size(), 2U);
  }
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(world.queue.size(), 1U);
  EXPECT_EQ(world.ns3, nullptr);
}

TEST(Ns3Simulator, RandomNumbersAreThoseOfTheSeed) {
  const auto draw = [](std::uint64_t seed) {
    World world;
    world.seed = seed;
    const Ns3Simulator simulator(world);
    const auto uniform = ns3::CreateObject<ns3::UniformRandomVariable>();
    uniform->SetStream(3);
    return uniform->GetValue();
  };
  EXPECT_EQ(draw(1), draw(1));
  EXPECT_NE(draw(1), draw(2));
}

TEST(Ns3SimulatorDeathTest, ThereIsOneAtATime) {
  EXPECT_FALSE(Ns3Simulator::is_in_use());
  World world;
  const Ns3Simulator simulator(world);
  EXPECT_TRUE(Ns3Simulator::is_in_use());
  World other;
  EXPECT_DEATH(Ns3Simulator{other}, "ns-3 has one simulator in a process: end the run");
}

TEST(Ns3SimulatorDeathTest, TheWorldRunsAndEndsIt) {
  World world;
  const Ns3Simulator simulator(world);
  EXPECT_DEATH(ns3::Simulator::Run(), "Simulator::Run was called, but the world runs its events");
  EXPECT_DEATH(ns3::Simulator::Stop(), "the world says when a run ends");
  EXPECT_DEATH(ns3::Simulator::Schedule(ns3::NanoSeconds(-1), [] {}), "an event in the past");
}

}  // namespace
}  // namespace twinbed::testing
