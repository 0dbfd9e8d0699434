#include "sim/medium/channel_access.h"

#include <algorithm>

namespace twinbed::sim {
namespace {

// Table 17-21 for the OFDM PHY; below 3 GHz SIFS is that of table 18-5, with the short slot.
constexpr Duration kSlot = std::chrono::microseconds(9);
/// Within it a card cannot know yet that another one has begun to send (aCCATime).
constexpr Duration kSensingTime = std::chrono::microseconds(4);

Duration difs(ChannelMhz channel) {
  const bool is_low_band = static_cast<int>(channel) < 3000;
  return std::chrono::microseconds(is_low_band ? 10 : 16) + 2 * kSlot;
}

}  // namespace

Duration ChannelAccess::longest_wait(std::uint32_t window, ChannelMhz channel) {
  return difs(channel) + kSlot * window;
}

/// Silence counts whether or not something waits.
void ChannelAccess::count_slots(Time now) {
  if (now <= counts_from_) return;
  const auto passed = static_cast<std::uint64_t>((now - counts_from_) / kSlot);
  const auto counted = static_cast<std::uint32_t>(std::min<std::uint64_t>(passed, slots_));
  slots_ -= counted;
  counts_from_ += kSlot * counted;
}

void ChannelAccess::count_down(Time now, ChannelMhz channel) {
  counts_from_ = std::max(counts_from_, busy_until_ + difs(channel));
  count_slots(now);
  if (slots_ == 0 && now < counts_from_) draw_slots();
  access_at_ = std::max(now, counts_from_ + kSlot * slots_);
}

bool ChannelAccess::put_off(Time now, Time until, ChannelMhz channel) {
  if (is_waiting_ && access_at_ <= now + kSensingTime) {
    busy_until_ = std::max(busy_until_, until);
    return false;
  }
  count_slots(now);
  busy_until_ = std::max(busy_until_, until);
  counts_from_ = busy_until_ + difs(channel);
  if (!is_waiting_) return false;
  access_at_ = counts_from_ + kSlot * slots_;
  return true;
}

void ChannelAccess::draw_slots() {
  slots_ = static_cast<std::uint32_t>(random_.below(std::uint64_t{window_} + 1));
}

}  // namespace twinbed::sim
