#include "backends/pcap/capture_replay.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/check.h"
#include "core/wire/radiotap.h"

namespace twinbed::backends {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Then others on the loop get their turn.
constexpr int kFramesPerTurn = 64;

}  // namespace

CaptureReplay::CaptureReplay(CaptureFile file, Socket timer)
    : file_(std::move(file)), timer_(std::move(timer)), next_(file_.next()) {
  arm(1);  // at once
}

Result<std::unique_ptr<CaptureReplay>> CaptureReplay::open(const std::string& path,
                                                           const std::string& filter) {
  Result<CaptureFile> file = CaptureFile::open(path, filter);
  if (!file) return Error{file.error()};
  Socket timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  TWINBED_CHECK(timer.is_open(), "the system has no timer left");
  return std::unique_ptr<CaptureReplay>(new CaptureReplay(*std::move(file), std::move(timer)));
}

bool CaptureReplay::receive(int, const FrameHandler& handler) {
  std::uint64_t expirations = 0;
  if (::read(timer_.number(), &expirations, sizeof expirations) < 0) return next_.has_value();
  const std::int64_t now_ns = monotonic_now_ns();
  if (next_ && !std::exchange(has_begun_, true)) shift_ns_ = now_ns - next_->time_ns;
  for (int i = 0; i < kFramesPerTurn && next_ && next_->time_ns + shift_ns_ <= now_ns; ++i) {
    hand_over(next_->bytes, handler);
    next_ = file_.next();
  }
  if (next_) arm(std::max<std::int64_t>(next_->time_ns + shift_ns_, 1));
  return next_.has_value();
}

void CaptureReplay::hand_over(Bytes packet, const FrameHandler& handler) {
  const std::optional<RadiotapRx> received = read_radiotap_rx(packet);
  if (received && !received->is_injected) {
    handler(received->frame);
  } else {
    ++passed_over_;
  }
}

void CaptureReplay::arm(std::int64_t monotonic_ns) {
  itimerspec setting{};
  setting.it_value = {monotonic_ns / kSecond, monotonic_ns % kSecond};
  ::timerfd_settime(timer_.number(), TFD_TIMER_ABSTIME, &setting, nullptr);
}

}  // namespace twinbed::backends
