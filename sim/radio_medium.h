// The air between radio cards, as the simulator sees it: frames go in, and come out at those cards
// that receive them.
//
// Two implementations stand behind it: TableMedium (sim/medium/table_medium.h), which looks error
// rates up in tables, and Ns3Medium (sim/ns3/ns3_medium.h), which runs ns-3's own physical layer. A
// card is named by its node and the number of its interface.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/io/ids.h"
#include "core/io/radio.h"
#include "core/io/run_sink.h"
#include "sim/duty_cycle.h"
#include "sim/medium/position.h"
#include "sim/payload_pool.h"

namespace twinbed::sim {

struct CardAddress {
  NodeId node{};
  InterfaceId interface{};

  bool operator==(const CardAddress&) const = default;
};

/// A frame that a card has received, on its way to the card's node.
struct RadioDelivery {
  NodeId node{};
  RxFrame frame;         ///< its bytes are valid until the next delivery is asked for
  PayloadId payload{};   ///< which holds them
};

/// What became of frames at one card, from the start of the run.
struct CardCounters {
  // As a sender.
  std::uint64_t sent = 0;
  std::uint64_t sent_bytes = 0;
  Duration airtime{};           ///< of what was sent
  std::uint64_t queue_full = 0; ///< not accepted: the queue was full (ENOBUFS)
  std::uint64_t no_card = 0;    ///< not accepted, or never sent: the card was unplugged
  std::uint64_t bad_rate = 0;   ///< not accepted: no card can send so (mistake_in_rate)
  // As a receiver, of frames that were strong enough to be noticed.
  std::uint64_t received = 0;
  std::uint64_t corrupted = 0;  ///< noise or other frames destroyed the header or the data
  std::uint64_t missed = 0;     ///< the card was receiving or sending another frame
  // By faults.
  std::uint64_t touched = 0;    ///< frames whose fate a fault may have changed

  bool operator==(const CardCounters&) const = default;
  CardCounters& operator+=(const CardCounters& other);
};

// Of all cards of a node, at the end of the run.
inline constexpr Metric kRadioSent{"radio.sent", "1", "frames sent"};
inline constexpr Metric kRadioAirtime{"radio.airtime", "s", "time on the air as a sender"};
inline constexpr Metric kRadioQueueFull{"radio.queue_full", "1",
                                        "frames refused as the queue was full (ENOBUFS)"};
inline constexpr Metric kRadioReceived{"radio.received", "1", "frames received whole"};
inline constexpr Metric kRadioCorrupted{"radio.corrupted", "1",
                                        "frames destroyed by noise or other frames"};
inline constexpr Metric kRadioMissed{"radio.missed", "1",
                                     "frames that came while the card was busy with another one"};

/// Samples these metrics of a node.
void record_counters(RunSink& sink, Time at, NodeId node, const CardCounters& counters);

/// A transmitter of noise: it disturbs all receivers whose channel lies in its band.
struct Jammer {
  Position position;
  double power_dbm = 20;       ///< radiated within the band
  std::uint32_t low_mhz = 0;   ///< of the band; noise is spread over it evenly
  std::uint32_t high_mhz = 0;
  DutyCycle duty;              ///< when it transmits

  bool operator==(const Jammer&) const = default;
};

/// An observer of the frames at the antennas of all cards. Must not change the run.
class RadioTap {
 public:
  virtual ~RadioTap() = default;
  /// A card begins to send a frame, without header of radiotap and check sequence.
  virtual void sent(Time at, CardAddress card, ChannelMhz channel, const TxParams& params,
                    Bytes frame) = 0;
  /// A card has received a frame whole.
  virtual void received(Time at, NodeId node, const RxFrame& frame) = 0;
};

class RadioMedium {
 public:
  virtual ~RadioMedium() = default;

  // What protocols ask for. Requests to cards that do not exist do nothing.
  virtual void transmit(CardAddress card, Bytes frame, const TxParams& params) = 0;
  virtual void tune(CardAddress card, ChannelMhz channel) = 0;

  // The medium's own events.
  /// kFrameEnd: a frame has left the air.
  virtual void on_frame_end(std::uint32_t transmission) = 0;
  /// kChannelAccess: a card's back-off is over.
  virtual void on_channel_access(std::uint32_t card) = 0;
  /// A hash of the bytes of a frame that leaves the air, for fingerprints.
  virtual std::uint64_t frame_hash(std::uint32_t transmission) const = 0;

  /// The next frame for a node, null when there is none; valid until the next call.
  virtual const RadioDelivery* next_delivery() = 0;

  // Faults. A call replaces what an earlier one has set; those to cards that do not exist do
  // nothing.
  /// An unplugged card forgets its queue and what it sends or receives.
  virtual void set_plugged(CardAddress card, bool is_plugged) = 0;
  /// An antenna that is off hears nothing; a card sends on its antenna 0.
  virtual void set_antenna(CardAddress card, unsigned antenna, bool is_on) = 0;
  /// At once, whatever is queued.
  virtual void set_channel(CardAddress card, ChannelMhz channel) = 0;
  /// When the card is awake; outside it hears nothing and its frames wait.
  virtual void set_duty(CardAddress card, const DutyCycle& duty) = 0;
  /// What all signals between the node and everybody else lose on top, in thousandths of a decibel.
  virtual void set_fade_mdb(NodeId node, int loss_mdb) = 0;
  /// Replaces the jammer of this number, or adds it; nothing removes it.
  virtual void set_jammer(std::uint32_t number, const std::optional<Jammer>& jammer) = 0;
  /// Receptions that this jammer may have changed.
  virtual std::uint64_t jammed(std::uint32_t number) const = 0;

  // Cards.
  /// Which card the medium's own number stands for, the subject of its events.
  virtual CardAddress address_of(std::uint32_t card) const = 0;
  /// How many cards a node has: its interfaces are 0 to this, which is not one.
  virtual std::uint32_t cards_of(NodeId node) const = 0;
  virtual std::uint32_t antennas_of(CardAddress card) const = 0;
  virtual ChannelMhz channel_of(CardAddress card) const = 0;
  /// Whether the card's queue would take a frame. True for cards that refuse frames for another
  /// reason.
  virtual bool has_room(CardAddress card) const = 0;
  virtual const CardCounters& counters(CardAddress card) const = 0;
  /// By all cards, from the start of the run.
  virtual std::uint64_t frames_sent() const = 0;

  /// The tap outlives the medium, or null.
  virtual void set_tap(RadioTap* tap) = 0;
};

}  // namespace twinbed::sim
