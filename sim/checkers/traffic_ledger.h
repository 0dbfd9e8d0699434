// What became of the datagrams that sources sent, second by second of their sending.
#pragma once

#include <map>
#include <optional>
#include <span>

#include "core/base/time.h"
#include "core/io/ids.h"
#include "core/io/recorder.h"

namespace twinbed::sim {

/// Of a stretch of time in which datagrams were sent.
struct TrafficFigures {
  std::int64_t sent = 0;
  std::int64_t received = 0;  ///< of these, without duplicates
  std::int64_t late = 0;      ///< of the received ones, those that came after the deadline
  std::int64_t duplicates = 0;  ///< further copies of the received ones, whenever they came
  Duration pause{};           ///< the longest time in which nothing new came
  Time pause_at{};            ///< the beginning of its second
  Duration delay{};           ///< the mean of those that came

  /// The share that was lost or late; 0 where nothing was sent.
  double loss() const;
};

class TrafficLedger {
 public:
  /// What is sent less than this before the end of a run may still be under way.
  static constexpr Duration kSettle = std::chrono::seconds(3);

  /// Takes rows of sources and sinks, and passes over all others; with a source, what is of others.
  void event(NodeId node, const EventType& type, std::span<const Field> fields,
             std::optional<NodeId> source = {});
  /// Of the whole seconds from `from` to `until` after the start of the run. What was under way for
  /// longer than the deadline, in whole milliseconds, is late; without one nothing is.
  TrafficFigures figures(Duration from, Duration until, Duration deadline = {}) const;

 private:
  struct Second {
    std::int64_t sent = 0;
    std::int64_t received = 0;
    std::int64_t gap_us = 0;
    std::int64_t delays_us = 0;  ///< of all that were received
    std::int64_t duplicates = 0;
    std::map<std::int64_t, std::int64_t> delays_ms;  ///< rounded up: how many
  };
  std::map<std::int64_t, Second> seconds_;
};

}  // namespace twinbed::sim
