// Cards of the emulated air over UDP on loopback, for programs without privileges.
//
//   program (UdpRadio)                                     the air (UdpAttachment), one port a card
//     {0, radiotap, 802.11 frame} ──────────────────────►  as it is to be sent
//     {1}                         ──────────────────────►  here I am: frames that come go here
//     {2, channel in MHz, 16 bit big-endian} ───────────►  tune
//     {0, radiotap, 802.11 frame} ◄──────────────────────  as it was received
//
// The leading 0 is radiotap's own version: such a datagram is a radiotap packet as it stands. The
// program that sent last is the card's; datagrams that say nothing of this kind are counted.
#pragma once

#include <memory>
#include <vector>

#include "backends/live_host.h"
#include "backends/socket/posix.h"
#include "backends/testbed/card_attachment.h"
#include "core/base/result.h"

namespace twinbed::backends {

/// The air's end of a card.
class UdpAttachment final : public CardAttachment {
 public:
  /// At a free port of 127.0.0.1. The error is the kernel's.
  static Result<std::unique_ptr<UdpAttachment>> open();

  /// ADDRESS:PORT.
  std::string name() const override;
  int descriptor() const override { return socket_.number(); }
  std::size_t read(CardInput& card, std::size_t most) override;
  /// UDP tells nobody: what finds the card's queue full is refused by the card, and counted there.
  bool holds_back() const override { return false; }
  bool deliver(const RxFrame& frame) override;
  std::uint64_t malformed() const override { return malformed_; }
  std::uint64_t dropped() const override;

 private:
  explicit UdpAttachment(Socket socket);
  /// False where the datagram is none of ours.
  static bool hand_over(Bytes datagram, CardInput& card);
  /// Whoever has sent something that was not read yet is there already.
  void look_for_program();

  Socket socket_;
  sockaddr_in program_{};  ///< port 0: none yet
  Buffer request_;
  Buffer delivery_;
  std::uint64_t malformed_ = 0;
};

struct UdpRadioCounters {
  std::uint64_t malformed = 0;  ///< datagrams without a sound radiotap header
  std::uint64_t unsent = 0;     ///< frames that the kernel did not take, or that no card can send
};

/// The program's end: the radio of a live host whose cards are in the air.
class UdpRadio final : public RadioBackend {
 public:
  /// Joins the cards at these addresses, in the order of their InterfaceIds, from 0. The error is
  /// the kernel's.
  static Result<std::unique_ptr<UdpRadio>> open(const std::vector<Endpoint>& cards);

  void transmit(InterfaceId interface, Bytes frame, const TxParams& params) override;
  void tune(InterfaceId interface, ChannelMhz channel) override;
  std::vector<int> descriptors() const override;
  bool receive(int descriptor, const FrameHandler& handler) override;

  UdpRadioCounters counters() const { return counters_; }
  /// Frames for which the sockets had no room, as they were not read in time.
  std::uint64_t dropped() const;

 private:
  UdpRadio() = default;
  bool send(std::size_t card);

  std::vector<Socket> sockets_;
  Buffer request_;
  Buffer packet_;
  UdpRadioCounters counters_;
};

}  // namespace twinbed::backends
