#include "sim/ns3/ns3_simulator.h"

#include <ns3/rng-seed-manager.h>
#include <ns3/simulator-impl.h>
#include <ns3/simulator.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <list>
#include <vector>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

std::atomic<bool> is_taken{false};

constexpr std::uint32_t kNoContext = ns3::Simulator::NO_CONTEXT;

/// What ns-3 expects of a simulator: numbers from 4 on in the order of scheduling, and an event is
/// expired from its execution on, or once it was cancelled.
class HostedSimulator final : public ns3::SimulatorImpl, public Ns3Events {
 public:
  explicit HostedSimulator(World& world) : world_(world) {}

  /// ns-3 collects every time that was made before its first run, which there is none of here.
  void start() {
    is_starting_ = true;
    ns3::Simulator::Run();
    is_starting_ = false;
  }

  void execute(std::uint32_t index) override {
    const Pending due = pending_[index];
    give_back(index);
    current_ts_ = due.ts;
    current_uid_ = due.uid;
    current_context_ = due.context;
    ++executed_;
    due.event->Invoke();
    due.event->Unref();
    current_context_ = kNoContext;
  }

  ns3::EventId Schedule(const ns3::Time& delay, ns3::EventImpl* event) override {
    return add(current_context_, delay, event);
  }
  void ScheduleWithContext(std::uint32_t context, const ns3::Time& delay,
                           ns3::EventImpl* event) override {
    add(context, delay, event);
  }
  ns3::EventId ScheduleNow(ns3::EventImpl* event) override {
    return add(current_context_, ns3::Time(0), event);
  }
  ns3::EventId ScheduleDestroy(ns3::EventImpl* event) override {
    const ns3::EventId id(ns3::Ptr<ns3::EventImpl>(event, false), now(), kNoContext,
                          ns3::EventId::UID::DESTROY);
    at_end_.push_back(id);
    ++next_uid_;  // ns-3's own simulator counts it, too
    return id;
  }

  void Cancel(const ns3::EventId& id) override {
    if (!IsExpired(id)) id.PeekEventImpl()->Cancel();
  }
  void Remove(const ns3::EventId& id) override {
    if (id.GetUid() == ns3::EventId::UID::DESTROY) {
      std::erase(at_end_, id);
      return;
    }
    if (IsExpired(id)) return;
    // Models cancel; the few that remove do not do it often.
    const auto found = std::ranges::find(pending_, id.PeekEventImpl(), &Pending::event);
    TWINBED_CHECK(found != pending_.end(), "ns-3 removes an event that was never scheduled");
    world_.queue.cancel(found->handle);
    found->event->Cancel();
    found->event->Unref();
    give_back(static_cast<std::uint32_t>(found - pending_.begin()));
  }
  bool IsExpired(const ns3::EventId& id) const override {
    const ns3::EventImpl* const event = id.PeekEventImpl();
    if (event == nullptr || id.PeekEventImpl()->IsCancelled()) return true;
    if (id.GetUid() == ns3::EventId::UID::DESTROY) {
      return std::ranges::find(at_end_, id) == at_end_.end();
    }
    return id.GetTs() < current_ts_ ||
           (id.GetTs() == current_ts_ && id.GetUid() <= current_uid_);
  }

  ns3::Time Now() const override { return ns3::TimeStep(now()); }
  ns3::Time GetDelayLeft(const ns3::EventId& id) const override {
    return IsExpired(id) ? ns3::TimeStep(0) : ns3::TimeStep(id.GetTs() - now());
  }
  ns3::Time GetMaximumSimulationTime() const override {
    return ns3::TimeStep(std::numeric_limits<std::int64_t>::max());
  }
  bool IsFinished() const override { return world_.queue.empty(); }
  std::uint32_t GetSystemId() const override { return 0; }
  std::uint32_t GetContext() const override { return current_context_; }
  std::uint64_t GetEventCount() const override { return executed_; }

  void Destroy() override {
    while (!at_end_.empty()) {
      const ns3::EventId id = at_end_.front();
      at_end_.pop_front();
      if (!id.PeekEventImpl()->IsCancelled()) id.PeekEventImpl()->Invoke();
    }
  }
  void Run() override {
    TWINBED_CHECK(is_starting_, "ns-3's Simulator::Run was called, but the world runs its events");
  }
  void Stop() override {
    TWINBED_CHECK(false, "ns-3's Simulator::Stop was called, but the world says when a run ends");
  }
  void Stop(const ns3::Time&) override { Stop(); }
  /// The world's queue is the only one.
  void SetScheduler(ns3::ObjectFactory) override {}

 private:
  struct Pending {
    ns3::EventImpl* event = nullptr;  ///< one reference is ours; null where the place is free
    std::uint64_t ts = 0;
    std::uint32_t context = 0;
    std::uint32_t uid = 0;
    EventHandle handle;
  };

  std::uint64_t now() const { return static_cast<std::uint64_t>(to_ns(world_.now)); }

  ns3::EventId add(std::uint32_t context, const ns3::Time& delay, ns3::EventImpl* event) {
    TWINBED_CHECK(!delay.IsStrictlyNegative(), "ns-3 schedules an event in the past");
    TWINBED_CHECK(next_uid_ != 0, "ns-3 cannot number more than 4,294,967,292 events of a run");
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(pending_.size()));
      pending_.emplace_back();
    }
    const std::uint32_t index = free_.back();
    free_.pop_back();
    const std::uint32_t uid = next_uid_++;
    const Time at = world_.now + Duration{delay.GetTimeStep()};
    const auto ts = static_cast<std::uint64_t>(to_ns(at));
    const EventHandle handle = world_.schedule(at, {EventKind::kNs3, context, index, uid});
    pending_[index] = {event, ts, context, uid, handle};
    return {ns3::Ptr<ns3::EventImpl>(event), ts, context, uid};
  }

  void give_back(std::uint32_t index) {
    pending_[index].event = nullptr;
    free_.push_back(index);
  }

  void DoDispose() override {
    for (Pending& left : pending_) {
      if (left.event == nullptr) continue;
      world_.queue.cancel(left.handle);
      left.event->Unref();
      left.event = nullptr;
    }
    ns3::SimulatorImpl::DoDispose();
  }

  World& world_;
  bool is_starting_ = false;
  std::vector<Pending> pending_;
  std::vector<std::uint32_t> free_;
  std::list<ns3::EventId> at_end_;
  std::uint32_t next_uid_ = ns3::EventId::UID::VALID;
  std::uint64_t executed_ = 0;
  // Of the event that is executed, or of the last one of ns-3's.
  std::uint64_t current_ts_ = 0;
  std::uint32_t current_uid_ = 0;
  std::uint32_t current_context_ = kNoContext;
};

}  // namespace

Ns3Simulator::Ns3Simulator(World& world) : world_(world) {
  TWINBED_CHECK(!is_taken.exchange(true),
                "ns-3 has one simulator in a process: end the run that uses it first, or run this "
                "one in a process of its own");
  const auto hosted = ns3::CreateObject<HostedSimulator>(world);
  // A run of ns-3 alone may have left its own behind.
  ns3::Simulator::Destroy();
  ns3::Simulator::SetImplementation(hosted);
  hosted->start();
  ns3::RngSeedManager::SetSeed(1);
  ns3::RngSeedManager::SetRun(world.seed);
  world.ns3 = ns3::PeekPointer(hosted);
}

Ns3Simulator::~Ns3Simulator() {
  ns3::Simulator::Destroy();
  world_.ns3 = nullptr;
  is_taken = false;
}

bool Ns3Simulator::is_in_use() { return is_taken; }

}  // namespace twinbed::sim
