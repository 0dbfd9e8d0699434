#include "backends/testbed/link_shaper.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace twinbed::backends {
namespace {

constexpr std::size_t kSegmentBytes = 1460;
constexpr Duration kMinTimeout = std::chrono::milliseconds(200);
constexpr Duration kMaxTimeout = std::chrono::seconds(120);
constexpr std::uint32_t kMaxRetries = 15;

Duration doubled(Duration timeout) { return std::min(2 * timeout, kMaxTimeout); }

}  // namespace

void PeerPath::set_link(const sim::LinkParams& params) {
  if (params == sim::LinkParams{}) {
    link_.reset();
  } else if (link_) {
    link_->set_params(params);
  } else {
    link_.emplace(params);
  }
}

PeerPath::Arrival PeerPath::pass(Time now, std::size_t wire_bytes) {
  if (!link_) return {1, {now, now}, -1};
  // The link wants its packets in order of time; a retransmission that is late must not break that.
  last_entry_ = std::max(last_entry_, now);
  const sim::Fate fate = link_->pass(last_entry_, wire_bytes, *random_);
  return {fate.copies,
          {last_entry_ + fate.after[0], last_entry_ + fate.after[1]},
          fate.corrupt_bit};
}

Duration PeerPath::sending_time(Time at, std::size_t wire_bytes) {
  if (!link_) return Duration{};
  last_entry_ = std::max(last_entry_, at);
  const std::uint64_t bandwidth_bps = link_->bandwidth_bps(last_entry_);
  if (bandwidth_bps == 0) return Duration{};
  return Duration{static_cast<std::int64_t>(wire_bytes * 8'000'000'000ULL / bandwidth_bps)};
}

bool DatagramDelay::take_due(Time now, DelayedDatagram& out) {
  if (next_due() > now || waiting_.empty()) return false;
  out = std::move(waiting_.begin()->second);
  waiting_.erase(waiting_.begin());
  return true;
}

std::size_t DatagramDelay::drop(NodeId peer) {
  return std::erase_if(waiting_, [peer](const auto& entry) { return entry.second.peer == peer; });
}

void StreamShaper::write(Time now, Bytes data) {
  if (!has_unsent()) next_offer_ = std::max(next_offer_, now);
  bytes_.insert(bytes_.end(), data.begin(), data.end());
  unsent_ += data.size();
}

void StreamShaper::finish(Time now) {
  if (!has_unsent()) next_offer_ = std::max(next_offer_, now);
  is_finishing_ = true;
}

void StreamShaper::cut(Bytes not_taken) {
  forget_attempts();
  bytes_.insert(bytes_.begin() + static_cast<std::ptrdiff_t>(bytes_at_), not_taken.begin(),
                not_taken.end());
  unsent_ += not_taken.size();
}

/// All segments count as unsent again.
void StreamShaper::forget_attempts() {
  for (const Segment& segment : segments_) {
    unsent_ += segment.size;
    if (segment.size == 0) is_fin_sent_ = false;
  }
  first_number_ += segments_.size();
  segments_.clear();
  retries_.clear();
}

bool StreamShaper::empty() const {
  return segments_.empty() && unsent_ == 0 && (!is_finishing_ || has_ended_);
}

std::optional<Duration> StreamShaper::advance(Time now, PeerPath& path, Buffer& out) {
  if (!has_given_up_ && wait_out_stall(now, path)) offer(now, path);
  return release(now, out);
}

void StreamShaper::begin_stall(Time now) {
  is_stalled_ = true;
  stall_until_ = now + kMinTimeout;
  stall_timeout_ = doubled(kMinTimeout);
  stall_retries_ = 0;
}

/// True when segments may be offered.
bool StreamShaper::wait_out_stall(Time now, const PeerPath& path) {
  while (is_stalled_ && now >= stall_until_) {
    if (!path.is_blocked_out()) {
      is_stalled_ = false;
      next_offer_ = std::max(next_offer_, now);
    } else if (++stall_retries_ == kMaxRetries) {
      has_given_up_ = true;
      return false;
    } else {
      stall_until_ += stall_timeout_;
      stall_timeout_ = doubled(stall_timeout_);
    }
  }
  return !is_stalled_;
}

void StreamShaper::offer(Time now, PeerPath& path) {
  while (!has_given_up_) {
    const bool has_retry = !retries_.empty() && retries_.begin()->first <= now;
    const bool has_next = has_unsent() && next_offer_ <= now;
    if (!has_retry && !has_next) return;
    if (path.is_blocked_out()) {
      forget_attempts();
      begin_stall(now);
      return;
    }
    if (has_retry) {
      const auto [at, number] = *retries_.begin();
      retries_.erase(retries_.begin());
      attempt(number, at, path);
    } else {
      offer_next(path);
    }
  }
}

void StreamShaper::offer_next(PeerPath& path) {
  Segment segment;
  segment.size = std::min(unsent_, kSegmentBytes);
  segment.timeout = kMinTimeout;
  if (segment.size == 0) is_fin_sent_ = true;
  unsent_ -= segment.size;
  segments_.push_back(segment);
  const Time at = next_offer_;
  next_offer_ += path.sending_time(at, segment.size + sim::kTcpOverheadBytes);
  attempt(first_number_ + segments_.size() - 1, at, path);
}

void StreamShaper::attempt(std::uint64_t number, Time at, PeerPath& path) {
  Segment& segment = segments_[number - first_number_];
  const PeerPath::Arrival arrival = path.pass(at, segment.size + sim::kTcpOverheadBytes);
  segment.is_lost = arrival.copies == 0 || arrival.corrupt_bit >= 0;
  if (!segment.is_lost) {
    segment.due = arrival.at[0];
    if (arrival.copies > 1) segment.due = std::min(segment.due, arrival.at[1]);
    return;
  }
  if (++segment.retries > kMaxRetries) {
    has_given_up_ = true;
    return;
  }
  retries_.emplace(at + segment.timeout, number);
  segment.timeout = doubled(segment.timeout);
}

std::optional<Duration> StreamShaper::release(Time now, Buffer& out) {
  std::optional<Duration> late;
  while (!segments_.empty() && !segments_.front().is_lost && segments_.front().due <= now) {
    const Segment& segment = segments_.front();
    if (!late) late = now - segment.due;
    const auto from = bytes_.begin() + static_cast<std::ptrdiff_t>(bytes_at_);
    out.insert(out.end(), from, from + static_cast<std::ptrdiff_t>(segment.size));
    bytes_at_ += segment.size;
    has_ended_ = has_ended_ || segment.size == 0;
    segments_.pop_front();
    ++first_number_;
  }
  if (bytes_at_ > 0 && bytes_at_ * 2 >= bytes_.size()) {
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(bytes_at_));
    bytes_at_ = 0;
  }
  return late;
}

Time StreamShaper::next_wake() const {
  if (has_given_up_) return kNever;
  Time wake = kNever;
  if (!segments_.empty() && !segments_.front().is_lost) wake = segments_.front().due;
  if (is_stalled_) return has_unsent() ? std::min(wake, stall_until_) : wake;
  if (!retries_.empty()) wake = std::min(wake, retries_.begin()->first);
  if (has_unsent()) wake = std::min(wake, next_offer_);
  return wake;
}

}  // namespace twinbed::backends
