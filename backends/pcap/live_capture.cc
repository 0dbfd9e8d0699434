#include "backends/pcap/live_capture.h"

#include <pcap/pcap.h>

#include <array>

namespace twinbed::backends {
namespace {

/// Reads that follow each other without a pause, so that a reader with other work gets back to it.
constexpr int kReadsAtOnce = 64;

/// What pcap_activate says, as a sentence with a remedy.
Error activation_error(const std::string& interface, int code, const std::string& reason) {
  const std::string head = "packets on the interface " + interface + " cannot be captured";
  if (code == PCAP_ERROR_PERM_DENIED || code == PCAP_ERROR_PROMISC_PERM_DENIED) {
    return {head + " without the privilege CAP_NET_RAW; run as root (sudo), or without a capture"};
  }
  if (code == PCAP_ERROR_NO_SUCH_DEVICE) {
    return {head + ": there is no such interface; ip link lists them"};
  }
  if (code == PCAP_ERROR_IFACE_NOT_UP) return {head + ": it is down; ip link set it up"};
  return {head + ": " + (reason.empty() ? pcap_statustostr(code) : reason)};
}

Error error_of(pcap_t* handle, const std::string& what) { return {what + pcap_geterr(handle)}; }

/// The callback of pcap_dispatch; `user` is the caller's visitor.
void hand_over(u_char* user, const pcap_pkthdr* header, const u_char* bytes) {
  const auto& visit = *reinterpret_cast<const std::function<void(const CapturedFrame&)>*>(user);
  // With time stamps of nanoseconds, tv_usec counts nanoseconds.
  const std::int64_t wall_ns =
      std::int64_t{header->ts.tv_sec} * 1'000'000'000 + header->ts.tv_usec;
  visit({wall_ns, {reinterpret_cast<const std::byte*>(bytes), header->caplen}});
}

}  // namespace

void LiveCapture::Closer::operator()(pcap* handle) const { pcap_close(handle); }

LiveCapture::LiveCapture(std::unique_ptr<pcap, Closer> handle)
    : handle_(std::move(handle)), link_layer_(link_layer_of(pcap_datalink(handle_.get()))) {}

Result<LiveCapture> LiveCapture::open(const LiveCaptureOptions& options) {
  std::array<char, PCAP_ERRBUF_SIZE> reason{};
  std::unique_ptr<pcap, Closer> handle(pcap_create(options.interface.c_str(), reason.data()));
  if (!handle) return activation_error(options.interface, PCAP_ERROR, reason.data());
  pcap_t* const raw = handle.get();
  pcap_set_snaplen(raw, options.snap_bytes);
  pcap_set_immediate_mode(raw, options.is_immediate ? 1 : 0);
  pcap_set_buffer_size(raw, static_cast<int>(options.buffer_bytes));
  pcap_set_timeout(raw, static_cast<int>(options.gathering.count()));
  if (pcap_set_tstamp_precision(raw, PCAP_TSTAMP_PRECISION_NANO) != 0) {
    return Error{"the interface " + options.interface + " has no time stamps of nanoseconds"};
  }
  // Warnings, which are above zero, do not matter here.
  if (const int code = pcap_activate(raw); code < 0) {
    return activation_error(options.interface, code, pcap_geterr(raw));
  }
  bpf_program program{};
  if (pcap_compile(raw, &program, options.filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return error_of(raw, "the filter '" + options.filter + "' is not one of libpcap: ");
  }
  const int set = pcap_setfilter(raw, &program);
  pcap_freecode(&program);
  if (set != 0) return error_of(raw, "the filter '" + options.filter + "' cannot be set: ");
  if (pcap_setnonblock(raw, 1, reason.data()) != 0) {
    return Error{"reading from " + options.interface + " cannot be made to return: " +
                 reason.data()};
  }
  return LiveCapture(std::move(handle));
}

int LiveCapture::descriptor() const { return pcap_get_selectable_fd(handle_.get()); }

Result<std::size_t> LiveCapture::read(const std::function<void(const CapturedFrame&)>& visit) {
  constexpr int kAll = -1;
  std::size_t total = 0;
  for (int i = 0; i < kReadsAtOnce; ++i) {
    const Result<std::size_t> count = read(visit, kAll);
    if (!count) return count;
    if (*count == 0) break;
    total += *count;
  }
  return total;
}

Result<std::size_t> LiveCapture::read(const std::function<void(const CapturedFrame&)>& visit,
                                      int most) {
  auto* const user = reinterpret_cast<u_char*>(
      const_cast<std::function<void(const CapturedFrame&)>*>(&visit));  // hand_over restores it
  const int count = pcap_dispatch(handle_.get(), most, hand_over, user);
  if (count < 0) return error_of(handle_.get(), "the capture cannot be read: ");
  return static_cast<std::size_t>(count);
}

std::uint64_t LiveCapture::dropped() {
  pcap_stat stat{};
  if (pcap_stats(handle_.get(), &stat) != 0) return 0;
  return std::uint64_t{stat.ps_drop} + stat.ps_ifdrop;
}

}  // namespace twinbed::backends
