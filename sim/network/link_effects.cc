#include "sim/network/link_effects.h"

#include <algorithm>

#include "core/base/check.h"

namespace twinbed::sim {
namespace {

__extension__ typedef unsigned __int128 Uint128;

// Sending is counted in ns * bit/s, so that dividing by the speed gives nanoseconds. This is a
// byte.
constexpr std::uint64_t kByteWork = 8'000'000'000;
constexpr std::size_t kMaxPacketBytes = std::size_t{1} << 26;
constexpr Duration kMaxBacklog = std::chrono::hours{10 * 365 * 24};

bool is_probability(double value) { return value >= 0.0 && value <= 1.0; }

bool is_link_time(Duration value) { return value >= Duration{} && value <= kMaxLinkDelay; }

/// The nearest nanosecond. Far beyond any useful jitter it stops, so that sums cannot overflow.
Duration round_to_ns(double value_ns) {
  constexpr double kLimitNs = 4e17;
  const double clamped = std::clamp(value_ns, -kLimitNs, kLimitNs);
  return Duration{static_cast<std::int64_t>(clamped + (clamped < 0.0 ? -0.5 : 0.5))};
}

double either(double a, double b) {
  // The exact operand where the other is zero: 1 - (1 - a) may differ from a in the last bit.
  if (a == 0.0) return b;
  if (b == 0.0) return a;
  return 1.0 - (1.0 - a) * (1.0 - b);
}

std::uint64_t smaller_limit(std::uint64_t a, std::uint64_t b) {
  if (a == 0 || b == 0) return std::max(a, b);
  return std::min(a, b);
}

bool has_jitter(const LinkParams& params) {
  if (params.distribution == JitterDistribution::kTable) return !params.jitter_table.empty();
  return params.jitter > Duration{};
}

/// A step of a trace as the link that it makes of a perfect one.
LinkParams link_of(const TraceStep& step) {
  LinkParams params;
  params.loss = step.loss;
  params.delay = step.delay;
  params.bandwidth_bps = step.bandwidth_bps;
  return params;
}

std::optional<Error> check_trace(const LinkTrace& trace) {
  Duration last{-1};
  for (const TraceStep& step : trace.steps()) {
    if (const auto error = check_link_params(link_of(step))) return error;
    if (step.at <= last) {
      return Error{"the steps of a link's trace must be in the order of their times, from 0 s on; "
                   "the one at " + format_duration(step.at) + " is not"};
    }
    last = step.at;
  }
  if (!trace.repeat() || *trace.repeat() > std::max(last, Duration{})) return std::nullopt;
  return Error{"a link's trace cannot repeat after " + format_duration(*trace.repeat()) +
               ", its last step comes at " + format_duration(last)};
}

}  // namespace

std::optional<Error> check_link_params(const LinkParams& params) {
  const struct { std::string_view name; double value; } probabilities[] = {
      {"loss", params.loss}, {"duplicate", params.duplicate},
      {"corrupt", params.corrupt}, {"reorder", params.reorder},
      {"bursts.good_to_bad", params.bursts.good_to_bad},
      {"bursts.bad_to_good", params.bursts.bad_to_good},
      {"bursts.loss_good", params.bursts.loss_good},
      {"bursts.loss_bad", params.bursts.loss_bad}};
  for (const auto& [name, value] : probabilities) {
    if (is_probability(value)) continue;
    return Error{"the link's " + std::string(name) + " must be a probability from 0 to 1, not " +
                 std::to_string(value)};
  }
  const struct { std::string_view name; Duration value; } times[] = {
      {"delay", params.delay}, {"jitter", params.jitter}, {"reorder_delay", params.reorder_delay}};
  for (const auto& [name, value] : times) {
    if (is_link_time(value)) continue;
    return Error{"the link's " + std::string(name) + " must lie between 0 s and one year, not " +
                 format_duration(value)};
  }
  for (const Duration entry : params.jitter_table) {
    if (entry >= -kMaxLinkDelay && entry <= kMaxLinkDelay) continue;
    return Error{"an entry of the link's jitter_table must be at most one year, not " +
                 format_duration(entry)};
  }
  if (params.bandwidth_bps > kMaxBandwidthBps) {
    return Error{"the link's bandwidth of " + std::to_string(params.bandwidth_bps) +
                 " bit/s is above the limit of 10^15 bit/s; leave it out for an unlimited one"};
  }
  if (params.distribution == JitterDistribution::kTable && params.jitter_table.empty()) {
    return Error{"the link's jitter is drawn from a table, but its jitter_table is empty"};
  }
  for (const LinkTrace& trace : params.traces) {
    if (const auto error = check_trace(trace)) return error;
  }
  return std::nullopt;
}

LinkParams combine(const LinkParams& base, const LinkParams& fault) {
  LinkParams result = base;
  result.delay += fault.delay;
  result.jitter += fault.jitter;
  if (has_jitter(fault)) {
    result.distribution = fault.distribution;
    result.jitter_table = fault.jitter_table;
  }
  result.bandwidth_bps = smaller_limit(base.bandwidth_bps, fault.bandwidth_bps);
  result.queue_bytes = smaller_limit(base.queue_bytes, fault.queue_bytes);
  result.loss = either(base.loss, fault.loss);
  if (fault.bursts.good_to_bad > 0.0) result.bursts = fault.bursts;
  result.duplicate = either(base.duplicate, fault.duplicate);
  result.corrupt = either(base.corrupt, fault.corrupt);
  result.reorder = either(base.reorder, fault.reorder);
  result.reorder_delay = std::max(base.reorder_delay, fault.reorder_delay);
  result.traces.insert(result.traces.end(), fault.traces.begin(), fault.traces.end());
  return result;
}

bool BurstLossEffect::loses(Random& random) {
  if (params_.good_to_bad <= 0.0) return false;
  if (random.chance(bad_ ? params_.bad_to_good : params_.good_to_bad)) bad_ = !bad_;
  return random.chance(bad_ ? params_.loss_bad : params_.loss_good);
}

void BurstLossEffect::set_params(const GilbertElliott& params) {
  params_ = params;
  if (params_.good_to_bad <= 0.0) bad_ = false;
}

std::int64_t CorruptEffect::bit_to_flip(std::size_t size_bytes, Random& random) {
  if (size_bytes == 0 || !random.chance(probability_)) return -1;
  return static_cast<std::int64_t>(random.below(size_bytes * 8));
}

DelayEffect::DelayEffect(const LinkParams& params)
    : delay_(params.delay),
      jitter_(params.jitter),
      distribution_(params.distribution),
      table_(params.jitter_table) {}

Duration DelayEffect::delay(Random& random) {
  constexpr double kParetoShape = 3.0;
  Duration extra{};
  if (distribution_ == JitterDistribution::kTable) {
    if (!table_.empty()) extra = table_[random.below(table_.size())];
  } else if (jitter_ > Duration{}) {
    const auto spread_ns = static_cast<double>(to_ns(jitter_));
    switch (distribution_) {
      case JitterDistribution::kUniform: extra = random.between(-jitter_, jitter_); break;
      case JitterDistribution::kNormal: extra = round_to_ns(spread_ns * random.normal()); break;
      case JitterDistribution::kPareto:
        extra = round_to_ns(spread_ns * (random.pareto(kParetoShape) - 1.0));
        break;
      case JitterDistribution::kTable: break;
    }
  }
  return std::max(delay_ + extra, Duration{});
}

BandwidthEffect::BandwidthEffect(std::uint64_t bandwidth_bps, std::uint64_t queue_bytes)
    : bandwidth_bps_(std::min(bandwidth_bps, kMaxBandwidthBps)),
      queue_bytes_(queue_bytes),
      next_bandwidth_bps_(bandwidth_bps_) {}

void BandwidthEffect::set_params(std::uint64_t bandwidth_bps, std::uint64_t queue_bytes) {
  queue_bytes_ = queue_bytes;
  next_bandwidth_bps_ = std::min(bandwidth_bps, kMaxBandwidthBps);
  if (bandwidth_bps_ == 0 || next_bandwidth_bps_ == 0) {
    // An unlimited link has no backlog to carry over.
    bandwidth_bps_ = next_bandwidth_bps_;
    busy_until_ = Time{};
    fraction_ = 0;
  }
}

void BandwidthEffect::change_speed(Time now) {
  const Duration backlog = std::max(busy_until_ - now, Duration{});
  const Uint128 work = static_cast<Uint128>(to_ns(backlog)) * bandwidth_bps_;
  const Uint128 limit = static_cast<Uint128>(to_ns(kMaxBacklog));
  const auto remaining_ns = static_cast<std::int64_t>(std::min(work / next_bandwidth_bps_, limit));
  busy_until_ = now + Duration{remaining_ns};
  fraction_ = 0;
  bandwidth_bps_ = next_bandwidth_bps_;
}

bool BandwidthEffect::has_room(Duration backlog, std::uint64_t work) const {
  if (backlog >= kMaxBacklog) return false;
  if (queue_bytes_ == 0) return true;
  const Uint128 unsent = static_cast<Uint128>(to_ns(backlog)) * bandwidth_bps_ + fraction_;
  return unsent + work <= static_cast<Uint128>(queue_bytes_) * kByteWork;
}

std::optional<Duration> BandwidthEffect::pass(Time now, std::size_t size_bytes) {
  if (bandwidth_bps_ == 0) return Duration{};
  TWINBED_CHECK(size_bytes < kMaxPacketBytes, "a packet of 64 MiB or more entered a link");
  if (next_bandwidth_bps_ != bandwidth_bps_) change_speed(now);
  const std::uint64_t work = size_bytes * kByteWork;
  if (busy_until_ < now) {
    busy_until_ = now;
    fraction_ = 0;
  } else if (busy_until_ > now && !has_room(busy_until_ - now, work)) {
    return std::nullopt;
  }
  const std::uint64_t total = work + fraction_;
  busy_until_ += Duration{static_cast<std::int64_t>(total / bandwidth_bps_)};
  fraction_ = total % bandwidth_bps_;
  return busy_until_ - now;
}

std::string_view to_string(DropReason reason) {
  switch (reason) {
    case DropReason::kNone: return "none";
    case DropReason::kLoss: return "loss";
    case DropReason::kBurst: return "burst";
    case DropReason::kQueue: return "queue";
  }
  return "unknown";
}

LinkDirection::LinkDirection(const LinkParams& params)
    : bandwidth_(params.bandwidth_bps, params.queue_bytes),
      bursts_(params.bursts),
      loss_(params.loss),
      corrupt_(params.corrupt),
      duplicate_(params.duplicate),
      delay_(params),
      reorder_(params.reorder, params.reorder_delay) {
  set_params(params);
}

void LinkDirection::set_params(const LinkParams& params) {
  traced_ = params.traces.empty() ? nullptr : std::make_shared<const LinkParams>(params);
  step_until_ = traced_ ? Time::min() : kNever;
  apply(params);
}

/// Sets all effects to what the traces' present steps make of the parameters.
void LinkDirection::follow_traces(Time now) {
  LinkParams present = *traced_;
  step_until_ = kNever;
  for (const LinkTrace& trace : traced_->traces) {
    const LinkTrace::Now step = trace.at(now);
    step_until_ = std::min(step_until_, step.until);
    present = combine(present, link_of(step.step));
  }
  apply(present);
}

void LinkDirection::apply(const LinkParams& params) {
  bandwidth_bps_ = std::min(params.bandwidth_bps, kMaxBandwidthBps);
  bandwidth_.set_params(params.bandwidth_bps, params.queue_bytes);
  bursts_.set_params(params.bursts);
  loss_ = LossEffect(params.loss);
  corrupt_ = CorruptEffect(params.corrupt);
  duplicate_ = DuplicateEffect(params.duplicate);
  delay_ = DelayEffect(params);
  reorder_ = ReorderEffect(params.reorder, params.reorder_delay);
  steady_ = params.loss <= 0.0 && params.bursts.good_to_bad <= 0.0 && params.corrupt <= 0.0 &&
            params.duplicate <= 0.0 && params.reorder <= 0.0 && !has_jitter(params) && !traced_;
  plain_ = steady_ && params.bandwidth_bps == 0;
  plain_delay_ = std::max(params.delay, Duration{});
}

Fate LinkDirection::pass_steady(Time now, std::size_t size_bytes) {
  const std::optional<Duration> sent = bandwidth_.pass(now, size_bytes);
  if (!sent) return {0, {}, -1, DropReason::kQueue};
  return {1, {*sent + plain_delay_, {}}, -1, DropReason::kNone};
}

Fate LinkDirection::pass_effects(Time now, std::size_t size_bytes, Random& random) {
  if (now >= step_until_) follow_traces(now);
  Fate fate;
  const std::optional<Duration> sent = bandwidth_.pass(now, size_bytes);
  if (!sent) return {0, {}, -1, DropReason::kQueue};
  if (bursts_.loses(random)) return {0, {}, -1, DropReason::kBurst};
  if (loss_.loses(random)) return {0, {}, -1, DropReason::kLoss};
  fate.corrupt_bit = corrupt_.bit_to_flip(size_bytes, random);
  fate.copies = duplicate_.duplicates(random) ? 2 : 1;
  for (std::uint32_t copy = 0; copy < fate.copies; ++copy) {
    fate.after[copy] = *sent + delay_.delay(random) + reorder_.extra_delay(random);
  }
  return fate;
}

}  // namespace twinbed::sim
