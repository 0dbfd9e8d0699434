// The capture of a run: the packets and radio frames at its nodes as rows of the store, and as
// files for other programs.
//
// A packet is a row `sent` and, if it arrives, a row `received`; both hold the IPv4 packet. In mode
// sim the rows are made of the model's packets (sim/network/packet_bytes.h); in mode real they come
// from the loopback interface (scenarios/real_capture.h). A frame is a row `sent` of its card and a
// row `received` of each card that has received it whole, with the radiotap headers of what a host
// has sent, and of what its card has heard; the air is the model's in all modes. A capture is no
// part of the scenario: the run is the same with and without it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "backends/sqlite/store.h"
#include "core/base/result.h"
#include "sim/network/packet_bytes.h"
#include "sim/network/packet_tap.h"
#include "sim/radio_medium.h"

namespace twinbed::scenarios {

/// Puts what a model's taps see, packets and radio frames, into the store's current run.
class ModelCapture final : public sim::PacketTap, public sim::RadioTap {
 public:
  explicit ModelCapture(backends::Store& store) : store_(store) {}

  void sent(const sim::TappedPacket& packet) override;
  void received(const sim::TappedPacket& packet) override;
  void sent(Time at, sim::CardAddress card, ChannelMhz channel, const TxParams& params,
            Bytes frame) override;
  void received(Time at, NodeId node, const RxFrame& frame) override;

 private:
  void add(const sim::TappedPacket& packet, std::string_view direction, Bytes bytes);

  backends::Store& store_;
  sim::PacketBytes bytes_;
  Buffer frame_;  ///< with its header
};

/// What of a captured run goes into a file.
struct CaptureChoice {
  /// Nothing: each packet or frame once, as it was sent; a node: what it sent and received.
  std::optional<std::string> node;
  /// Frames of the radio cards in place of packets of the network. As the two have different
  /// headers they are two files: what is made with libpcap reads no file with both.
  bool is_radio = false;
};

/// Writes the capture of a recorded run into a file, with nanoseconds from the start of the run:
/// packets as a pcap file of raw IP packets, frames as a pcapng file with radiotap headers, in
/// which each card is an interface with the name NODE:CARD. The result is the number of packets or
/// frames; nothing is written where the run was not captured, has no such node, or nothing of this
/// kind.
Result<std::uint64_t> write_capture(const std::string& store, std::int64_t run_id,
                                    const CaptureChoice& choice, const std::string& path);

}  // namespace twinbed::scenarios
