#include "backends/event_loop.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <utility>
#include <vector>

namespace twinbed::backends {

namespace asio = boost::asio;

std::int64_t monotonic_now_ns() {
  return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

namespace {

std::chrono::steady_clock::time_point steady_at(std::int64_t monotonic_ns) {
  return std::chrono::steady_clock::time_point(
      std::chrono::duration_cast<std::chrono::steady_clock::duration>(Duration{monotonic_ns}));
}

}  // namespace

struct EventLoop::Impl {
  asio::io_context context{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
  asio::signal_set signals{context};

  void wait_for_signal(const std::function<void(int)>& callback) {
    signals.async_wait([this, callback](const boost::system::error_code& error, int number) {
      if (error) return;
      wait_for_signal(callback);
      callback(number);
    });
  }
};

EventLoop::EventLoop() : impl_(std::make_unique<Impl>()) {}
EventLoop::~EventLoop() = default;

void EventLoop::run() {
  impl_->context.restart();
  impl_->context.run();
}

bool EventLoop::run_until(const std::function<bool()>& done, Duration limit) {
  // An hour at a time, so that no limit is too large for the clock.
  constexpr std::int64_t kStepNs = 3'600'000'000'000;
  const std::int64_t start = monotonic_now_ns();
  impl_->context.restart();
  while (!done()) {
    const std::int64_t elapsed = monotonic_now_ns() - start;
    if (elapsed >= limit.count() || impl_->context.stopped()) return done();
    const std::int64_t wait = std::min(limit.count() - elapsed, kStepNs);
    impl_->context.run_one_until(steady_at(start + elapsed + wait));
  }
  return true;
}

void EventLoop::stop() { impl_->context.stop(); }

void EventLoop::post(Callback callback) { asio::post(impl_->context, std::move(callback)); }

void EventLoop::on_signals(std::initializer_list<int> signals,
                           std::function<void(int)> callback) {
  for (const int number : signals) impl_->signals.add(number);
  impl_->wait_for_signal(callback);
}

// A completion may already be queued when its alarm or watch is cancelled or destroyed. Each
// completion therefore holds the state, and does nothing unless its generation is still the present
// one.
struct Alarm::State {
  explicit State(asio::io_context& context) : timer(context) {}
  asio::steady_timer timer;
  std::uint64_t generation = 0;
  EventLoop::Callback callback;
};

Alarm::Alarm(EventLoop& loop) : state_(std::make_shared<State>(loop.impl().context)) {}
Alarm::~Alarm() { cancel(); }

void Alarm::set(std::int64_t monotonic_ns, EventLoop::Callback callback) {
  const std::uint64_t generation = ++state_->generation;
  state_->callback = std::move(callback);
  state_->timer.expires_at(steady_at(monotonic_ns));
  state_->timer.async_wait(
      [state = state_, generation](const boost::system::error_code& error) {
        if (error || state->generation != generation) return;
        const EventLoop::Callback call = std::move(state->callback);
        state->callback = nullptr;
        call();
      });
}

void Alarm::cancel() {
  ++state_->generation;
  state_->callback = nullptr;
  state_->timer.cancel();
}

struct Watch::State {
  struct Side {
    std::uint64_t generation = 0;
    bool is_waiting = false;  // an operation of Asio's is under way
    EventLoop::Callback callback;
  };

  State(asio::io_context& context, int number) : descriptor(context, number) {}
  asio::posix::stream_descriptor descriptor;
  Side read;
  Side write;
};

namespace {

/// Waits for one side of a descriptor. One operation of Asio's serves all callbacks that are set
/// while it is under way: only the last counts.
template <class State, class Side>
void wait(const std::shared_ptr<State>& state, Side State::*side_of,
          asio::posix::stream_descriptor::wait_type type, EventLoop::Callback callback) {
  Side& side = (*state).*side_of;
  side.callback = std::move(callback);
  if (side.is_waiting) return;
  side.is_waiting = true;
  const std::uint64_t generation = side.generation;
  state->descriptor.async_wait(
      type, [state, side_of, generation](const boost::system::error_code& error) {
        Side& waited = (*state).*side_of;
        if (waited.generation != generation || error == asio::error::operation_aborted) return;
        // Any other error (a regular file cannot be waited for) shows when the descriptor is used.
        waited.is_waiting = false;
        if (!waited.callback) return;
        const EventLoop::Callback call = std::move(waited.callback);
        waited.callback = nullptr;
        call();
      });
}

}  // namespace

Watch::Watch(EventLoop& loop, int descriptor)
    : state_(std::make_shared<State>(loop.impl().context, descriptor)) {}

Watch::~Watch() {
  ++state_->read.generation;
  ++state_->write.generation;
  state_->read.callback = nullptr;
  state_->write.callback = nullptr;
  state_->descriptor.release();
}

void Watch::when_readable(EventLoop::Callback callback) {
  wait(state_, &State::read, asio::posix::stream_descriptor::wait_read, std::move(callback));
}

void Watch::when_writable(EventLoop::Callback callback) {
  wait(state_, &State::write, asio::posix::stream_descriptor::wait_write, std::move(callback));
}

void Watch::ignore_readable() { state_->read.callback = nullptr; }

void LaterQueue::push(EventLoop::Callback callback) {
  callbacks_->push_back(std::move(callback));
  if (callbacks_->size() == 1) post_step(loop_, callbacks_);
}

void LaterQueue::post_step(EventLoop& loop, const std::shared_ptr<Callbacks>& callbacks) {
  loop.post([&loop, weak = std::weak_ptr<Callbacks>(callbacks)] {
    const std::shared_ptr<Callbacks> queue = weak.lock();
    if (queue == nullptr) return;
    const EventLoop::Callback call = std::move(queue->front());
    queue->pop_front();
    if (!queue->empty()) post_step(loop, queue);
    call();
  });
}

}  // namespace twinbed::backends
