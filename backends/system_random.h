// Random numbers of a live node: the operating system's generator, and a record of what was drawn.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/random.h"

namespace twinbed::backends {

/// getrandom(2), fetched 1 KiB at a time. Fit for keys. A child made by fork must not share it.
class SystemRandom final : public Random {
 public:
  std::uint64_t next() override;

 private:
  std::array<std::uint64_t, 128> words_{};
  std::size_t left_ = 0;
};

/// Passes another generator's numbers on and keeps them, for the input log.
class RecordingRandom final : public Random {
 public:
  explicit RecordingRandom(Random& source) : source_(source) {}

  std::uint64_t next() override {
    words_.push_back(source_.next());
    return words_.back();
  }
  /// What was drawn since the last clear().
  std::span<const std::uint64_t> words() const { return words_; }
  void clear() { words_.clear(); }

 private:
  Random& source_;
  std::vector<std::uint64_t> words_;
};

}  // namespace twinbed::backends
