// Traffic: datagrams at a constant rate, and what arrives of them. What a camera and a screen are
// to a radio link.
//
//   source ── node (4) | number (8) | time (8) | filler ──► whatever lies between ──► sink
//
// Both record once a second, by the second in which datagrams were sent, so that the loss of each
// second is exact however long they were under way. The time is that of the source's own clock,
// counted from the start of the run.
//
// Which datagrams have come is remembered beyond that, so that copies are known however late they
// come: somebody may have recorded them on the way.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "core/io/protocol.h"
#include "core/io/traffic_events.h"

namespace twinbed::traffic {

/// What a datagram begins with: the source's node, its number, and when it was sent.
inline constexpr std::size_t kHeaderBytes = 20;

inline constexpr Metric kLoss{"traffic.loss", "1", "share of the second's numbers that never came"};
inline constexpr Metric kLatency{"traffic.latency", "s", "mean time under way"};

struct SourceOptions {
  Endpoint local{};
  Endpoint peer{};
  Duration interval = std::chrono::milliseconds(2);
  std::size_t bytes = 1000;  ///< of each datagram, at least kHeaderBytes
  Duration start{};          ///< of the first one, from the start of the run
  Duration lasts{};          ///< 0: for ever
};

class Source final : public Protocol {
 public:
  explicit Source(const SourceOptions& options);

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;

 private:
  void send(Context& context);
  void end_second(Context& context, std::int64_t second);

  SourceOptions options_;
  Buffer datagram_;
  std::uint64_t sent_ = 0;
  std::int64_t second_ = 0;
  std::int64_t in_second_ = 0;
  Time next_{};
};

/// Which of a second's datagrams have come.
class Numbers {
 public:
  enum class Arrival : std::uint8_t {
    kFirst,
    kCopy,
    kStrange,  ///< too far from the others to be of the same second
  };
  Arrival add(std::uint64_t number);
  /// How many there are from the lowest to the highest.
  std::size_t span() const { return has_come_.size(); }

 private:
  std::uint64_t first_ = 0;
  std::vector<bool> has_come_;
};

class Sink final : public Protocol {
 public:
  explicit Sink(Endpoint local) : local_(local) {}

  void on_start(Context& context) override;
  void on_timer(Context& context, TimerId id) override;
  void on_datagram(Context& context, const Datagram& datagram) override;

 private:
  /// Of the datagrams that were sent in one second.
  struct Second {
    Numbers numbers;
    std::int64_t count = 0;
    std::int64_t duplicates = 0;
    std::int64_t latency_sum_us = 0;
    std::int64_t latency_max_us = 0;
    std::int64_t gap_us = 0;
    std::map<std::int64_t, std::int64_t> delays;  ///< milliseconds, rounded up: how many
  };

  struct FromSource {
    std::map<std::int64_t, Second> seconds;  ///< that are not recorded yet
    std::optional<Time> last_new;
  };
  using SecondOfSource = std::pair<std::int64_t, std::uint32_t>;  ///< by time, then by source

  static void count(Second& second, std::uint64_t number, Duration latency, Duration gap);
  void count_late(const SecondOfSource& which, std::uint64_t number);
  void record(Context& context, std::uint32_t source, std::int64_t number, const Second& second);
  void record_repeated(Context& context);
  void remember(const SecondOfSource& which, Numbers&& numbers);
  void forget_oldest();

  Endpoint local_;
  std::map<std::uint32_t, FromSource> sources_;
  std::int64_t recorded_ = -1;  ///< the last second that is
  std::map<SecondOfSource, Numbers> past_;  ///< of seconds that are recorded
  std::size_t past_numbers_ = 0;            ///< the sum of their spans
  std::map<SecondOfSource, std::int64_t> repeated_;  ///< copies that are not recorded yet
};

}  // namespace twinbed::traffic
