// When a card may send: the distributed coordination function of 802.11 for frames that nobody
// acknowledges (IEEE 802.11-2020, section 10.3.4).
//
//   silence for DIFS ──────────────► sends at once
//   the medium was busy, or the card ──► DIFS, then a number of slots; a frame of others stops the
//   has just sent                        count, which goes on after it and another DIFS
//
// This is the clockwork of one card alone: it is told what the card hears, and says when.
#pragma once

#include <algorithm>
#include <cstdint>

#include "core/base/random_stream.h"
#include "core/base/time.h"
#include "core/io/radio.h"

namespace twinbed::sim {

class ChannelAccess {
 public:
  /// Back-offs are 0 to `window` slots. Without carrier sense it waits for nothing but itself.
  ChannelAccess(bool has_carrier_sense, std::uint32_t window, const RandomStream& random)
      : has_carrier_sense_(has_carrier_sense), window_(window), random_(random) {}

  /// A frame waits to be sent: the time at which it may be, unless the medium gets busy before.
  Time request(Time now, ChannelMhz channel) {
    is_waiting_ = true;
    access_at_ = std::max(now, busy_until_);
    if (has_carrier_sense_) count_down(now, channel);
    return access_at_;
  }
  /// The medium is heard to be busy until then. True where access has been put off.
  bool on_busy(Time now, Time until, ChannelMhz channel) {
    return has_carrier_sense_ && put_off(now, until, channel);
  }
  /// Nothing may be sent before then, whatever is heard.
  void hold(Time until) { busy_until_ = std::max(busy_until_, until); }
  /// The card sends from now until `end`.
  void on_sending(Time end) {
    is_waiting_ = false;
    busy_until_ = std::max(busy_until_, end);
    if (has_carrier_sense_) draw_slots();
  }
  /// Nothing waits any more.
  void cancel() { is_waiting_ = false; }

  /// The longest that a frame waits in silence: DIFS and all slots of a back-off.
  static Duration longest_wait(std::uint32_t window, ChannelMhz channel);

  bool has_carrier_sense() const { return has_carrier_sense_; }
  Time access_at() const { return access_at_; }

 private:
  void count_down(Time now, ChannelMhz channel);
  bool put_off(Time now, Time until, ChannelMhz channel);
  void count_slots(Time now);
  void draw_slots();

  bool has_carrier_sense_;
  std::uint32_t window_;
  RandomStream random_;
  bool is_waiting_ = false;
  Time busy_until_ = Time{-std::chrono::seconds(1)};
  Time counts_from_{};        ///< when DIFS is over and the first slot begins
  std::uint32_t slots_ = 0;   ///< of the back-off that are left
  Time access_at_{};
};

}  // namespace twinbed::sim
