// The emulated air: frames between radio cards, with error rates from tables.
//
//   transmit ──► queue ──► channel access ──► on the air ───────────────► its end
//                 │ full: ENOBUFS              │                           │
//                 ▼                            ▼ at each receiver          ▼ at each that listens
//                counted               power of each antenna,        interference of all that
//                                      busy medium, locks on it      overlapped, table, one draw
//
// A receiver locks on the first frame that it recognises, and on a stronger one that begins within
// the first 4 us of it; until that frame's end all others are interference. A card that sends hears
// nothing. Frames begin and end at all places at once: light takes 1 us for 300 m.
//
// A frame costs one event and, at each receiver in reach, one draw of fading; a look into a table
// and a draw of its fate only where the signal is not so strong that it arrives for certain. Once
// its pools have grown nothing is allocated.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "sim/medium/air_options.h"
#include "sim/medium/card_index.h"
#include "sim/medium/channel_access.h"
#include "sim/medium/radio_links.h"
#include "sim/medium/rates.h"
#include "sim/medium/reception.h"
#include "sim/medium/transmit_queue.h"
#include "sim/radio_medium.h"
#include "sim/world.h"

namespace twinbed::sim {

class TableMedium final : public RadioMedium {
 public:
  /// The world outlives the medium. The options must be without mistake.
  TableMedium(World& world, const AirOptions& options);

  /// Gives a node its cards; each node once, before the first frame.
  void add_node(NodeId node, RadioNode radio);
  /// Replaces the model of a link, in one direction; both nodes have cards.
  void set_record(NodeId from, NodeId to, LinkRecord record);

  void transmit(CardAddress card, Bytes frame, const TxParams& params) override;
  void tune(CardAddress card, ChannelMhz channel) override;
  void on_frame_end(std::uint32_t transmission) override;
  void on_channel_access(std::uint32_t card) override;
  std::uint64_t frame_hash(std::uint32_t transmission) const override;
  const RadioDelivery* next_delivery() override;

  void set_plugged(CardAddress card, bool is_plugged) override;
  void set_antenna(CardAddress card, unsigned antenna, bool is_on) override;
  void set_channel(CardAddress card, ChannelMhz channel) override;
  void set_duty(CardAddress card, const DutyCycle& duty) override;
  void set_fade_mdb(NodeId node, int loss_mdb) override;
  void set_jammer(std::uint32_t number, const std::optional<Jammer>& jammer) override;
  std::uint64_t jammed(std::uint32_t number) const override;

  CardAddress address_of(std::uint32_t card) const override { return cards_[card].address; }
  std::uint32_t cards_of(NodeId node) const override { return index_.cards_of(node); }
  std::uint32_t antennas_of(CardAddress card) const override;
  ChannelMhz channel_of(CardAddress card) const override;
  bool has_room(CardAddress card) const override;
  const CardCounters& counters(CardAddress card) const override;
  std::uint64_t frames_sent() const override { return frames_sent_; }
  void set_tap(RadioTap* tap) override { tap_ = tap; }

  /// Where a node is.
  Position position(NodeId node) { return links_.position(index_.place_of(node), world_.now); }

 private:
  static constexpr std::uint32_t kNone = 0xffff'ffffU;

  struct Card {
    Card(CardAddress where, const CardOptions& given, ChannelAccess clockwork);

    // What each frame is compared with comes first, so that it lies together.
    ChannelMhz channel{};  ///< that it is tuned to
    bool is_plugged = true;
    std::uint8_t antennas = 1;
    std::array<bool, kMaxAntennas> is_antenna_on{true, true, true, true};
    std::uint32_t sending = kNone;    ///< transmission
    std::uint32_t receiving = kNone;  ///< transmission that it has locked on
    int receiving_mdb = 0;            ///< with this power
    std::array<int, kMaxAntennas> antenna_gains_mdb{};
    std::array<int, 4> noise_mdb{};  ///< by bandwidth
    int sensitivity_mdb = 0;
    int preamble_snr_mdb = 0;
    int carrier_sense_mdb = 0;
    int energy_detection_mdb = 0;
    DutyCycle duty;
    CardAddress address;
    Combining combining{};
    std::int8_t noise_dbm = 0;  ///< that it reports
    double antenna_correlation = 0;
    CardCounters counters;

    ChannelMhz wanted_channel{};  ///< once what is queued has been sent
    int tx_power_mdb = 0;
    TransmitQueue queue;
    ChannelAccess access;
    EventHandle access_event;
    std::uint64_t random_key = 0;  ///< of the frames that it sends
    std::uint32_t frames_begun = 0;
  };
  struct Reception {
    std::uint32_t card = 0;
    bool is_same_channel = false;  ///< or else it only disturbs
    bool is_lost = false;          ///< by what was measured of the link
    int strongest_mdb = 0;
    std::array<int, kMaxAntennas> powers_mdb{};  ///< at each antenna
    std::optional<int> combined_mdb;  ///< SNR of several antennas without interference, once known
  };
  struct Transmission {
    std::uint32_t card = 0;
    int tx_power_mdb = 0;
    Time start{};
    Time end{};
    FrameRate rate;
    PayloadId payload{};
    std::uint64_t key = 0;  ///< of its random numbers
    bool is_aborted = false;
    std::uint32_t users = 0;  ///< deliveries and overlapping frames that still need it
    std::vector<Reception> receptions;  ///< by card
    std::vector<std::uint32_t> overlaps;  ///< transmissions
  };
  struct ActiveJammer {
    std::optional<Jammer> jammer;
    std::uint64_t touched = 0;
  };

