// Air without physics between virtual radios: what is sent on one is heard by all others of its
// channel, in a thread of its own.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>

#include <atomic>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "backends/virtual_radio/virtual_radio.h"

namespace twinbed::testing {

/// How a radio of these tests hears: one antenna, -41 dBm over noise of -95 dBm, at 5825 MHz.
inline RxFrame heard(const TxParams& params, Bytes frame) {
  RxFrame received;
  received.channel = ChannelMhz{5825};
  received.rate = params;
  received.antenna_count = 1;
  received.readings[0] = {0, -41, -95};
  received.frame = frame;
  return received;
}

class VirtualAir {
 public:
  /// Creates the radios in the present network namespace. `passes(from, number)` says whether the
  /// frame with this number, counted for each sender from 0, is heard.
  explicit VirtualAir(const std::vector<std::string>& names,
                      std::function<bool(std::size_t, int)> passes = {})
      : passes_(std::move(passes)) {
    for (const std::string& name : names) {
      auto radio = backends::VirtualRadio::create(name);
      EXPECT_TRUE(radio) << radio.error();
      if (radio) radios_.push_back(*std::move(radio));
    }
    thread_ = std::thread([this] { run(); });
  }
  ~VirtualAir() {
    ends_ = true;
    thread_.join();
  }
  VirtualAir(const VirtualAir&) = delete;
  VirtualAir& operator=(const VirtualAir&) = delete;

 private:
  void run() {
    std::vector<pollfd> waits;
    for (const auto& radio : radios_) waits.push_back({radio.descriptor(), POLLIN, 0});
    while (!ends_) {
      ::poll(waits.data(), waits.size(), 20);
      for (std::size_t from = 0; from < radios_.size(); ++from) carry(from);
    }
  }
  void carry(std::size_t from) {
    radios_[from].read([&](const backends::VirtualTransmission& sent) {
      const int number = numbers_[from]++;
      if (passes_ && !passes_(from, number)) return;
      for (std::size_t to = 0; to < radios_.size(); ++to) {
        if (to != from) radios_[to].write(heard(sent.params, sent.frame));
      }
    });
  }

  std::function<bool(std::size_t, int)> passes_;
  std::vector<backends::VirtualRadio> radios_;
  std::map<std::size_t, int> numbers_;
  std::atomic<bool> ends_{false};
  std::thread thread_;
};

}  // namespace twinbed::testing
