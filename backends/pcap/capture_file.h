// Reads capture files of 802.11 frames with radiotap headers, frame by frame.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"

struct bpf_program;
struct pcap;

namespace twinbed::backends {

class CaptureFile {
 public:
  struct Packet {
    std::uint64_t number = 0;  ///< its place in the file, from 1, as Wireshark counts
    std::int64_t time_ns = 0;  ///< since 1970, or since whatever the file's times count from
    Bytes bytes;  ///< radiotap's header and the frame; valid until the next one is read
  };

  /// Opens a file of pcap or pcapng. `filter` is in libpcap's language ("wlan addr2
  /// 57:42:75:05:d6:00"); empty: all frames. Errors name the file and what is wrong with it.
  static Result<CaptureFile> open(const std::string& path, const std::string& filter = {});

  /// The next packet that the filter lets pass; nothing at the end.
  std::optional<Packet> next();
  /// When the file's first packet was captured, whatever the filter makes of it; nothing as long as
  /// none was read.
  std::optional<std::int64_t> first_time_ns() const { return first_time_ns_; }
  /// Why the file ended before its end, one sentence; empty: it did not.
  const std::string& error() const { return error_; }

 private:
  struct Closer {
    void operator()(pcap* handle) const;
    void operator()(bpf_program* program) const;
  };
  CaptureFile(std::string path, std::unique_ptr<pcap, Closer> handle,
              std::unique_ptr<bpf_program, Closer> filter);

  std::string path_;
  std::unique_ptr<pcap, Closer> handle_;
  std::unique_ptr<bpf_program, Closer> filter_;
  std::uint64_t number_ = 0;
  std::optional<std::int64_t> first_time_ns_;
  std::string error_;
};

}  // namespace twinbed::backends
