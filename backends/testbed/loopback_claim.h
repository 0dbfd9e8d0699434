// Runs in mode real side by side on one machine: each has a loopback network of its own.
#pragma once

#include <cstdint>

#include "backends/socket/posix.h"
#include "core/base/result.h"

namespace twinbed::backends {

/// The run number of nodes that are started by hand, one by one; no run claims it.
inline constexpr std::uint32_t kManualRunNumber = 1;

/// A run number, and with it the addresses of loopback_address, that no other run on this machine
/// has as long as this object lives. The kernel gives the number back when the process ends,
/// however it ends.
///
/// What is claimed is the abstract unix address "twinbed-run-N": those are unique in a network
/// namespace, as loopback addresses are, and need neither a directory nor a lock file to clean up.
class LoopbackClaim {
 public:
  /// The first free number of a walk that begins somewhere else in each process, so that a run
  /// rarely follows another one on the same addresses. An error says that none is free.
  static Result<LoopbackClaim> take();

  /// From 2 to 254.
  std::uint32_t run_number() const { return run_number_; }

 private:
  LoopbackClaim(std::uint32_t run_number, Socket socket)
      : run_number_(run_number), socket_(std::move(socket)) {}

  std::uint32_t run_number_;
  Socket socket_;
};

}  // namespace twinbed::backends
