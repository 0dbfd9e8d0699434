// What a live host counts; the figures go into the results of a run.
#pragma once

#include <cstdint>
#include <functional>

#include "core/base/bytes.h"
#include "core/base/time.h"
#include "core/io/endpoint.h"
#include "core/io/ids.h"

namespace twinbed::backends {

struct SocketCounters {
  std::uint64_t datagrams_sent = 0;      ///< handed to the kernel, copies made by a link too
  std::uint64_t datagrams_received = 0;  ///< given to the protocol
  std::uint64_t datagrams_too_large = 0;
  std::uint64_t datagrams_unsent = 0;        ///< from an unbound socket, or refused by the kernel
  std::uint64_t datagrams_lost_on_link = 0;  ///< by the emulated link
  std::uint64_t datagrams_blocked = 0;       ///< by a partition, leaving or arriving
  std::uint64_t datagrams_overflowed = 0;    ///< arrived when the socket's buffer was full
  std::uint64_t streams_opened = 0;
  std::uint64_t streams_accepted = 0;
  std::uint64_t streams_failed = 0;
  std::uint64_t streams_reset = 0;
  std::uint64_t stream_bytes_sent = 0;  ///< taken by the kernel
  std::uint64_t stream_bytes_received = 0;
  std::uint64_t stream_bytes_held = 0;  ///< written towards a blocked peer
  std::uint64_t connects_held = 0;      ///< SYNs not sent because of a partition
};

/// A datagram that was given to the kernel; the payload is valid during the callback.
struct SentDatagram {
  SocketId socket{};
  Endpoint to;  ///< the real one
  Bytes payload;
  bool is_sent = false;  ///< false: the kernel has refused it
  Duration latency{};    ///< of the system call
};
using SentDatagramObserver = std::function<void(const SentDatagram&)>;

/// Of the sockets for datagrams.
struct DatagramBuffers {
  int receive_bytes = 4 * 1024 * 1024;
  int send_bytes = 0;  ///< 0: the kernel's default
};

}  // namespace twinbed::backends
