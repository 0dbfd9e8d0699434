// What an event costs in twinbed's queue and in ns-3, and what odd distributions cost.
//
//   hold/<queue>/<pending>    each event schedules its successor after an exponential delay
//   timers/<queue>/<nodes>    each heartbeat cancels and re-arms an election timer of 150-300 ms
//   shape/<shape>/<queue>/<pending>   against a binary heap: delays that could break a bucket queue
//
// One iteration is one event: taking it out, calling its handler, drawing the delay and scheduling
// the next. Both sides share the models below, hence the random generator, the delays and the
// handler, which is called through a pointer. ns-3 is measured as its users run it:
// Simulator::Schedule of a function with arguments, Simulator::Run. The `trace` counter is a hash
// of (time, node) over all events and is the same on both sides.
#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>
#include <ns3/nstime.h>
#include <ns3/simulator.h>

#include "core/base/hash.h"
#include "core/base/portable_math.h"
#include "sim/event_queue.h"
#include "tests/bench/ns3_support.h"
#include "tests/bench/goal_table.h"

namespace twinbed::bench {
namespace {

constexpr std::int64_t kBatch = 100'000;

// ---- The worlds: the same three requests on every kind of queue ------------------------------

/// twinbed's queue, its events of 40 bytes: a handler and four words.
class TwinbedWorld {
 public:
  using Handle = sim::EventHandle;
  using Handler = void (*)(void* model, std::uint32_t node, std::uint64_t argument);

  explicit TwinbedWorld(std::string_view) {}
  std::int64_t now_ns() const { return to_ns(popped_.at); }
  Handle schedule(std::int64_t delay_ns, Handler handler, void* model, std::uint32_t node,
                  std::uint64_t argument) {
    return queue_.schedule(popped_.at + Duration{delay_ns}, {handler, model, argument, 0, node, 0});
  }
  void cancel(Handle handle) { queue_.cancel(handle); }
  void run() {
    running_ = true;
    while (running_ && queue_.pop(popped_)) {
      const Event& event = popped_.event;
      event.handler(event.model, event.node, event.argument);
    }
  }
  void stop() { running_ = false; }

 private:
  struct Event {
    Handler handler;
    void* model;
    std::uint64_t argument;
    std::uint64_t spare;
    std::uint32_t node;
    std::uint32_t kind;
  };
  sim::EventQueue<Event> queue_;
  sim::EventQueue<Event>::Popped popped_;
  bool running_ = false;
};

/// ns-3's simulator with a scheduler of its own; "-remove" after its name asks for
/// Simulator::Remove in place of Simulator::Cancel, which leaves the event in the scheduler.
class Ns3World {
 public:
  using Handle = ns3::EventId;
  using Handler = void (*)(void* model, std::uint32_t node, std::uint64_t argument);

  explicit Ns3World(std::string_view kind)
      : run_(scheduler(kind)), remove_(kind.ends_with("-remove")) {}
  std::int64_t now_ns() const { return ns3::Simulator::Now().GetNanoSeconds(); }
  Handle schedule(std::int64_t delay_ns, Handler handler, void* model, std::uint32_t node,
                  std::uint64_t argument) {
    return ns3::Simulator::Schedule(ns3::NanoSeconds(delay_ns), handler, model, node, argument);
  }
  void cancel(const Handle& handle) {
    if (remove_) {
      ns3::Simulator::Remove(handle);
    } else {
      ns3::Simulator::Cancel(handle);
    }
  }
  void run() { ns3::Simulator::Run(); }
  void stop() { ns3::Simulator::Stop(); }

 private:
  static std::string scheduler(std::string_view kind) {
    if (kind.starts_with("map")) return "ns3::MapScheduler";
    if (kind.starts_with("heap")) return "ns3::HeapScheduler";
    if (kind.starts_with("list")) return "ns3::ListScheduler";
    if (kind.starts_with("calendar")) return "ns3::CalendarScheduler";
    return "ns3::PriorityQueueScheduler";
  }
  Ns3Run run_;
  bool remove_;
};

/// A binary heap of 24-byte keys over pooled events, as the standard library has it.
class HeapWorld {
 public:
  using Handle = int;
  using Handler = void (*)(void* model, std::uint32_t node, std::uint64_t argument);

  explicit HeapWorld(std::string_view) {}
  std::int64_t now_ns() const { return now_ns_; }
  Handle schedule(std::int64_t delay_ns, Handler handler, void* model, std::uint32_t node,
                  std::uint64_t argument) {
    if (free_.empty()) {
      free_.push_back(static_cast<std::uint32_t>(events_.size()));
      events_.push_back({});
    }
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    events_[slot] = {handler, model, argument, 0, node, 0};
    heap_.push_back({now_ns_ + delay_ns, sequence_++, slot});
    std::push_heap(heap_.begin(), heap_.end(), later);
    return 0;
  }
  void run() {
    running_ = true;
    while (running_ && !heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), later);
      const Key key = heap_.back();
      heap_.pop_back();
      now_ns_ = key.at_ns;
      free_.push_back(key.slot);
      const Event event = events_[key.slot];
      event.handler(event.model, event.node, event.argument);
    }
  }
  void stop() { running_ = false; }

