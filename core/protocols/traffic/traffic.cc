#include "core/protocols/traffic/traffic.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "core/wire/reader.h"
#include "core/wire/writer.h"

namespace twinbed::traffic {
namespace {

constexpr TimerId kTimer{0};
constexpr SocketId kSocket{0};
constexpr std::int64_t kSecondNs = 1'000'000'000;
/// After the end of a second so long is waited for its datagrams.
constexpr std::int64_t kLateSeconds = 2;
/// More in one second than any link carries; a number further on is no number of ours.
constexpr std::uint64_t kMostInSecond = 1'000'000;
constexpr std::size_t kMostSources = 64;
/// Of seconds that are recorded so many numbers are remembered, 2 MiB: hours of any video.
constexpr std::size_t kMostPastNumbers = 1 << 24;

std::int64_t second_of(std::int64_t ns) { return ns / kSecondNs; }
Time begin_of(std::int64_t second) { return Time{std::chrono::seconds(second)}; }

std::string text_of(const std::map<std::int64_t, std::int64_t>& delays) {
  std::string text;
  for (const auto& [ms, count] : delays) {
    if (!text.empty()) text += ' ';
    text += std::to_string(ms) + ':' + std::to_string(count);
  }
  return text;
}

}  // namespace

Source::Source(const SourceOptions& options) : options_(options), datagram_(options.bytes) {
  TWINBED_CHECK(options.bytes >= kHeaderBytes && options.interval > Duration{},
                "datagrams of traffic hold their number and time, and have a positive interval");
}

void Source::on_start(Context& context) {
  context.datagrams.bind(kSocket, options_.local);
  next_ = std::max(context.now, Time{options_.start});
  second_ = second_of(to_ns(next_));
  context.timers.set(kTimer, next_);
}

void Source::on_timer(Context& context, TimerId) {
  const std::int64_t second = second_of(to_ns(context.now));
  if (second > second_) end_second(context, second);
  const bool is_over = options_.lasts > Duration{} &&
                       next_ >= Time{options_.start + options_.lasts};
  if (is_over) return;
  send(context);
  next_ = std::max(next_ + options_.interval, context.now);
  context.timers.set(kTimer, next_);
}

void Source::end_second(Context& context, std::int64_t second) {
  context.recorder.event(kTrafficSentEvent, {{"second", second_}, {"count", in_second_}});
  second_ = second;
  in_second_ = 0;
}

void Source::send(Context& context) {
  Buffer header;
  Writer writer(header);
  writer.u32be(static_cast<std::uint32_t>(context.self));
  writer.u64be(sent_++);
  writer.u64be(static_cast<std::uint64_t>(to_ns(context.now)));
  std::copy(header.begin(), header.end(), datagram_.begin());
  ++in_second_;
  context.datagrams.send(kSocket, options_.peer, datagram_);
}

Numbers::Arrival Numbers::add(std::uint64_t number) {
  if (has_come_.empty()) first_ = number;
  if (number < first_) {
    if (first_ - number > kMostInSecond) return Arrival::kStrange;
    has_come_.insert(has_come_.begin(), first_ - number, false);
    first_ = number;
  }
  const std::uint64_t place = number - first_;
  if (place > kMostInSecond) return Arrival::kStrange;
  if (place >= has_come_.size()) has_come_.resize(place + 1);
  if (has_come_[place]) return Arrival::kCopy;
  has_come_[place] = true;
  return Arrival::kFirst;
}

void Sink::on_start(Context& context) {
  context.datagrams.bind(kSocket, local_);
  recorded_ = second_of(to_ns(context.now)) - 1;
  context.timers.set(kTimer, begin_of(recorded_ + 2 + kLateSeconds));
}

void Sink::on_datagram(Context& context, const Datagram& datagram) {
  Reader reader(datagram.payload);
  const std::uint32_t source = reader.u32be();
  const std::uint64_t number = reader.u64be();
  const auto sent_ns = static_cast<std::int64_t>(reader.u64be());
  if (!reader.ok() || sent_ns < 0 || sent_ns > to_ns(context.now) + kSecondNs) return;
  if (second_of(sent_ns) <= recorded_) return count_late({second_of(sent_ns), source}, number);
  if (!sources_.contains(source) && sources_.size() == kMostSources) return;
  FromSource& from = sources_[source];
  Second& second = from.seconds[second_of(sent_ns)];
  const std::int64_t before = second.count;
  count(second, number, context.now - time_from_ns(sent_ns),
        context.now - from.last_new.value_or(context.now));
  if (second.count > before) from.last_new = context.now;
}

void Sink::count(Second& second, std::uint64_t number, Duration latency, Duration gap) {
  const Numbers::Arrival arrival = second.numbers.add(number);
  if (arrival == Numbers::Arrival::kCopy) ++second.duplicates;
  if (arrival != Numbers::Arrival::kFirst) return;
  ++second.count;
  const std::int64_t latency_us = to_ns(latency) / 1000;
  second.latency_sum_us += latency_us;
  second.latency_max_us = std::max(second.latency_max_us, latency_us);
  second.gap_us = std::max(second.gap_us, to_ns(gap) / 1000);
  ++second.delays[(std::max<std::int64_t>(to_ns(latency), 0) + 999'999) / 1'000'000];
}

/// What comes so late for the first time counts as lost.
void Sink::count_late(const SecondOfSource& which, std::uint64_t number) {
  const auto past = past_.find(which);
  if (past == past_.end()) return;
  const std::size_t before = past->second.span();
  if (past->second.add(number) == Numbers::Arrival::kCopy) ++repeated_[which];
  past_numbers_ += past->second.span() - before;
  forget_oldest();
}

void Sink::remember(const SecondOfSource& which, Numbers&& numbers) {
  if (numbers.span() == 0) return;
  past_numbers_ += numbers.span();
  past_.emplace(which, std::move(numbers));
  forget_oldest();
}

void Sink::forget_oldest() {
  while (past_numbers_ > kMostPastNumbers) {
    past_numbers_ -= past_.begin()->second.span();
    past_.erase(past_.begin());
  }
}

void Sink::on_timer(Context& context, TimerId) {
  const std::int64_t last = second_of(to_ns(context.now)) - 1 - kLateSeconds;
  for (std::int64_t number = recorded_ + 1; number <= last; ++number) {
    for (auto& [source, from] : sources_) {
      Second& second = from.seconds[number];
      record(context, source, number, second);
      remember({number, source}, std::move(second.numbers));
      from.seconds.erase(number);
    }
  }
  record_repeated(context);
  recorded_ = std::max(recorded_, last);
  context.timers.set(kTimer, begin_of(recorded_ + 2 + kLateSeconds));
}

void Sink::record(Context& context, std::uint32_t source, std::int64_t number,
                  const Second& second) {
  const std::int64_t latency_us = second.count == 0 ? 0 : second.latency_sum_us / second.count;
  const std::string delays = text_of(second.delays);
  context.recorder.event(kTrafficReceivedEvent, {{"source", std::int64_t{source}},
                                          {"second", number},
                                          {"count", second.count},
                                          {"duplicates", second.duplicates},
                                          {"latency_us", latency_us},
                                          {"latency_max_us", second.latency_max_us},
                                          {"gap_us", second.gap_us},
                                          {"delays_ms", std::string_view(delays)}});
  if (second.count == 0) return;
  const auto numbers = static_cast<double>(second.numbers.span());
  context.recorder.sample(kLoss, 1.0 - static_cast<double>(second.count) / numbers);
  context.recorder.sample(kLatency, static_cast<double>(latency_us) / 1e6);
}

void Sink::record_repeated(Context& context) {
  for (const auto& [which, count] : repeated_) {
    context.recorder.event(kTrafficRepeatedEvent, {{"source", std::int64_t{which.second}},
                                                   {"second", which.first},
                                                   {"count", count}});
  }
  repeated_.clear();
}

}  // namespace twinbed::traffic
