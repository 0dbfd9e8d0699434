// The capture of a run in mode real: what its nodes say to each other over loopback.
//
// Each node has a loopback address of its own (backends/socket/address_map.h), which tells who sent
// a packet and for whom it is; ports and addresses in the packets are the real ones. A packet is on
// loopback for no time at all, so its rows `sent` and `received` have the same time. What links and
// partitions delay or lose is held back in the sending host and never comes to the interface before
// it is let go: a datagram that is lost has no row.
//
// Bytes are as the kernel has them, but for the checksums of TCP and UDP, which it leaves to a
// device that loopback has not: they are filled in, as a wire would have seen them.
//
// Times: the kernel stamps packets by the wall clock, rows are by the monotonic clock. The distance
// of the two is measured anew whenever packets are read, within 0.1 s of their arrival, so that a
// clock which is slewed does not matter; should it be set in between, the packets of that moment
// are off by the step, and never later than the time at which they were read.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "backends/pcap/live_capture.h"
#include "backends/sqlite/store.h"
#include "core/base/result.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"

namespace twinbed::scenarios {

class RealCapture {
 public:
  /// Why this process may not capture, in one sentence; nothing where it may.
  static std::optional<Error> problem();

  /// Begins to capture for the nodes with these addresses (loopback_address).
  static Result<std::unique_ptr<RealCapture>> open(std::uint32_t run_number, std::size_t nodes,
                                                   backends::Store& store);

  /// To wait on for read().
  int descriptor() const { return capture_.descriptor(); }
  /// The run begins; what came before is dropped.
  void start(std::int64_t monotonic_ns) { start_ns_ = monotonic_ns; }
  /// Puts what has come into the store's current run. The result is why that cannot go on.
  std::string read();
  /// The same for all that is left, and records how many packets were dropped. Takes as long as the
  /// kernel gathers packets.
  std::string finish(Time end);

 private:
  RealCapture(backends::LiveCapture capture, backends::Store& store)
      : capture_(std::move(capture)), store_(store) {}

  void add(const backends::CapturedFrame& frame, std::int64_t wall_less_monotonic_ns);

  backends::LiveCapture capture_;
  backends::Store& store_;
  std::map<IpAddress, NodeId> nodes_;
  std::int64_t start_ns_ = 0;  // CLOCK_MONOTONIC; 0: not yet
  Buffer packet_;
};

}  // namespace twinbed::scenarios
