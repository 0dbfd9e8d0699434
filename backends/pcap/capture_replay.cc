#include "backends/pcap/capture_replay.h"

#include <pcap/pcap.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "backends/pcap/link_layer.h"
#include "core/base/check.h"
#include "core/wire/radiotap.h"

namespace twinbed::backends {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Then others on the loop get their turn.
constexpr int kFramesPerTurn = 64;

}  // namespace

void CaptureReplay::Closer::operator()(pcap* handle) const { pcap_close(handle); }

CaptureReplay::CaptureReplay(std::string path, std::unique_ptr<pcap, Closer> handle, Socket timer)
    : path_(std::move(path)), handle_(std::move(handle)), timer_(std::move(timer)) {
  read_next();
  arm(1);  // at once
}

Result<std::unique_ptr<CaptureReplay>> CaptureReplay::open(const std::string& path,
                                                           const std::string& filter) {
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  std::unique_ptr<pcap, Closer> handle(pcap_open_offline_with_tstamp_precision(
      path.c_str(), PCAP_TSTAMP_PRECISION_NANO, reason.data()));
  if (!handle) {
    return Error{"the capture file cannot be read (" + std::string(reason.data()) +
                 "), check the path"};
  }
  if (link_layer_of(pcap_datalink(handle.get())) != LinkLayer::kRadiotap) {
    return Error{path + " holds no 802.11 frames with radiotap headers; capture them on an "
                        "interface in monitor mode"};
  }
  bpf_program program{};
  if (pcap_compile(handle.get(), &program, filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Error{"the filter '" + filter + "' is not one of libpcap: " +
                 pcap_geterr(handle.get())};
  }
  pcap_setfilter(handle.get(), &program);
  pcap_freecode(&program);
  Socket timer(::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC));
  TWINBED_CHECK(timer.is_open(), "the system has no timer left");
  return std::unique_ptr<CaptureReplay>(
      new CaptureReplay(path, std::move(handle), std::move(timer)));
}

bool CaptureReplay::receive(int, const FrameHandler& handler) {
  std::uint64_t expirations = 0;
  if (::read(timer_.number(), &expirations, sizeof expirations) < 0) return next_.has_value();
  const std::int64_t now_ns = monotonic_now_ns();
  if (next_ && !std::exchange(has_begun_, true)) shift_ns_ = now_ns - next_->time_ns;
  for (int i = 0; i < kFramesPerTurn && next_ && next_->time_ns + shift_ns_ <= now_ns; ++i) {
    hand_over(next_->bytes, handler);
    read_next();
  }
  if (next_) arm(std::max<std::int64_t>(next_->time_ns + shift_ns_, 1));
  return next_.has_value();
}

void CaptureReplay::read_next() {
  next_.reset();
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  const int result = pcap_next_ex(handle_.get(), &header, &bytes);
  if (result == 1) {
    next_ = {std::int64_t{header->ts.tv_sec} * kSecond + header->ts.tv_usec,  // of nanoseconds
             {reinterpret_cast<const std::byte*>(bytes), header->caplen}};
  } else if (result == PCAP_ERROR) {
    error_ = path_ + " cannot be read to its end: " + pcap_geterr(handle_.get());
  }
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
