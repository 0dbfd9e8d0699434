// Where a card of the emulated air meets the program that uses it, in real time.
//
//   RealTimeAir ──► deliver(): a frame that the card has received
//               ◄── read():    what the program sends, and how the card is to be tuned
//
// Two kinds: UDP on loopback (udp_air.h), which needs no privilege, and a virtual radio, which
// every program takes for a card in monitor mode.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "backends/virtual_radio/virtual_radio.h"
#include "core/base/bytes.h"
#include "core/io/radio.h"

namespace twinbed::backends {

/// The card, as its program sees it.
class CardInput {
 public:
  virtual ~CardInput() = default;
  virtual void transmit(Bytes frame, const TxParams& params) = 0;
  virtual void tune(ChannelMhz channel) = 0;
};

class CardAttachment {
 public:
  virtual ~CardAttachment() = default;

  /// What a program needs to know to attach: the name of an interface, or ADDRESS:PORT.
  virtual std::string name() const = 0;
  /// To wait on; readable when something was sent.
  virtual int descriptor() const = 0;
  /// Hands over at most so many requests of the program, in their order, without waiting for more.
  /// How many there were; fewer than `most` when nothing is left. Nothing is delivered meanwhile.
  virtual std::size_t read(CardInput& card, std::size_t most) = 0;
  /// Whether what is not read waits where the program notices it (ENOBUFS), so that a card whose
  /// queue is full is best left unread.
  virtual bool holds_back() const = 0;
  /// Lets the program receive a frame, if there is one. False where there is no room for it.
  virtual bool deliver(const RxFrame& frame) = 0;
  /// What came and was not understood, so far.
  virtual std::uint64_t malformed() const = 0;
  /// Requests that the kernel dropped before they were read, so far.
  virtual std::uint64_t dropped() const = 0;
};

/// A card that is an interface in monitor mode. Tuning is not seen: iw knows no TUN devices.
class VirtualRadioAttachment final : public CardAttachment {
 public:
  explicit VirtualRadioAttachment(VirtualRadio radio) : radio_(std::move(radio)) {}

  std::string name() const override { return radio_.name(); }
  int descriptor() const override { return radio_.descriptor(); }
  std::size_t read(CardInput& card, std::size_t most) override {
    return radio_.read(
        [&](const VirtualTransmission& sent) { card.transmit(sent.frame, sent.params); }, most);
  }
  bool holds_back() const override { return true; }
  bool deliver(const RxFrame& frame) override { return radio_.write(frame); }
  std::uint64_t malformed() const override { return radio_.malformed(); }
  std::uint64_t dropped() const override { return radio_.refused(); }

 private:
  VirtualRadio radio_;
};

}  // namespace twinbed::backends