  Card* find(CardAddress card);
  const Card* find(CardAddress card) const;

  // Sending.
  inline bool gets_access(std::uint32_t card);
  inline bool is_held(std::uint32_t card);
  void hold(std::uint32_t card, Time until);
  void schedule_access(std::uint32_t card, Time at);
  void begin_next(std::uint32_t card);
  void begin(std::uint32_t card, PayloadId payload, const FrameRate& rate);
  inline std::uint32_t take_transmission();
  /// With what is queued, or the channel that was asked for.
  void go_on(std::uint32_t card);
  void drop_queue(Card& card);
  static void retune(Card& card, ChannelMhz channel);
  /// Until when nothing may be sent for another reason than frames; nothing where there is none.
  std::optional<Time> held_until(std::uint32_t card);

  // Receiving, at a frame's begin.
  void arrive(std::uint32_t transmission, Transmission& sent);
  // What every frame does at every receiver is one loop, not a chain of calls.
  [[gnu::always_inline]]
  inline void reach(std::uint32_t transmission, Transmission& sent, const RadioLink& link);
  void find_powers(const Transmission& sent, const Card& card, const RadioLink& link,
                   Reception& heard);
  [[gnu::always_inline]]
  inline void find_power(const Transmission& sent, const Card& card, const RadioLink& link,
                         Reception& heard);
  [[gnu::always_inline]]
  inline std::uint64_t fading_key(const Transmission& sent, std::uint32_t receiver) const;
  [[gnu::always_inline]]
  inline void notice(std::uint32_t transmission, const Transmission& sent, Reception& heard,
                     Card& card);
  [[gnu::always_inline]]
  inline bool locks(std::uint32_t transmission, const Transmission& sent, Reception& heard,
                    Card& card);
  int disturbed_snr_mdb(const Transmission& sent, const Reception& heard);

  // Receiving, until its end.
  [[gnu::always_inline]]
  inline bool receive(std::uint32_t transmission, Transmission& sent);
  /// Who and where as one word: two of half its size, read as one, would wait for each other.
  static std::uint64_t arrival_of(std::uint32_t transmission, std::uint32_t reception) {
    return std::uint64_t{transmission} << 32 | reception;
  }
  [[gnu::always_inline]]
  inline int snr_mdb(const Transmission& sent, Reception& heard, const Card& card) const;
  int combined_mdb(const Transmission& sent, Reception& heard) const;
  Signal signal_of(const Transmission& sent, const Reception& heard) const;
  bool is_disturbed(const Transmission& sent) const {
    return !sent.overlaps.empty() || jammers_on_ > 0;
  }
  [[gnu::always_inline]]
  inline bool survives(const Transmission& sent, Reception& heard, const Card& card);
  void find_disturbances(const Transmission& sent, const Reception& heard);
  /// By the jammer, at each antenna, as a multiple of the noise; nothing where it does not reach.
  bool jam_over_noise(const Jammer& jammer, std::uint32_t card, Bandwidth bandwidth,
                      std::array<double, kMaxAntennas>& over_noise);
  const RadioDelivery* deliver(std::uint64_t arrival);
  // These write into the frame that is handed out: it is large, and copies would cost a fifth.
  inline void describe(const Transmission& sent);
  inline void describe(const Transmission& sent, const Reception& heard);
  void add_jam_to_noise(const Transmission& sent, const Reception& heard, RxFrame& frame);
  void release(std::uint32_t transmission) {
    Transmission& sent = transmissions_[transmission];
    if (--sent.users > 0) return;
    world_.payloads.release(sent.payload);
    sent.receptions.clear();
    free_.push_back(transmission);
  }

  World& world_;
  RadioLinks links_;
  FrameRates rates_;
  Fading fading_;
  Duration coherence_;
  std::uint64_t random_key_;
  std::vector<Card> cards_;
  CardIndex index_;
  std::uint64_t frames_sent_ = 0;
  std::vector<Transmission> transmissions_;
  std::vector<std::uint32_t> free_;
  std::vector<std::uint32_t> on_air_;
  std::vector<ActiveJammer> jammers_;
  std::size_t jammers_on_ = 0;
  std::vector<Disturbance> disturbances_;
  DisturbedReception disturbed_;
  std::vector<std::uint64_t> arrivals_;  ///< not handed out yet (arrival_of)
  std::size_t next_arrival_ = 0;
  std::uint32_t delivered_ = kNone;  ///< transmission of the last delivery
  RadioDelivery delivery_;
  RadioTap* tap_ = nullptr;
};

}  // namespace twinbed::sim
