// A world of one node for unit tests of any protocol: the test calls a handler and looks at what
// the handler asked for and recorded. Nothing is carried out, except that set timers are
// remembered.
//
//   FakeContext fake;
//   fake.run([&](Context& context) { protocol.on_start(context); });
//   EXPECT_EQ(fake.count(RequestKind::kListen), 1);
//   fake.clear();
//   fake.fire_next_timer(protocol);   // goes on to that timer's deadline and calls on_timer
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "core/base/random_stream.h"
#include "core/io/request_buffer.h"

namespace twinbed::testing {

/// An event with its fields copied.
struct RecordedEvent {
  using Value = std::variant<std::int64_t, double, std::string>;
  std::string type;
  std::vector<std::pair<std::string, Value>> fields;

  /// The integer of a field, or -1 where there is none.
  std::int64_t number(std::string_view key) const {
    for (const auto& [name, value] : fields) {
      if (name == key && value.index() == 0) return std::get<std::int64_t>(value);
    }
    return -1;
  }
  /// The text of a field, or nothing.
  std::string text(std::string_view key) const {
    for (const auto& [name, value] : fields) {
      if (name == key && value.index() == 2) return std::get<std::string>(value);
    }
    return {};
  }
};

struct RecordedSample {
  std::string metric;
  double value = 0;
};

/// Keeps copies of everything that is recorded; the lines of the log also by themselves.
class FakeRecorder final : public Recorder {
 public:
  std::vector<RecordedEvent> events;
  std::vector<RecordedSample> samples;
  std::vector<std::string> lines;

  void sample(const Metric& metric, double value) override {
    samples.push_back({std::string(metric.name), value});
  }
  void event(const EventType& type, std::span<const Field> fields) override {
    RecordedEvent copy{std::string(type.name), {}};
    for (const Field& field : fields) {
      const auto* text = std::get_if<std::string_view>(&field.value);
      const auto* number = std::get_if<std::int64_t>(&field.value);
      RecordedEvent::Value value = 0.0;
      if (text != nullptr) value = std::string(*text);
      else if (number != nullptr) value = *number;
      else value = std::get<double>(field.value);
      copy.fields.emplace_back(field.key, std::move(value));
    }
    if (type.name == kLogEvent.name) lines.push_back(copy.text("line"));
    events.push_back(std::move(copy));
  }
  using Recorder::event;

  /// The events of one type, in order.
  std::vector<RecordedEvent> of(const EventType& type) const {
    std::vector<RecordedEvent> found;
    for (const RecordedEvent& event : events) {
      if (event.type == type.name) found.push_back(event);
    }
    return found;
  }
  /// The last value of a metric, or nothing.
  std::optional<double> last(std::string_view metric) const {
    std::optional<double> value;
    for (const RecordedSample& sample : samples) {
      if (sample.metric == metric) value = sample.value;
    }
    return value;
  }
  /// How many lines of the log hold this text.
  std::size_t lines_with(std::string_view text) const {
    std::size_t count = 0;
    for (const std::string& line : lines) count += line.find(text) != std::string::npos;
    return count;
  }
  void clear() {
    events.clear();
    samples.clear();
    lines.clear();
  }
};

class FakeContext {
 public:
  explicit FakeContext(std::uint32_t node = 0) : self{node}, random(1, "fake-context", node) {}

  Time now{};
  WallTime wall = wall_from_ns(1'700'000'000'000'000'000);  ///< at now == 0; advances with it
  NodeId self;
  RandomStream random;
  FakeRecorder recorder;
  RequestBuffer requests;

  /// Calls a handler with a context; its requests are added to `requests`.
  template <class Handler>
  void run(Handler&& handler) {
    const std::size_t first = requests.requests().size();
    Context context = requests.context(now, wall + to_duration(now), self, random, recorder);
    handler(context);
    for (const Request& request : requests.requests().subspan(first)) note_timer(request);
  }

  /// How many requests of a kind there are since the last clear.
  std::size_t count(RequestKind kind) const {
    std::size_t found = 0;
    for (const Request& request : requests.requests()) found += request.kind == kind;
    return found;
  }
  /// The only request of a kind since the last clear, or null if there is none or there are
  /// several.
  const Request* only(RequestKind kind) const {
    const Request* found = nullptr;
    for (const Request& request : requests.requests()) {
      if (request.kind != kind) continue;
      if (found != nullptr) return nullptr;
      found = &request;
    }
    return found;
  }
  /// Forgets requests and records, not the timers.
  void clear() {
    requests.clear();
    recorder.clear();
  }

  const std::map<TimerId, Time>& timers() const { return timers_; }
  /// The earliest timer; of several the one with the lowest id. kNever if none is set.
  std::pair<TimerId, Time> next_timer() const {
    std::pair<TimerId, Time> next{TimerId{}, kNever};
    for (const auto& [id, deadline] : timers_) {
      if (deadline < next.second) next = {id, deadline};
    }
    return next;
  }
  /// Goes on to the earliest timer's deadline and fires it; false if none is set.
  bool fire_next_timer(Protocol& protocol) {
    const auto [id, deadline] = next_timer();
    if (deadline == kNever) return false;
    now = std::max(now, deadline);
    fire(protocol, id);
    return true;
  }
  /// Fires a set timer at the present time.
  void fire(Protocol& protocol, TimerId id) {
    timers_.erase(id);
    run([&](Context& context) { protocol.on_timer(context, id); });
  }
  /// Takes a timer out, for a test that fires it itself.
  void forget_timer(TimerId id) { timers_.erase(id); }
  /// Fires everything that is due up to a time, in order, and stays there.
  void advance_to(Protocol& protocol, Time time) {
    while (next_timer().second <= time) fire_next_timer(protocol);
    now = time;
  }

 private:
  static Duration to_duration(Time time) { return time.time_since_epoch(); }

  void note_timer(const Request& request) {
    const TimerId id{request.id};
    if (request.kind == RequestKind::kTimerSet) timers_[id] = time_from_ns(request.number);
    if (request.kind == RequestKind::kTimerCancel) timers_.erase(id);
  }

  std::map<TimerId, Time> timers_;
};

}  // namespace twinbed::testing
