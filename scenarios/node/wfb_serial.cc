#include "scenarios/node/wfb_serial.h"

#include <asm/termbits.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace twinbed::scenarios {
namespace {

constexpr std::int64_t kRetryNs = 1'000'000'000;
/// Between two reads: no device can send faster than the loop takes what it sends.
constexpr std::int64_t kReadPauseNs = 5'000'000;
constexpr std::uint32_t kBitsPerByte = 10;  ///< start and stop bit included
constexpr std::size_t kLeastPending = 2048;

Error open_error(const std::string& path, int error) {
  switch (error) {
    case ENOENT:
    case ENXIO:
    case ENODEV:
      return {"there is no serial device " + path +
              "; plug it in, or look for its name with ls /dev/tty* /dev/serial/by-id"};
    case EACCES:
    case EPERM:
      return {"the serial device " + path +
              " needs privileges; add the user to its group, dialout as a rule, or run as root"};
    case EBUSY:
    case EWOULDBLOCK:
      return {"the serial device " + path + " is in use by another program; stop that one"};
    case ENOTTY: return {path + " is no serial device; name one such as ttyS0 or ttyUSB0"};
    default:
      return {"the serial device " + path +
              " cannot be opened: " + std::generic_category().message(error)};
  }
}

/// Raw bytes at this speed, which need not be one of POSIX's; 0 or a number from errno.
int set_up(int device, std::uint32_t baud) {
  termios2 settings{};
  if (::ioctl(device, TCGETS2, &settings) != 0) return errno;
  settings.c_iflag = IGNBRK;
  settings.c_oflag = 0;
  settings.c_lflag = 0;
  settings.c_cflag &= ~static_cast<tcflag_t>(CSIZE | PARENB | CSTOPB | CRTSCTS | CBAUD |
                                             CBAUD << IBSHIFT);
  settings.c_cflag |= CS8 | CREAD | CLOCAL | BOTHER | BOTHER << IBSHIFT;
  settings.c_ispeed = baud;
  settings.c_ospeed = baud;
  // So that a read of nothing is the end of the line, and no silence.
  settings.c_cc[VMIN] = 1;
  settings.c_cc[VTIME] = 0;
  if (::ioctl(device, TCSETS2, &settings) != 0) return errno;
  ::ioctl(device, TCFLSH, TCIFLUSH);  // what waited for somebody to open it is old
  return 0;
}

}  // namespace

Result<std::unique_ptr<WfbSerial>> WfbSerial::open(backends::EventLoop& loop, const Peer& peer,
                                                   Events events) {
  const std::string path = (std::filesystem::path("/dev") / peer.name).string();
  auto line = std::unique_ptr<WfbSerial>(
      new WfbSerial(loop, path, peer.baud, std::move(events)));
  if (const auto opened = line->open_device(); !opened) return Error{opened.error()};
  return line;
}

WfbSerial::WfbSerial(backends::EventLoop& loop, std::string path, std::uint32_t baud,
                     Events events)
    : loop_(loop),
      path_(std::move(path)),
      baud_(baud),
      events_(std::move(events)),
      alarm_(loop) {}

Result<std::monostate> WfbSerial::open_device() {
  backends::Socket device(::open(path_.c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!device.is_open()) return open_error(path_, errno);
  if (const int error = set_up(device.number(), baud_); error != 0) {
    return open_error(path_, error);
  }
  if (::flock(device.number(), LOCK_EX | LOCK_NB) != 0) return open_error(path_, errno);
  device_ = std::move(device);
  watch_.emplace(loop_, device_.number());
  wait_for_bytes();
  return std::monostate{};
}

void WfbSerial::wait_for_bytes() {
  watch_->when_readable([this] { read(); });
}

void WfbSerial::read() {
  std::array<std::byte, 4096> room{};
  const ssize_t got = ::read(device_.number(), room.data(), room.size());
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) return lose_device();
  if (got < 0) return wait_for_bytes();
  events_.on_bytes(Bytes(room).first(static_cast<std::size_t>(got)));
  alarm_.set(backends::monotonic_now_ns() + kReadPauseNs, [this] { wait_for_bytes(); });
}

void WfbSerial::send(Bytes payload) {
  if (!device_.is_open()) return;
  const std::size_t most = std::max<std::size_t>(kLeastPending, baud_ / kBitsPerByte);
  if (pending_.size() + payload.size() > most) {
    return events_.say("the serial device " + path_ +
                       " takes less than comes over the air, and some of that is lost; give both "
                       "its ends a higher baud rate");
  }
  pending_ += as_text(payload);
  if (!is_waiting_) write();
}

void WfbSerial::write() {
  is_waiting_ = false;
  const ssize_t sent = ::write(device_.number(), pending_.data(), pending_.size());
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return lose_device();
  pending_.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
  if (pending_.empty()) return;
  is_waiting_ = true;
  watch_->when_writable([this] { write(); });
}

void WfbSerial::lose_device() {
  watch_.reset();
  device_ = {};
  pending_.clear();
  is_waiting_ = false;
  events_.say("the serial device " + path_ + " is gone; it is looked for until it is back");
  try_again();
}

void WfbSerial::try_again() {
  alarm_.set(backends::monotonic_now_ns() + kRetryNs, [this] {
    if (!open_device()) return try_again();
    events_.say("the serial device " + path_ + " is back");
    events_.on_open();
  });
}

}  // namespace twinbed::scenarios
