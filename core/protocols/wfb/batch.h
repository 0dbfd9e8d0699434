// Small packets that travel together in one payload: what WFB-NG's tunnel does with IP packets, and
// its telemetry with MAVLink frames.
//
//   tunnel     length (2) | packet, any number of times; an empty payload is a sign of life
//   telemetry  frames one behind the other, as they were
#pragma once

#include <optional>
#include <vector>

#include "core/base/bytes.h"

namespace twinbed::wfb {

enum class Framing : std::uint8_t { kLengths, kNone };

/// Gathers packets until the next one would not fit. The owner sends what is gathered when the next
/// packet does not fit, and some time after the first one (5 ms in a tunnel, 100 ms for telemetry).
class Batch {
 public:
  static constexpr std::size_t kDefaultLimit = 1445;

  explicit Batch(Framing framing, std::size_t limit = kDefaultLimit)
      : framing_(framing), limit_(limit) {}

  /// Whether the packet fits in with what is there. One that fits in no batch goes alone.
  bool fits(Bytes packet) const;
  void add(Bytes packet);
  bool empty() const { return payload_.empty(); }
  /// What is gathered.
  Bytes payload() const { return payload_; }
  /// A new batch begins.
  void clear() { payload_.clear(); }
  /// What is gathered; a new batch begins.
  Buffer take();

 private:
  Framing framing_;
  std::size_t limit_;
  Buffer payload_;
};

/// The packets of a tunnel's payload, as views into it; nothing where a length is wrong.
std::optional<std::vector<Bytes>> split_batch(Bytes payload);
/// The same into a list that is used again; false where a length is wrong.
bool split_batch(Bytes payload, std::vector<Bytes>& packets);

}  // namespace twinbed::wfb
