// How strongly the antennas of a receiver, and of all its nodes, hear the data packets.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "core/protocols/wfb/packet.h"

namespace twinbed::wfb {

/// An antenna among those of all nodes: IPv4 address << 32 | card << 8 | antenna. The address is 0
/// where the card is on this host.
struct AntennaId {
  std::uint64_t value = 0;

  static AntennaId of(std::uint32_t node_address, std::uint8_t wlan, std::uint8_t antenna) {
    return {std::uint64_t{node_address} << 32 | std::uint64_t{wlan} << 8 | antenna};
  }
  /// The card: IPv4 address << 24 | card.
  std::uint64_t wlan() const { return value >> 8; }
  auto operator<=>(const AntennaId&) const = default;
};

/// Values in whole dB; the mean is that of the powers.
class DecibelStats {
 public:
  void add(int decibels);
  /// Adds what another one has taken.
  void merge(const DecibelStats& other);

  int least() const { return least_; }
  int most() const { return most_; }
  /// The mean power, rounded to a whole dB; 0 where nothing was added.
  int mean() const;

 private:
  int least_ = 0;
  int most_ = 0;
  std::uint64_t count_ = 0;
  double power_ = 0;
};

struct AntennaStats {
  std::uint64_t count = 0;  ///< data packets heard
  DecibelStats signal_dbm;
  DecibelStats snr_db;  ///< 0 where the card does not tell its noise
};

/// What an antenna heard is kept apart by how it was sent.
struct AntennaKey {
  std::uint16_t mhz = 0;
  std::uint8_t mcs = 0;
  std::uint8_t bandwidth_mhz = 0;
  AntennaId antenna;

  auto operator<=>(const AntennaKey&) const = default;
};

class AntennaTable {
 public:
  /// Counts a packet for each antenna that is named in the reception.
  void add(std::uint32_t node_address, const Reception& reception);

  /// In the order of the keys; those with a count of 0 heard nothing since clear().
  const std::map<AntennaKey, AntennaStats>& rows() const { return rows_; }
  /// Begins the next interval. Rows that heard nothing in the last one go, the others stay empty,
  /// so that nothing is allocated while the same antennas hear the same sender.
  void clear();

 private:
  std::map<AntennaKey, AntennaStats> rows_;
};

}  // namespace twinbed::wfb