 private:
  struct Event {
    Handler handler;
    void* model;
    std::uint64_t argument;
    std::uint64_t spare;
    std::uint32_t node;
    std::uint32_t kind;
  };
  struct Key {
    std::int64_t at_ns;
    std::uint64_t sequence;
    std::uint32_t slot;
  };
  static bool later(const Key& a, const Key& b) {
    return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.sequence > b.sequence;
  }
  std::vector<Key> heap_;
  std::vector<Event> events_;
  std::vector<std::uint32_t> free_;
  std::uint64_t sequence_ = 0;
  std::int64_t now_ns_ = 0;
  bool running_ = false;
};

// ---- The models ------------------------------------------------------------------------------

enum class Shape { kExponential, kEqual, kTiny, kBimodal, kHuge, kCluster };

/// splitmix64 (Steele, Lea and Flood, OOPSLA 2014), inline and without a chain through memory: what
/// is measured here is the queue.
class DelayRandom {
 public:
  explicit DelayRandom(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e37'79b9'7f4a'7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58'476d'1ce4'e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d0'49bb'1331'11ebULL;
    return z ^ (z >> 31);
  }
  /// Uniform below a bound of at most 2^31, as nearly as a benchmark needs.
  std::int64_t below(std::uint64_t bound) {
    return static_cast<std::int64_t>(((next() >> 32) * bound) >> 32);
  }

 private:
  std::uint64_t state_;
};

/// Exponential with mean 1 s by the inverse of its distribution function, which is tabulated at
/// 1024 points and linear between them: a logarithm would cost as much as a queue.
class ExponentialDelays {
 public:
  ExponentialDelays() {
    for (std::size_t i = 0; i <= kPieces; ++i) {
      const double rest = std::max(1.0 - static_cast<double>(i) / kPieces, 0.1 / kPieces);
      at_ns_[i] = static_cast<std::int64_t>(-1e9 * portable_log(rest));
    }
  }
  std::int64_t draw(DelayRandom& random) const {
    const std::uint64_t bits = random.next();
    const std::size_t piece = bits % kPieces;
    const std::int64_t width = at_ns_[piece + 1] - at_ns_[piece];
    return at_ns_[piece] + ((width * static_cast<std::int64_t>(bits >> 40)) >> 24);
  }

 private:
  static constexpr std::size_t kPieces = 1024;
  std::array<std::int64_t, kPieces + 1> at_ns_{};
};

const ExponentialDelays exponential;

std::int64_t draw_delay(Shape shape, DelayRandom& random) {
  switch (shape) {
    case Shape::kExponential:
      return exponential.draw(random);
    case Shape::kEqual:  // rounds: all at one time, all rescheduled to one later time
      return 1'000'000;
    case Shape::kTiny:  // many at each nanosecond
      return random.below(50);
    case Shape::kBimodal:  // a busy part and a far part
      return random.below(10) > 0 ? random.below(1000) : 1'000'000'000 + random.below(1000);
    case Shape::kHuge:  // every magnitude from 1 ns to 2^46 ns, equally likely
      return static_cast<std::int64_t>(random.next() >> (18 + random.below(46)));
    case Shape::kCluster:  // multiples of 1 ms with a jitter of 100 ns
      return 1'000'000 * random.below(100) + random.below(100);
  }
  return 0;
}

/// Counts events down to the end of a batch, and hashes what happened when.
struct Batch {
  std::int64_t left = 0;
  std::uint64_t trace = 0;

  bool count(std::int64_t now_ns, std::uint64_t node) {
    trace = hash_combine(trace, static_cast<std::uint64_t>(now_ns) ^ (node << 48));
    return --left == 0;
  }
};

template <class World>
struct HoldModel {
  HoldModel(std::string_view kind, Shape delays, std::int64_t pending)
      : world(kind), shape(delays) {
    for (std::int64_t i = 0; i < pending; ++i) schedule(static_cast<std::uint32_t>(i));
  }
  void schedule(std::uint32_t node) {
    world.schedule(draw_delay(shape, random), &HoldModel::fire, this, node, node);
  }
  static void fire(void* self, std::uint32_t node, std::uint64_t) {
    auto& model = *static_cast<HoldModel*>(self);
    if (model.batch.count(model.world.now_ns(), node)) model.world.stop();
    model.schedule(node);
  }

  World world;
  Shape shape;
  DelayRandom random{1};
  Batch batch;
};

