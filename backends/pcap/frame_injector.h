// Sends 802.11 frames on a card in monitor mode, by a packet socket of its own.
//
// Frames are gathered in the present turn of the loop and leave in the next one, many with one
// system call. A card that has no room for a frame is asked again after a while, as often as the
// options say; meanwhile the frames behind it wait, and other cards are not held up.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "backends/event_loop.h"
#include "backends/socket/posix.h"
#include "core/base/result.h"
#include "core/io/radio.h"

namespace twinbed::backends {

struct InjectionOptions {
  int retries = 0;  ///< how often a frame is tried again for which there was no room
  Duration retry_delay = std::chrono::milliseconds(5);
  /// Frames pass the interface's queueing discipline, with their marks (tc-fw(8)), in place of
  /// going to the driver at once.
  bool uses_qdisc = false;
};

/// What became of a frame.
struct InjectedFrame {
  InterfaceId interface{};
  Bytes frame;            ///< of 802.11; valid during the callback
  bool is_sent = false;   ///< false: dropped
  Duration latency{};     ///< from transmit() until the kernel had taken it, or refused it
};

class FrameInjector {
 public:
  struct Events {
    std::function<void(const InjectedFrame&)> on_frame;
    std::function<void(const std::string&)> on_error;  ///< one sentence; nothing is sent any more
  };

  /// Opens the interface, which is in monitor mode. Errors name it and the remedy. The loop
  /// outlives the injector.
  static Result<std::unique_ptr<FrameInjector>> open(EventLoop& loop, const std::string& interface,
                                                     InterfaceId id,
                                                     const InjectionOptions& options,
                                                     Events events);

  /// Queues a frame. While a card has no room, frames beyond 2 MiB are dropped.
  void transmit(Bytes frame, const TxParams& params);
  /// Sends what is queued, as far as the card has room.
  void flush();

 private:
  struct Queued {
    std::size_t offset = 0;  ///< in bytes_
    std::size_t size = 0;    ///< with the radiotap header
    std::size_t frame_bytes = 0;
    std::int64_t queued_ns = 0;
    std::uint32_t mark = 0;
  };

  FrameInjector(EventLoop& loop, std::string interface, InterfaceId id,
                const InjectionOptions& options, Events events, Socket socket);

  /// Sends a batch from the front; how many, or minus a number from errno.
  int send_batch();
  void carry_on_after(int error);
  void finish_front(bool is_sent, std::int64_t now_ns);
  void report(Bytes frame, bool is_sent, Duration latency) const;
  void drop_sent();
  void wait_to_retry();
  void go_on();

  const std::string interface_;
  const InterfaceId id_;
  const InjectionOptions options_;
  const Events events_;
  Socket socket_;
  Watch watch_;  // after the socket, so that it is destroyed first
  Alarm alarm_;
  LaterQueue later_;
  Buffer bytes_;  ///< of all frames in queue_
  std::vector<Queued> queue_;
  std::size_t front_ = 0;  ///< the first of the queue that was not sent
  int tries_ = 0;          ///< of the front, so far
  bool is_flush_due_ = false;
  bool is_waiting_ = false;  ///< for room
  bool has_failed_ = false;
};

}  // namespace twinbed::backends
