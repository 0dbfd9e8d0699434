// The air as ns-3's own physical layer makes it: the same nodes, cards and frames as in TableMedium
// (sim/medium/table_medium.h), each card a YansWifiPhy without a MAC.
//
//   transmit ──► queue ──► channel access ──► YansWifiPhy ──► YansWifiChannel ──► YansWifiPhy
//                 (ours, as in TableMedium)    path loss, Nakagami fading, delay,     │
//                                              preamble, headers, interference        ▼
//                                                                          next_delivery()
//
// It is there to be laid beside TableMedium and for those who want ns-3's word; a frame costs a
// hundred times as much. ns-3's simulator is one for the process, and so is this medium. All random
// numbers of a channel are of one stream of ns-3's, so that one radio more moves everybody's.
//
// What it does not do, and refuses (mistake_in_ns3_air, mistake_in_ns3_card, mistake_in_ns3_rate):
// several antennas and with them several spatial streams, shadowing, Rician fading, fading that
// lasts for a while, STBC and LDPC, VHT below 3 GHz, and frames wider than any channel of 802.11
// around the card's 20 MHz. Jammers and records of links there are none.
// What differs: frames on other channels do not disturb, nor do signals below the sensitivity.
// Whatever preamble a card recognises makes the medium busy for it: `carrier_sense_dbm` says
// nothing here. A frame that is on the air when its sender is unplugged arrives all the same.
#pragma once

#include <optional>
#include <vector>

#include "sim/medium/card_index.h"
#include "sim/medium/channel_access.h"
#include "sim/medium/transmit_queue.h"
#include "sim/ns3/ns3_air.h"
#include "sim/ns3/ns3_limits.h"
#include "sim/ns3/ns3_simulator.h"
#include "sim/radio_medium.h"

namespace twinbed::sim {

class Ns3Medium final : public RadioMedium, private Ns3CardObserver {
 public:
  /// The world outlives the medium. The options must be without mistake, and no other Ns3Simulator
  /// may exist.
  Ns3Medium(World& world, const AirOptions& options);

  /// Gives a node its cards; each node once, before the first frame.
  void add_node(NodeId node, RadioNode radio);

  void transmit(CardAddress card, Bytes frame, const TxParams& params) override;
  void tune(CardAddress card, ChannelMhz channel) override;
  void on_frame_end(std::uint32_t transmission) override;
  void on_channel_access(std::uint32_t card) override;
  /// A transmission is named by its card, which sends one frame at a time.
  std::uint64_t frame_hash(std::uint32_t transmission) const override;
  const RadioDelivery* next_delivery() override;

  void set_plugged(CardAddress card, bool is_plugged) override;
  void set_antenna(CardAddress card, unsigned antenna, bool is_on) override;
  void set_channel(CardAddress card, ChannelMhz channel) override;
  void set_duty(CardAddress card, const DutyCycle& duty) override;
  void set_fade_mdb(NodeId node, int loss_mdb) override;
  /// Must not be given one.
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

 private:
  struct Card {
    CardAddress address;
    ChannelMhz channel{};         ///< that it is tuned to
    ChannelMhz wanted_channel{};  ///< once what is queued has been sent
    int noise_mdb = 0;
    bool is_antenna_on = true;
    bool is_plugged = true;
    DutyCycle duty;
    TransmitQueue queue;
    ChannelAccess access;
    EventHandle access_event;
    PayloadId sending{};  ///< kNoPayload where it does not send
    bool is_sending = false;
    CardCounters counters;
  };

  void on_received(std::uint32_t card, Bytes frame, const TxParams& params, Duration airtime,
                   double signal_dbm) override;
  void on_corrupted(std::uint32_t card) override { ++cards_[card].counters.corrupted; }
  void on_missed(std::uint32_t card) override { ++cards_[card].counters.missed; }
  void on_busy(std::uint32_t card, Duration duration) override;

  Card* find(CardAddress card);
  const Card* find(CardAddress card) const;
  std::uint32_t number_of(const Card& card) const {
    return static_cast<std::uint32_t>(&card - cards_.data());
  }
  void request_access(Card& card);
  void schedule_access(Card& card, Time at);
  void cancel_access(Card& card);
  void begin(Card& card);
  void retune(Card& card, ChannelMhz channel);

  World& world_;
  Ns3Simulator simulator_;
  Ns3Air air_;
  std::vector<Card> cards_;
  CardIndex index_;
  std::uint64_t frames_sent_ = 0;
  std::vector<RadioDelivery> arrivals_;
  std::size_t next_arrival_ = 0;
  RadioTap* tap_ = nullptr;
};

}  // namespace twinbed::sim
