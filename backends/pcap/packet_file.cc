#include "backends/pcap/packet_file.h"

#include <pcap/pcap.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/check.h"

namespace twinbed::backends {
namespace {

constexpr int kSnapBytes = 262'144;  // more than any packet: none is cut
constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

void PacketFile::Closer::operator()(pcap* handle) const { pcap_close(handle); }
void PacketFile::Closer::operator()(pcap_dumper* dumper) const { pcap_dump_close(dumper); }

PacketFile::PacketFile(std::string path, std::unique_ptr<pcap, Closer> handle,
                       std::unique_ptr<pcap_dumper, Closer> dumper)
    : path_(std::move(path)), handle_(std::move(handle)), dumper_(std::move(dumper)) {}

Result<PacketFile> PacketFile::create(const std::string& path, LinkLayer layer) {
  std::unique_ptr<pcap, Closer> handle(pcap_open_dead_with_tstamp_precision(
      data_link_type(layer), kSnapBytes, PCAP_TSTAMP_PRECISION_NANO));
  TWINBED_CHECK(handle != nullptr, "libpcap has no memory");
  std::unique_ptr<pcap_dumper, Closer> dumper(pcap_dump_open(handle.get(), path.c_str()));
  if (!dumper) {
    return Error{"the capture file cannot be written (" + std::string(pcap_geterr(handle.get())) +
                 "), check the path"};
  }
  return PacketFile(path, std::move(handle), std::move(dumper));
}

void PacketFile::write(Time at, Bytes packet) {
  pcap_pkthdr header{};
  header.ts.tv_sec = to_ns(at) / kSecond;
  header.ts.tv_usec = to_ns(at) % kSecond;  // nanoseconds, as the file's precision says
  header.caplen = static_cast<bpf_u_int32>(packet.size());
  header.len = header.caplen;
  pcap_dump(reinterpret_cast<u_char*>(dumper_.get()), &header,
            reinterpret_cast<const u_char*>(packet.data()));
}

std::optional<Error> PacketFile::close() {
  // pcap_dump returns nothing; the stream remembers.
  const bool flushed = pcap_dump_flush(dumper_.get()) == 0;
  const int reason = errno;
  const bool failed = !flushed || std::ferror(pcap_dump_file(dumper_.get())) != 0;
  dumper_.reset();
  if (!failed) return std::nullopt;
  return Error{"the capture file " + path_ + " could not be written to its end (" +
               std::strerror(reason) + "), check the disk"};
}

}  // namespace twinbed::backends