template <class World>
struct TimerModel {
  TimerModel(std::string_view kind, Shape, std::int64_t nodes)
      : world(kind), timers(static_cast<std::size_t>(nodes)) {
    for (std::uint32_t node = 0; node < timers.size(); ++node) {
      arm(node);
      world.schedule(between_ms(0, 50), &TimerModel::heartbeat, this, node, 0);
    }
  }
  std::int64_t between_ms(std::int64_t low, std::int64_t high) {
    return low * 1'000'000 + random.below(static_cast<std::uint64_t>(high - low) * 1'000'000);
  }
  void arm(std::uint32_t node) {
    timers[node] = world.schedule(between_ms(150, 300), &TimerModel::elect, this, node, 0);
  }
  static void heartbeat(void* self, std::uint32_t node, std::uint64_t) {
    auto& model = *static_cast<TimerModel*>(self);
    if (model.batch.count(model.world.now_ns(), node)) model.world.stop();
    model.world.cancel(model.timers[node]);
    model.arm(node);
    model.world.schedule(model.between_ms(45, 55), &TimerModel::heartbeat, self, node, 0);
  }
  static void elect(void* self, std::uint32_t node, std::uint64_t) {
    static_cast<TimerModel*>(self)->arm(node);
  }

  World world;
  std::vector<typename World::Handle> timers;
  DelayRandom random{1};
  Batch batch;
};

/// Builds the model, lets it run in, and measures whole batches.
template <class Model>
void run_model(benchmark::State& state, std::string_view kind, Shape shape, std::int64_t size) {
  const auto model = std::make_unique<Model>(kind, shape, size);
  model->batch.left = kBatch;
  model->world.run();
  while (state.KeepRunningBatch(kBatch)) {
    model->batch.left = kBatch;
    model->world.run();
  }
  state.counters["trace"] = static_cast<double>(model->batch.trace >> 40);
}

// ---- The list of benchmarks and goals --------------------------------------------------------

template <class Model>
void add(const std::string& name, std::string kind, Shape shape, std::int64_t size) {
  // Enough events to see every step of a queue of this size, more than once.
  const std::int64_t events = std::max<std::int64_t>(500'000, 2 * size);
  benchmark::RegisterBenchmark(name.c_str(), [kind, shape, size](benchmark::State& state) {
    run_model<Model>(state, kind, shape, size);
  })->Iterations(events);
}

void add_hold() {
  for (const std::int64_t size : {100, 1'000, 10'000, 100'000, 1'000'000}) {
    const std::string end = "/" + std::to_string(size);
    add<HoldModel<TwinbedWorld>>("hold/twinbed" + end, "", Shape::kExponential, size);
    add<HoldModel<Ns3World>>("hold/ns3-map" + end, "map", Shape::kExponential, size);
    add<HoldModel<Ns3World>>("hold/ns3-pq" + end, "pq", Shape::kExponential, size);
    const double goal = size == 1'000'000 ? 15.0 : size == 100'000 ? 10.0 : 5.0;
    add_goal({"hold/twinbed" + end, {"hold/ns3-map" + end}, goal});
    if (size >= 1'000) add_goal({"hold/twinbed" + end, {"hold/ns3-pq" + end}, 3.5});
  }
}

void add_timers() {
  for (const std::int64_t nodes : {10, 100, 1'000, 10'000}) {
    const std::string end = "/" + std::to_string(nodes);
    add<TimerModel<TwinbedWorld>>("timers/twinbed" + end, "", Shape::kExponential, nodes);
    // The further ones search all events for the one they remove or insert: hopeless with more.
    std::vector<std::string> kinds = {"map", "map-remove", "pq", "heap", "calendar",
                                      "calendar-remove"};
    if (nodes <= 100) {
      kinds.insert(kinds.end(), {"pq-remove", "heap-remove", "list", "list-remove"});
    }
    Goal goal{"timers/twinbed" + end, {}, 5.5};
    for (const std::string& kind : kinds) {
      const std::string name = "timers/ns3-" + kind + end;
      add<TimerModel<Ns3World>>(name, kind, Shape::kExponential, nodes);
      goal.theirs.push_back(name);
    }
    add_goal(goal);
  }
}

void add_shapes() {
  const std::pair<const char*, Shape> shapes[] = {
      {"equal", Shape::kEqual},     {"tiny", Shape::kTiny}, {"bimodal", Shape::kBimodal},
      {"cluster", Shape::kCluster}, {"huge", Shape::kHuge}, {"exponential", Shape::kExponential}};
  for (const auto& [label, shape] : shapes) {
    for (const std::int64_t size : {1, 50, 1'000, 100'000}) {
      const std::string start = std::string("shape/") + label;
      const std::string end = "/" + std::to_string(size);
      add<HoldModel<TwinbedWorld>>(start + "/twinbed" + end, "", shape, size);
      add<HoldModel<HeapWorld>>(start + "/heap" + end, "", shape, size);
      add_goal({start + "/twinbed" + end, {start + "/heap" + end}, 0.4});
    }
  }
}

const bool kRegistered = (add_hold(), add_timers(), add_shapes(), true);

}  // namespace
}  // namespace twinbed::bench
