// ns-3's side of its medium: one YansWifiPhy without a MAC for each card and channel, and one
// YansWifiChannel for each channel, with ns-3's path loss, Nakagami fading, error rates and
// propagation delay. No header of ns-3 is included here.
#pragma once

#include <cstdint>
#include <memory>

#include "core/base/bytes.h"
#include "sim/medium/air_options.h"
#include "sim/world.h"

namespace twinbed::sim {

/// Is told what the cards of the air notice. Calls come from within events of ns-3.
class Ns3CardObserver {
 public:
  virtual ~Ns3CardObserver() = default;
  /// A frame has arrived whole, after so long on the air; its bytes are valid during the call.
  virtual void on_received(std::uint32_t card, Bytes frame, const TxParams& params,
                           Duration airtime, double signal_dbm) = 0;
  /// A recognised frame was destroyed, in its header or in its data.
  virtual void on_corrupted(std::uint32_t card) = 0;
  /// A frame came while the card was receiving or sending another one, or was given up for one.
  virtual void on_missed(std::uint32_t card) = 0;
  /// The card hears the medium busy for so long.
  virtual void on_busy(std::uint32_t card, Duration duration) = 0;
};

class Ns3Air {
 public:
  /// World and observer outlive the air, and an Ns3Simulator of the world does.
  Ns3Air(World& world, const AirOptions& options, Ns3CardObserver& observer);
  ~Ns3Air();
  Ns3Air(const Ns3Air&) = delete;
  Ns3Air& operator=(const Ns3Air&) = delete;

  /// A place with cards; returns its number.
  std::uint32_t add_place(std::unique_ptr<Mobility> mobility, bool is_moving);
  /// A card there, which listens on its channel; returns its number. The options must be without
  /// mistake.
  std::uint32_t add_card(std::uint32_t place, const CardOptions& options);

  /// Where the card listens from now on; what it was receiving is lost. On a channel that ns-3 does
  /// not know it hears nothing.
  void tune(std::uint32_t card, ChannelMhz channel);
  /// A card that is off hears nothing and gives up what it was receiving.
  void set_on(std::uint32_t card, bool is_on);
  /// What is lost on top at a place.
  void set_fade_mdb(std::uint32_t place, int loss_mdb);

  /// Sends a frame on the card's channel at once, whatever it is receiving, and returns how long it
  /// is on the air. The card is on and sends nothing else, and rate and channel are ns-3's.
  Duration send(std::uint32_t card, Bytes frame, const TxParams& params);

 private:
  struct Ns3;
  std::unique_ptr<Ns3> ns3_;
};

}  // namespace twinbed::sim
