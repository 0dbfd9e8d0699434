#include "backends/pcap/capture_file.h"

#include <pcap/pcap.h>

#include <array>
#include <utility>

#include "backends/pcap/link_layer.h"

namespace twinbed::backends {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
/// Of 1970; pcapng has room for times of which int64_t holds no nanoseconds.
constexpr std::int64_t kLatestSecond = 9'000'000'000;

}  // namespace

void CaptureFile::Closer::operator()(pcap* handle) const { pcap_close(handle); }

void CaptureFile::Closer::operator()(bpf_program* program) const {
  pcap_freecode(program);
  delete program;
}

CaptureFile::CaptureFile(std::string path, std::unique_ptr<pcap, Closer> handle,
                         std::unique_ptr<bpf_program, Closer> filter)
    : path_(std::move(path)), handle_(std::move(handle)), filter_(std::move(filter)) {}

Result<CaptureFile> CaptureFile::open(const std::string& path, const std::string& filter) {
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
  std::unique_ptr<bpf_program, Closer> program(new bpf_program{});
  if (pcap_compile(handle.get(), program.get(), filter.c_str(), 1, PCAP_NETMASK_UNKNOWN) != 0) {
    return Error{"the filter '" + filter + "' is not one of libpcap: " +
                 pcap_geterr(handle.get())};
  }
  return CaptureFile(path, std::move(handle), std::move(program));
}

std::optional<CaptureFile::Packet> CaptureFile::next() {
  pcap_pkthdr* header = nullptr;
  const u_char* bytes = nullptr;
  int result = 0;
  while ((result = pcap_next_ex(handle_.get(), &header, &bytes)) == 1) {
    ++number_;
    if (header->ts.tv_sec < 0 || header->ts.tv_sec > kLatestSecond) {
      error_ = path_ + " has an impossible time at frame " + std::to_string(number_);
      return std::nullopt;
    }
    const std::int64_t time_ns =
        std::int64_t{header->ts.tv_sec} * kSecond + header->ts.tv_usec;  // of nanoseconds
    if (!first_time_ns_) first_time_ns_ = time_ns;
    if (pcap_offline_filter(filter_.get(), header, bytes) == 0) continue;
    return Packet{number_, time_ns, {reinterpret_cast<const std::byte*>(bytes), header->caplen}};
  }
  if (result == PCAP_ERROR) {
    error_ = path_ + " cannot be read to its end: " + pcap_geterr(handle_.get());
  }
  return std::nullopt;
}

}  // namespace twinbed::backends
