// The same frames through ns-3's YansWifiPhy: injected without a MAC, as a card in monitor mode
// does.
#pragma once

#include <cstddef>
#include <memory>

namespace twinbed::bench {

inline constexpr std::size_t kRadioFrameBytes = 1424;
/// Receivers lie on a circle around the sender.
inline constexpr double kCircleM = 30;

class Ns3Radios {
 public:
  explicit Ns3Radios(std::size_t receivers);
  ~Ns3Radios();
  Ns3Radios(const Ns3Radios&) = delete;
  Ns3Radios& operator=(const Ns3Radios&) = delete;

  /// Sends one frame and lets it arrive; how many receivers got it.
  std::size_t send();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace twinbed::bench
