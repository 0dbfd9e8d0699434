// The frames that wait in a card to be sent.
#pragma once

#include <cstddef>
#include <vector>

#include "core/base/check.h"
#include "core/io/radio.h"
#include "sim/payload_pool.h"

namespace twinbed::sim {

struct QueuedFrame {
  PayloadId payload{};
  TxParams params;
  ChannelMhz channel{};
};

/// A ring of fixed size.
class TransmitQueue {
 public:
  explicit TransmitQueue(std::size_t frames) : ring_(frames) {}

  bool empty() const { return size_ == 0; }
  bool full() const { return size_ == ring_.size(); }
  std::size_t size() const { return size_; }

  /// Field by field: a frame made first and then copied waits for its own bytes.
  void push(PayloadId payload, const TxParams& params, ChannelMhz channel) {
    TWINBED_CHECK(!full(), "a full transmit queue takes no frame");
    QueuedFrame& frame = ring_[place_of(size_++)];
    frame.payload = payload;
    frame.params = params;
    frame.channel = channel;
  }
  QueuedFrame pop() {
    TWINBED_CHECK(!empty(), "an empty transmit queue has no frame");
    const QueuedFrame frame = ring_[front_];
    front_ = place_of(1);
    --size_;
    return frame;
  }
  /// All that wait are sent on this channel.
  void retune(ChannelMhz channel) {
    for (std::size_t i = 0; i < size_; ++i) ring_[place_of(i)].channel = channel;
  }

 private:
  /// Without a division, which would cost as much as all the rest.
  std::size_t place_of(std::size_t nth) const {
    const std::size_t place = front_ + nth;
    return place < ring_.size() ? place : place - ring_.size();
  }

  std::vector<QueuedFrame> ring_;
  std::size_t front_ = 0;
  std::size_t size_ = 0;
};

}  // namespace twinbed::sim
