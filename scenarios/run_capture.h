// The capture of a run: the packets at its nodes as rows of the store, in both modes alike, and as
// a file for other programs.
//
// A packet is a row `sent` and, if it arrives, a row `received`; both hold the IPv4 packet. In mode
// sim the rows are made of the model's packets (sim/network/packet_bytes.h); in mode real they come
// from the loopback interface (scenarios/real_capture.h). A capture is no part of the scenario: the
// run is the same with and without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/sqlite/store.h"
#include "core/base/result.h"
#include "sim/network/packet_bytes.h"
#include "sim/network/packet_tap.h"

namespace twinbed::scenarios {

/// Puts the packets of a simulated run into the store's current run.
class SimulatedCapture final : public sim::PacketTap {
 public:
  explicit SimulatedCapture(backends::Store& store) : store_(store) {}

  void sent(const sim::TappedPacket& packet) override;
  void received(const sim::TappedPacket& packet) override;

 private:
  void add(const sim::TappedPacket& packet, std::string_view direction, Bytes bytes);

  backends::Store& store_;
  sim::PacketBytes bytes_;
};

/// Writes the capture of a recorded run into a pcap file of raw IP packets, with nanoseconds from
/// the start of the run: without a node each packet once, as it was sent; with one, what that node
/// sent and received. The result is the number of packets; nothing is written where the run was not
/// captured, or has no such node.
Result<std::uint64_t> write_capture(const std::string& store, std::int64_t run_id,
                                    const std::optional<std::string>& node,
                                    const std::string& path);

}  // namespace twinbed::scenarios
