// Faults of radios, carried out on the medium. Cards suffer from all that last at a time.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <vector>

#include "sim/faults/plan.h"
#include "sim/radio_medium.h"

namespace twinbed::sim {

/// For how long of each period a jammer sends, or a card is awake; period and duty are of the plan.
Duration time_on(const RadioFault& radio);

struct LastingRadioFault {
  const FaultSpec& fault;
  std::uint32_t number = 0;                  ///< in the plan
  const std::vector<std::uint32_t>& nodes;   ///< whom it hits
  Time begun{};
};

class RadioFaults {
 public:
  /// Where there is no medium, faults do nothing.
  explicit RadioFaults(const std::unique_ptr<RadioMedium>& medium) : medium_(medium) {}

  /// Brings the medium to the state in which exactly these faults last, in the order of the plan.
  void refresh(std::span<const LastingRadioFault> lasting);

  /// Frames whose fate the fault may have changed, counted up from the run's start: take the
  /// difference. Where that cannot be told, all frames that anybody sends.
  std::uint64_t touched(const FaultSpec& fault, std::uint32_t number,
                        const std::vector<std::uint32_t>& nodes) const;

 private:
  struct CardState {
    bool is_plugged = true;
    std::uint32_t antennas_off = 0;  ///< bits
    DutyCycle duty;
    std::optional<ChannelMhz> channel;

    bool operator==(const CardState&) const = default;
  };
  using Card = std::pair<std::uint32_t, std::uint32_t>;  ///< node and interface

  static void add(const LastingRadioFault& item, CardState& state);
  void carry_out(const Card& card, const CardState& before, const CardState& after);

  const std::unique_ptr<RadioMedium>& medium_;
  std::map<Card, CardState> cards_;        ///< that a fault has changed
  std::map<Card, ChannelMhz> own_channel_;  ///< of those that a fault has tuned
  std::map<std::uint32_t, int> fades_mdb_;
  std::vector<std::uint32_t> jammers_;
};

}  // namespace twinbed::sim
