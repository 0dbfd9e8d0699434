// The event loop of a live process: callbacks at instants, on descriptors and on signals.
//
// A thin cover over Boost.Asio, so that only one file of the project compiles Asio. Everything runs
// on the one thread that calls run(); post() alone may be called from another. Several live hosts
// may share a loop.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <initializer_list>
#include <memory>

#include "core/base/time.h"

namespace twinbed::backends {

/// Nanoseconds of CLOCK_MONOTONIC, the time base of alarms and of the common start of a run.
std::int64_t monotonic_now_ns();

class EventLoop {
 public:
  using Callback = std::function<void()>;

  EventLoop();
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Runs callbacks until stop(); having nothing to do does not end it.
  void run();
  /// Runs callbacks until `done` returns true, which is asked before the first and after every
  /// callback, or until `limit` has passed; returns what `done` said last.
  bool run_until(const std::function<bool()>& done, Duration limit);
  /// Makes run() return after the present callback.
  void stop();
  /// Runs the callback in the loop, after those that are already waiting. From any thread.
  void post(Callback callback);
  /// Calls back with the number of each of these signals that arrives; replaces their default
  /// action.
  void on_signals(std::initializer_list<int> signals, std::function<void(int)> callback);

  struct Impl;
  Impl& impl() { return *impl_; }

 private:
  std::unique_ptr<Impl> impl_;
};

/// A callback at an instant. Setting it again replaces it; destroying it forgets it.
class Alarm {
 public:
  explicit Alarm(EventLoop& loop);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  /// Calls back once, at this instant of CLOCK_MONOTONIC or soon after; an instant that has passed
  /// means in the next turn of the loop.
  void set(std::int64_t monotonic_ns, EventLoop::Callback callback);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Waits until a descriptor can be read or written. It does not own the descriptor, and must be
/// destroyed before the descriptor is closed.
class Watch {
 public:
  Watch(EventLoop& loop, int descriptor);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Calls back once when there is something to read, an end or an error; ask again for the next. A
  /// descriptor that cannot be waited for, such as a regular file, counts as always ready.
  void when_readable(EventLoop::Callback callback);
  /// Calls back once when there is room to write, or an error; ask again for the next.
  void when_writable(EventLoop::Callback callback);
  /// Forgets a callback that when_readable was given.
  void ignore_readable();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Callbacks in the order in which they were pushed, each in a turn of the loop of its own. What is
/// left when the queue is destroyed is forgotten, so that callbacks may refer to the queue's owner.
class LaterQueue {
 public:
  explicit LaterQueue(EventLoop& loop)
      : loop_(loop), callbacks_(std::make_shared<std::deque<EventLoop::Callback>>()) {}

  void push(EventLoop::Callback callback);

 private:
  using Callbacks = std::deque<EventLoop::Callback>;
  static void post_step(EventLoop& loop, const std::shared_ptr<Callbacks>& callbacks);

  EventLoop& loop_;
  std::shared_ptr<Callbacks> callbacks_;
};

}  // namespace twinbed::backends
